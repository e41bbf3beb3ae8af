"""The trail: exact lines, numbered by the database, that the application's role can only add to."""

import hashlib
import json
import uuid
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from jobs_app import audit, lifecycle, submissions
from jobs_app.actors import COMMAND_LINE, Actor, Channel, Kind
from jobs_app.audit import Action, Entry, read
from jobs_app.errors import AuditUnavailable
from jobs_app.models import Event, Submission, User
from jobs_app.states import State
from tests.doors import operator_actor, without_the_trail
from tests.examples import body

pytestmark = pytest.mark.usefixtures("database")


def actor(name: str = "olga") -> Actor:
    return Actor(Kind.PERSON, 4711, name, Channel.WEB, "session", ip="192.0.2.1", request_id="r-12345678")


def line_of(seq: int) -> str:
    return Event.objects.get(seq=seq).line


def test_a_line_is_one_json_object_whose_hash_is_the_receipts() -> None:
    receipt = audit.record(Action.SESSION_STARTED, by=actor(), note="Zażółć 报告 \U0001f600")
    line = line_of(receipt.seq)
    document = json.loads(line)
    assert hashlib.sha256(b"\0" + line.encode()).hexdigest() == receipt.hash
    assert list(document) == ["seq", "at", "db", "event"]
    assert document["seq"] == receipt.seq
    assert document["db"] == connection.settings_dict["USER"]
    assert document["event"]["note"] == "Zażółć 报告 \U0001f600"
    assert document["event"] | {"actor": None, "note": None} == {
        "action": "session.started",
        "outcome": "ok",
        "actor": None,
        "auth": "session",
        "channel": "web",
        "ip": "192.0.2.1",
        "requestId": "r-12345678",
        "note": None,
    }


def test_the_name_stands_beside_the_line_and_its_salted_hash_in_it() -> None:
    receipt = audit.record(Action.SESSION_STARTED, by=actor("Olga Ołów"))
    line = line_of(receipt.seq)
    assert "Olga" not in line
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT salt, name, hash FROM audit.actor_name WHERE actor = 'person:4711' AND name = 'Olga Ołów'"
        )
        salt, name, hash_ = cursor.fetchone()
    assert hash_ == hashlib.sha256((salt + name).encode()).hexdigest()
    assert json.loads(line)["event"]["actor"] == {"kind": "person", "id": "person:4711", "name": hash_}


def test_numbers_and_times_only_rise_in_one_call() -> None:
    receipts = audit.record_all([Entry(Action.SESSION_STARTED, actor(), details={"n": n}) for n in range(50)])
    lines = [json.loads(line_of(receipt.seq)) for receipt in receipts]
    assert [line["event"]["n"] for line in lines] == list(range(50))
    assert sorted(lines, key=lambda line: line["seq"]) == lines
    assert sorted(lines, key=lambda line: line["at"]) == lines


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\\u0000", 'x","seq":1', "a\nb", "\u2028", "\\", '"'])
def test_no_text_can_stop_or_break_a_line(text: str) -> None:
    receipt = audit.record(Action.SESSION_STARTED, by=actor(), path=text, more={text: [text]})
    line = line_of(receipt.seq)
    assert "\n" not in line
    stored = json.loads(line)["event"]["path"]
    assert stored == text or "\0" in text or "\ud800" in text


def test_a_rolled_back_transaction_leaves_no_line() -> None:
    before = Event.objects.count()
    with transaction.atomic():
        audit.record(Action.SESSION_STARTED, by=actor())
        transaction.set_rollback(True)
    assert Event.objects.count() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit.event SET line = '{}'",
        "DELETE FROM audit.event",
        "TRUNCATE audit.event",
        "UPDATE audit.event_0 SET line = '{}'",
        "DELETE FROM audit.event_0",
        "TRUNCATE audit.event_0",
        "INSERT INTO audit.event (seq, at, line, txid, action) VALUES (1, now(), '{}', pg_current_xact_id(), 'x')",
        "INSERT INTO audit.event_0 (seq, at, line, txid, action) VALUES (1, now(), '{}', pg_current_xact_id(), 'x')",
        "SELECT nextval('audit.event_seq')",
        "SELECT setval('audit.event_seq', 1)",
        "ALTER TABLE audit.event DISABLE TRIGGER ALL",
        "ALTER TABLE audit.event DROP COLUMN line",
        "DROP TABLE audit.event",
        "DROP FUNCTION audit.record(text[])",
        "CREATE OR REPLACE FUNCTION audit.record(events text[]) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE audit.mine (n int)",
        "SET session_replication_role = replica",
        "SET ROLE portal_owner",
        "UPDATE audit.actor_name SET name = 'nobody'",
        "DELETE FROM audit.actor_name",
        "ALTER TABLE jobs_app_submission DISABLE TRIGGER ALL",
        "DELETE FROM jobs_app_submission",
        "UPDATE jobs_app_submission SET request = '{}'",
        "UPDATE jobs_app_submission SET request_sha256 = repeat('0', 64)",
        "UPDATE jobs_app_submission SET accountable_id = NULL",
        "UPDATE jobs_app_submission SET approvals_needed = 0",
        "UPDATE jobs_app_approval SET by_id = 1",
        "DELETE FROM jobs_app_approval",
    ],
)
def test_the_applications_role_can_do_nothing_but_add(statement: str) -> None:
    audit.record(Action.SESSION_STARTED, by=actor())
    assert connection.settings_dict["USER"] != connections["owner"].settings_dict["USER"]
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("verb", ["UPDATE audit.{} SET line = '{{}}'", "DELETE FROM audit.{}", "TRUNCATE audit.{}"])
@pytest.mark.parametrize("table", ["event", "event_0"])
def test_even_the_owner_is_stopped_from_changing_it_by_mistake(verb: str, table: str) -> None:
    audit.record(Action.SESSION_STARTED, by=actor())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(using="owner"):
        connections["owner"].cursor().execute(verb.format(table))


@pytest.mark.parametrize("lines", [["no json"], ["[]"], ['"text"'], ["7"], ['{"a":1},"seq":1'], [None], ['{"a":\n1}']])
def test_the_database_takes_nothing_but_events(lines: list[Any]) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM audit.record(%s)", [lines])


def test_number_and_time_cannot_be_forged_through_the_function() -> None:
    forged = (
        '{"action":"session.started","outcome":"ok","channel":"web","actor":{"kind":"person","id":"person:1","name":"-"},'
        '"seq":1,"at":"1999-01-01T00:00:00Z","db":"nobody"}'
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM audit.record(%s)", [[forged]])
        [seq] = cursor.fetchone()
    document = json.loads(line_of(seq))
    assert document["seq"] == seq
    assert document["at"] > "2026"
    assert document["db"] == connection.settings_dict["USER"]


def test_a_change_of_state_without_its_event_cannot_be_committed(operator: User) -> None:
    made = submissions.submit(body("copy"), by=operator_actor(operator))
    with pytest.raises(IntegrityError, match="without an audit event"):
        Submission.objects.filter(pk=made.pk).update(status="unknown")
    made.refresh_from_db()
    assert made.status == "queued"


def test_a_row_without_its_event_cannot_be_committed(operator: User) -> None:
    made = submissions.submit(body("copy"), by=operator_actor(operator))
    made.pk = uuid.uuid4()
    with pytest.raises(IntegrityError, match="without an audit event"):
        made.save(force_insert=True)
    assert not Submission.objects.filter(pk=made.pk).exists()


def test_without_the_trail_nothing_is_stored(operator: User) -> None:
    with without_the_trail(), pytest.raises(AuditUnavailable):
        submissions.submit(body("copy"), by=operator_actor(operator))
    assert not Submission.objects.exists()


def test_the_receipt_is_the_newest_event(operator: User) -> None:
    made = submissions.submit(body("copy"), by=operator_actor(operator))
    newest = audit.record(Action.SEND_INTENDED, by=COMMAND_LINE, submission=made)
    assert read.receipts([made.pk]) == {made.pk: newest}
    assert made.receipt == newest


def test_a_change_leaves_its_receipt_with_the_submission(operator: User) -> None:
    made = submissions.submit(body("copy"), by=operator_actor(operator))
    lifecycle.move(made, State.CANCELLED, by=COMMAND_LINE, action=Action.SUBMISSION_CANCELLED)
    assert read.receipts([made.pk]) == {made.pk: made.receipt}


def test_partitions_are_made_ahead_and_only_once() -> None:
    assert audit.make_partitions(1) == 0
    assert audit.make_partitions(2) in (0, 1)
    assert audit.make_partitions(2) == 0
