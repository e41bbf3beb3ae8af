"""Tasks that somebody makes in KooDrive past the portal, some hours ago, and a trail that is older than they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connections

from jobs_app import claiming
from jobs_app.koodrive.answers import of_create
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.koodrive.sandbox.jobs import Plan
from jobs_app.koodrive.sandbox.verify import wanted
from jobs_app.models import Submission
from tests.doors import empty_the_trail, past_the_guards
from tests.examples import body, file_id


@contextmanager
def ago(sandbox: Sandbox, hours: float) -> Iterator[None]:
    """What is made in KooDrive meanwhile is so old afterwards; the oldest has to be made first."""
    sandbox.clock.set_back(hours * 3600)
    try:
        yield
    finally:
        sandbox.clock.reset()


def made_outside(
    sandbox: Sandbox, client: Client, number: int = 900, *, hours: float = 2, operation: str = "copy", **changes: Any
) -> str:
    """The id of a task that somebody made by KooDrive's API, with a request of their own."""
    given = {key: value for key, value in body(operation, **changes).items() if key != "reason"}
    given["taskInfo"]["fileInfo"] = [{"fileId": file_id(number)}]
    with ago(sandbox, hours):
        answer = client.create(given, trace_id=claiming.new_trace_id(Submission().pk, 1))
    task_id = of_create(answer, irreversible=False).task_id
    assert task_id is not None
    return task_id


def many_made_outside(sandbox: Sandbox, count: int, *, hours: float = 2) -> list[str]:
    document = {key: value for key, value in body("move").items() if key != "reason"}
    with ago(sandbox, hours):
        return [sandbox.jobs.create(wanted(document), Plan()).task_id for _ in range(count)]


def begin_anew(age: timedelta) -> None:
    """A trail of this age that tells nothing yet; only the owner can make one, by taking the guards away."""
    empty_the_trail()
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE audit.instance DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit.instance SET made_at = now() - %s", [age])
        cursor.execute("ALTER TABLE audit.instance ENABLE TRIGGER USER")


def told_so_long_ago(action: str, age: timedelta) -> None:
    """The newest event of this kind becomes so old. The line stays, so that only its time is another."""
    past_the_guards(
        f"UPDATE audit.event SET at = now() - interval '{age.total_seconds()} seconds' "
        f"WHERE seq = (SELECT max(seq) FROM audit.event WHERE action = '{action}')"
    )
