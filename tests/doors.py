"""Actors for tests that call the verbs themselves, and a way to break the trail."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

from jobs_app import identities
from jobs_app.actors import Actor, Channel
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.credentials import Bearer
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Event, User


def operator_actor(user: User, channel: Channel = Channel.WEB) -> Actor:
    return identities.person(user, channel=channel, ip="192.0.2.7", request_id="test-request")


def newest_event(action: str) -> dict[str, Any]:
    """The last event of this kind in the whole trail."""
    event: dict[str, Any] = json.loads(Event.objects.filter(action=action).latest("seq").line)["event"]
    return event


@contextmanager
def without_the_trail() -> Iterator[None]:
    """Takes the application's right to write the trail away, as a broken deployment would."""
    role = connection.settings_dict["USER"]
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"REVOKE EXECUTE ON FUNCTION audit.record(text[]) FROM {role}")
        try:
            yield
        finally:
            cursor.execute(f"GRANT EXECUTE ON FUNCTION audit.record(text[]) TO {role}")


def client_of(sandbox: Sandbox, token: str = "sandbox-token", **changes: Any) -> Client:
    """A client of the sandbox with short timeouts; ``changes`` replace or add its arguments."""
    known = {"base_url": sandbox.url, "credentials": Bearer(token), "connect_timeout": 1, "read_timeout": 1}
    return Client(**(known | changes))


def past_the_guards(statement: str) -> None:
    """Runs a statement as the owner of the trail with its triggers switched off, as only an owner can."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit.event'::regclass")
        guarded = ["audit.event", "audit.seal", *(row[0] for row in cursor.fetchall())]
        for table in guarded:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        try:
            cursor.execute(statement)
        finally:
            for table in guarded:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def empty_the_trail() -> None:
    """A trail that begins now; only the owner can, by taking the guards away."""
    past_the_guards("TRUNCATE audit.event, audit.seal, audit.anchored")
