"""Who could hide what, as docs/audit.md tells it: every attack of its table, and whether something shows it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import DatabaseError, connections, transaction

from jobs_app import audit, submissions
from jobs_app.actors import COMMAND_LINE
from jobs_app.audit import Action, anchors, keys, seal, verifier, verify
from jobs_app.audit.verifier import Broken
from jobs_app.models import Event, Submission, User
from tests.doors import empty_the_trail, newest_event, operator_actor, past_the_guards
from tests.examples import body
from tests.processes import address

EVENT = (
    '{"action":"session.started","outcome":"ok","channel":"web","actor":{"kind":"person","id":"person:1","name":"-"}}'
)


@pytest.fixture
def key(database: None) -> Ed25519PrivateKey:
    """The sealer's key, and a trail that begins with the test; only the owner can, by taking the guards away."""
    empty_the_trail()
    return keys.private()


def happen(count: int = 1) -> None:
    for number in range(count):
        audit.record(Action.SESSION_STARTED, by=COMMAND_LINE, number=number)


def seals_with_gaps(key: Ed25519PrivateKey, count: int = 3) -> None:
    """So many seals of two events, in front of each a number that was rolled back."""
    for _ in range(count):
        with suppress(KeyError), transaction.atomic():
            happen()
            raise KeyError
        happen(2)
        seal.seal_all(key)


# --- The application's database role ---------------------------------------------------------------------------------
@pytest.fixture
def intruder(key: Ed25519PrivateKey, operator: User) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Signed in as the application, past all of its code, with something there to attack."""
    submissions.submit(body("copy"), by=operator_actor(operator))
    seal.seal_all(key)
    with psycopg.connect(address("default")) as signed_in:
        yield signed_in


REFUSED = {
    "UPDATE": "UPDATE audit.event SET line = '{}'",
    "DELETE": "DELETE FROM audit.event",
    "TRUNCATE": "TRUNCATE audit.event",
    "its own number": "INSERT INTO audit.event (seq, at, line, txid, action) "
    "VALUES (999999, now(), '{}', pg_current_xact_id(), 'x')",
    "nextval": "SELECT nextval('audit.event_seq')",
    "setval": "SELECT setval('audit.event_seq', 1)",
    "DISABLE TRIGGER": "ALTER TABLE audit.event DISABLE TRIGGER ALL",
    "session_replication_role": "SET session_replication_role = replica",
    "a forged seal": "INSERT INTO audit.seal (n, after_seq, upto_seq, count, text, key_id, signature) "
    "VALUES (99, 0, 0, 0, 'x', 'y', 'z')",
    "a state without its event": "UPDATE jobs_app_submission SET status = 'cancelled', finished_at = now(), "
    "due_at = NULL",
    "DELETE of a submission": "DELETE FROM jobs_app_submission",
    "a line with a newline": f"SELECT audit.record(ARRAY[E'{EVENT[:-1]},\n\"b\":1}}'])",
}
REFUSED |= {
    f"an event without its {what}": f"SELECT audit.record(ARRAY['{EVENT.replace(told, put)}'])"
    for what, told, put in (
        ("action", '"action"', '"x"'),
        ("outcome", '"ok"', "null"),
        ("channel", '"web"', "7"),
        ("actor", '"actor"', '"x"'),
        ("actor's id", '"person:1"', "1"),
        ("actor's name", '"-"', "[]"),
    )
}


_BARRIERS = (
    "permission denied|must be owner|without an audit event|invalid input syntax for type json|check constraint"
    "|names its action"
)


@pytest.mark.parametrize("attack", REFUSED)
def test_the_application_can_not(intruder: "psycopg.Connection[tuple[object, ...]]", attack: str) -> None:
    before = _everything()
    with pytest.raises(psycopg.Error, match=_BARRIERS), intruder.transaction():
        intruder.execute(REFUSED[attack])
    assert _everything() == before
    verify.live(by=COMMAND_LINE)


def _everything() -> list[object]:
    """What the attacks are after."""
    statements = (
        "SELECT count(*), max(seq), md5(string_agg(line, '' ORDER BY seq)) FROM audit.event",
        "SELECT count(*), md5(string_agg(text, '' ORDER BY n)) FROM audit.seal",
        "SELECT id, status FROM jobs_app_submission",
    )
    found: list[object] = []
    with connections["owner"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            found += cursor.fetchall()
    return found


def test_the_application_can_add_a_false_event_which_is_sealed_like_any_other(
    intruder: "psycopg.Connection[tuple[object, ...]]", key: Ed25519PrivateKey
) -> None:
    with intruder.transaction():
        intruder.execute("SELECT audit.record(%s)", [[EVENT]])
    seal.seal_all(key)
    report = verify.live(by=COMMAND_LINE)
    assert (report.events, report.unsealed) == (2 + Event.objects.filter(action="person.created").count(), 0)
    assert '"db":"portal_app"' in Event.objects.filter(action="session.started").latest("seq").line


def test_the_application_can_hold_up_the_sealer_who_notices(
    intruder: "psycopg.Connection[tuple[object, ...]]", key: Ed25519PrivateKey
) -> None:
    happen()
    with intruder.transaction():
        intruder.execute("SELECT pg_advisory_xact_lock_shared(7411001)")
        with pytest.raises(seal.WritersBusyError):
            seal.seal_all(key)
    assert seal.seal_all(key) == 1


# --- The sealer's database role, without the key ---------------------------------------------------------------------
def test_a_seal_with_a_wrong_signature_is_found(key: Ed25519PrivateKey) -> None:
    happen()
    seal.seal_all(Ed25519PrivateKey.generate())
    with pytest.raises(Broken, match="none of those given"):
        verify.live(by=COMMAND_LINE)


def test_a_seal_that_names_the_right_key_without_having_it_is_found(key: Ed25519PrivateKey) -> None:
    seals_with_gaps(key, 1)
    happen()
    with connections["sealer"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit.seal (n, after_seq, upto_seq, count, text, key_id, signature) SELECT n + 1, upto_seq, "
            "upto_seq + 1, 1, replace(text, 'n 1', 'n 2'), key_id, signature FROM audit.seal"
        )
    with pytest.raises(Broken, match="signature of seal 2 is wrong"):
        verify.live(by=COMMAND_LINE)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM audit.seal", "UPDATE audit.seal SET n = 7", "SELECT audit.record('{}')"]
)
def test_the_sealer_can_only_add(key: Ed25519PrivateKey, statement: str) -> None:
    happen()
    seal.seal_all(key)
    with pytest.raises(DatabaseError, match="permission denied"), connections["sealer"].cursor() as cursor:
        cursor.execute(statement)


# --- The owner of the database, without the key ----------------------------------------------------------------------
CHANGES = {
    "change": "UPDATE audit.event SET line = replace(line, 'session.started', 'session.ended'), "
    "action = 'session.ended' WHERE seq = {some}",
    "delete": "DELETE FROM audit.event WHERE seq = {some}",
    "swap": "UPDATE audit.event e SET line = (SELECT line FROM audit.event WHERE seq = 2 * {some} + 1 - e.seq) "
    "WHERE seq IN ({some}, {some} + 1)",
    "insert into a gap": "INSERT INTO audit.event SELECT {some} - 1, at, replace(line, '\"seq\":{some},', "
    "'\"seq\":' || {some} - 1 || ','), txid, action, outcome, actor, submission, status "
    "FROM audit.event WHERE seq = {some}",
    "drop a seal": "DELETE FROM audit.seal WHERE n = 2",
    "change a seal": "UPDATE audit.seal SET text = replace(text, 'count 2', 'count 1') WHERE n = 2",
    "move a border": "UPDATE audit.seal SET text = replace(text, 'after ', 'after 1') WHERE n = 2",
    "name another key": "UPDATE audit.seal SET key_id = repeat('0', 16) WHERE n = 2",
    "rename an actor": "UPDATE audit.actor_name SET name = 'somebody else' WHERE name = 'command-line'",
}


@pytest.mark.parametrize("attack", CHANGES)
def test_what_the_owner_does_to_what_was_sealed_is_found(key: Ed25519PrivateKey, attack: str) -> None:
    seals_with_gaps(key)
    verify.live(by=COMMAND_LINE)
    [some] = Event.objects.order_by("seq").values_list("seq", flat=True)[2:3]
    past_the_guards(CHANGES[attack].format(some=some))
    try:
        with pytest.raises(Broken):
            verify.live(by=COMMAND_LINE)
    finally:
        past_the_guards("UPDATE audit.actor_name SET name = 'command-line' WHERE name = 'somebody else'")
    assert newest_event("trail.verified")["outcome"] == "failed"


@pytest.mark.parametrize("attack", ["change", "delete", "insert into a gap"])
def test_what_the_owner_does_before_the_next_seal_is_not_found(key: Ed25519PrivateKey, attack: str) -> None:
    with suppress(KeyError), transaction.atomic():
        happen()
        raise KeyError
    happen(2)
    [some] = Event.objects.order_by("seq").values_list("seq", flat=True)[:1]
    past_the_guards(CHANGES[attack].format(some=some))
    seal.seal_all(key)
    verify.live(by=COMMAND_LINE)


@pytest.mark.parametrize("n", [1, 2])
def test_a_seal_that_goes_together_with_its_events_is_missed(key: Ed25519PrivateKey, n: int) -> None:
    seals_with_gaps(key)
    _remove_seals(f"n = {n}")
    with pytest.raises(Broken, match=f"Seal {n} is missing"):
        verify.live(by=COMMAND_LINE)


def test_a_cut_end_is_found_with_anchors_and_only_with_them(key: Ed25519PrivateKey, tmp_path: Path) -> None:
    seals_with_gaps(key)
    known = _published(tmp_path)
    assert len(known) == 3
    assert verify.live(known, by=COMMAND_LINE).anchored == 3
    past_the_guards("DELETE FROM audit.event WHERE seq > (SELECT upto_seq FROM audit.seal WHERE n = 3)")
    _remove_seals("n > 2")
    verify.live(by=COMMAND_LINE)
    with pytest.raises(Broken, match="cut off"):
        verify.live(known, by=COMMAND_LINE)


def test_an_owner_who_stops_the_recording_leaves_no_trace_in_the_trail(key: Ed25519PrivateKey, operator: User) -> None:
    made = submissions.submit(body("copy"), by=operator_actor(operator))
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_app_submission DISABLE TRIGGER moved_with_event")
        cursor.execute(
            "UPDATE jobs_app_submission SET status = 'cancelled', finished_at = now(), due_at = NULL WHERE id = %s",
            [made.pk],
        )
        cursor.execute("ALTER TABLE jobs_app_submission ENABLE TRIGGER moved_with_event")
    seal.seal_all(key)
    verify.live(by=COMMAND_LINE)
    assert Submission.objects.get(pk=made.pk).status == "cancelled"
    assert Event.objects.filter(submission=made.pk).count() == 1


# --- Owner and key together ------------------------------------------------------------------------------------------
def test_a_history_that_was_signed_anew_is_found_with_anchors_and_only_with_them(
    key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    seals_with_gaps(key)
    known = _published(tmp_path)
    [first] = Event.objects.order_by("seq").values_list("seq", flat=True)[:1]
    past_the_guards("DELETE FROM audit.seal")
    past_the_guards(CHANGES["change"].format(some=first))
    seal.seal_all(key)
    verify.live(by=COMMAND_LINE)
    with pytest.raises(Broken, match="signed anew"):
        verify.live({1: known[1]}, by=COMMAND_LINE)


def _published(folder: Path) -> dict[int, str]:
    """The anchors of all seals, as they were published."""
    path = folder / "anchors.txt"
    assert anchors.publish([f"file:{path}"]) == {}
    return verifier.read_anchors(path.read_text().splitlines())


def _remove_seals(which: str) -> None:
    """Removes seals and the events that they closed."""
    closed = f"(SELECT FROM audit.seal WHERE {which} AND seq > after_seq AND seq <= upto_seq)"
    past_the_guards(f"DELETE FROM audit.event WHERE EXISTS {closed}")
    past_the_guards(f"DELETE FROM audit.seal WHERE {which}")
