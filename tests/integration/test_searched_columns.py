"""What the trail is searched by is held against its lines: an owner can't hide an event by a column alone."""

import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from jobs_app import audit, submissions
from jobs_app.actors import COMMAND_LINE
from jobs_app.audit import Action, seal, verify
from jobs_app.audit.verifier import Broken
from jobs_app.models import Event, User
from tests.doors import newest_event, operator_actor, past_the_guards
from tests.examples import body

pytestmark = pytest.mark.usefixtures("empty_trail")

# A value that could stand there and doesn't.
OTHERS = {
    "seq": "0",
    "at": "at - interval '1 day' FROM audit.event WHERE seq = {seq}",
    "action": "'session.ended'",
    "outcome": "NULL",
    "actor": "'person:4711'",
    "submission": "gen_random_uuid()",
    "status": "'closed'",
    "request": "NULL",
    "batch": "gen_random_uuid()",
    "task": "'815'",
    "operation": "'move'",
    "space": "NULL",
    "source": "'elsewhere'",
    "reference": "NULL",
    "token": "'token:1'",
    "ip": "NULL",
}


@pytest.fixture
def chosen(operator: User, key: Ed25519PrivateKey) -> Event:
    """A sealed event in which most of the columns have a value."""
    submissions.submit({**body("copy"), "reference": "CHG-1"}, by=operator_actor(operator))
    seal.seal_all(key)
    return Event.objects.get(action=Action.SUBMISSION_CREATED)


def test_every_column_is_tried() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'audit.event'::regclass AND attnum > 0 "
            "AND NOT attisdropped AND attname NOT IN ('line', 'txid')"
        )
        assert set(OTHERS) == {row[0] for row in cursor.fetchall()}


def test_what_nobody_changed_is_whole(chosen: Event) -> None:
    audit.record(Action.TASK_CONTRADICTED, by=COMMAND_LINE, task="815", batch=str(uuid.uuid4()), token="token:7")
    assert verify.live(by=COMMAND_LINE).unsealed == 1


@pytest.mark.parametrize("column", OTHERS)
def test_a_changed_column_is_found_and_its_event_named(chosen: Event, column: str) -> None:
    value = OTHERS[column].format(seq=chosen.seq)
    past_the_guards(f"UPDATE audit.event SET {column} = (SELECT {value}) WHERE seq = {chosen.seq}")
    with pytest.raises(Broken) as broken:
        verify.live(by=COMMAND_LINE)
    assert "Event " in str(broken.value)
    assert column == "seq" or f"Event {chosen.seq} " in str(broken.value)
    assert newest_event("trail.verified")["outcome"] == "failed"


def test_an_unsealed_line_that_is_no_json_is_broken_and_no_crash(chosen: Event) -> None:
    receipt = audit.record(Action.SESSION_STARTED, by=COMMAND_LINE)
    past_the_guards(f"UPDATE audit.event SET line = rtrim(line, '}}') WHERE seq = {receipt.seq}")
    with pytest.raises(Broken, match="can't be read"):
        verify.live(by=COMMAND_LINE)
