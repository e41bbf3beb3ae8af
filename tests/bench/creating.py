"""How many submissions a second the REST API takes over eight connections, against a bare view in the same server."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import count

from django.db import connections

from jobs_app.actors import SUBMISSION_SCOPES
from jobs_app.models import Submission, User
from tests.bench import web
from tests.bench.figures import FULL, Figure, median_ratio
from tests.bench.web import Call, Server
from tests.conftest import token_of
from tests.processes import ROOT, address
from tests.rows import numbered, remove_all

CALLS = 1_000 if FULL else 100  # of a turn; short ones, so that what else the machine does slows both sides
ROUNDS = 25 if FULL else 12
WARMING = 200
LEAST = 0.9
MOST_P99 = 5.0  # times the median
_SECRET = "the bare view's"  # noqa: S105


def measure(person: User) -> Iterator[Figure]:
    numbers = count()
    headers = {"Authorization": f"Bearer {token_of('bench', *SUBMISSION_SCOPES, owner=person)}"}
    with web.running() as portal, bare() as plain:
        portal.load([_create(next(numbers), headers) for _ in range(WARMING)])
        plain.load([_bare(next(numbers)) for _ in range(WARMING)])
        rates, seconds = [], []
        for _ in range(ROUNDS):
            ours, taken = portal.load([_create(next(numbers), headers) for _ in range(CALLS)])
            theirs, _ = plain.load([_bare(next(numbers)) for _ in range(CALLS)])
            rates.append((ours, theirs))
            seconds += taken
    assert Submission.objects.count() == WARMING + ROUNDS * CALLS
    told = ", ".join(f"{ours:.0f} : {theirs:.0f}" for ours, theirs in rates)
    yield Figure("creating, REST API : bare view", median_ratio(rates), f"{told} calls/s", least=LEAST)
    yield _tail(seconds)
    remove_all()


def _tail(seconds: list[float]) -> Figure:
    median, p99 = statistics.median(seconds), statistics.quantiles(seconds, n=100)[-1]
    told = f"{p99 * 1000:.1f} : {median * 1000:.1f} ms of {len(seconds):,} calls"
    return Figure("creating, p99 : median", p99 / median, told, most=MOST_P99)


def _create(number: int, headers: dict[str, str]) -> Call:
    """With a key, as a service calls that may repeat its call."""
    key = {"Idempotency-Key": f"bench-{number}"}
    return Call("/api/v1/submissions/", json.dumps(numbered(number)).encode(), headers | key)


def _bare(number: int) -> Call:
    given = {"operation": "copy", "file_id": f"F{number:032d}", "reason": "CHG-20311 move of the archive"}
    return Call("/jobs/", json.dumps(given).encode(), {"Authorization": f"Bearer {_SECRET}"})


@contextmanager
def bare() -> Iterator[Server]:
    """The bare view, whose tables stand in the run's database as long as it runs."""
    owner = {"DATABASE_URL": address("owner")}
    settings = ["--settings", "tests.bench.plain.settings"]
    command = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0", *settings]
    subprocess.run(command, cwd=ROOT, env=os.environ | owner | {"REDIS_URL": "redis://unused"}, check=True)
    with connections["owner"].cursor() as cursor:
        digest = sha256(_SECRET.encode()).hexdigest()
        cursor.execute("INSERT INTO plain_caller (name, digest) VALUES ('bench', %s)", [digest])
        try:
            with web.running("tests.bench.plain.wsgi:application", **owner) as server:
                yield server
        finally:
            cursor.execute("DROP TABLE plain_jobfile, plain_job, plain_caller")
