"""What the protected record costs: a submission and a change of state, against the same with a plain audit row.

The plain side is the same code over a copy of the database without the trail's rules. In place of the record it inserts
what a common audit table has: a serial key, a time, the submission with an index, and the same line as text.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from unittest.mock import patch

from django.db import connection, connections

from jobs_app import lifecycle, submissions
from jobs_app.actors import Actor
from jobs_app.audit import Action, Change, Entry, Receipt
from jobs_app.models import Submission, User
from jobs_app.states import State
from tests.bench.databases import Database, copies
from tests.bench.figures import FULL, Figure, median_ratio
from tests.doors import operator_actor
from tests.rows import numbered, remove_all

ROWS = 300
ROUNDS = 15 if FULL else 7
MOST = 1.35
PLAIN = """
CREATE TABLE plain_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, submission uuid, line text NOT NULL
);
CREATE INDEX plain_event_submission ON plain_event (submission);
DROP TRIGGER created_with_event ON jobs_app_submission;
DROP TRIGGER moved_with_event ON jobs_app_submission;
"""
INSERT = "INSERT INTO plain_event (at, submission, line) "


def measure(person: User) -> Iterator[Figure]:
    with copies("protected", "plain") as (protected, plain):
        plain.use()
        with connections["owner"].cursor() as cursor:
            cursor.execute(PLAIN)
            cursor.execute(f"GRANT INSERT, SELECT ON plain_event TO {connection.settings_dict['USER']}")
        rounds = [(_round(protected, person), _plain_round(plain, person)) for _ in range(ROUNDS + 1)][1:]
    for number, (name, most) in enumerate((("submitting", MOST), ("changing a state", None))):
        pairs = [(ours[number], theirs[number]) for ours, theirs in rounds]
        told = ", ".join(f"{first:.2f} : {second:.2f}" for first, second in pairs)
        yield Figure(f"{name}, protected record : plain audit row", median_ratio(pairs), f"{told} ms", most=most)


def _plain_round(database: Database, person: User) -> tuple[float, float]:
    with patch.object(
        lifecycle, "audit", SimpleNamespace(record_all=_record_all, record_in_turn=_record_in_turn, Change=Change)
    ):
        return _round(database, person)


def _round(database: Database, person: User) -> tuple[float, float]:
    """Milliseconds of a submission, and of a change of its state."""
    database.use()
    actor = operator_actor(person)
    made: list[Submission] = []
    submitting = _each(lambda number: made.append(submissions.submit(numbered(number), by=actor)))
    moving = _each(lambda number: _cancel(made[number], actor))
    remove_all()
    return submitting, moving


def _cancel(submission: Submission, actor: Actor) -> None:
    lifecycle.move(submission, State.CANCELLED, by=actor, action=Action.SUBMISSION_CANCELLED)


def _each(work: Callable[[int], object]) -> float:
    began = time.perf_counter()
    for number in range(ROWS):
        work(number)
    return (time.perf_counter() - began) / ROWS * 1000


# --- The plain audit row ---------------------------------------------------------------------------------------------
def _record_all(entries: Sequence[Entry]) -> list[Receipt]:
    [entry] = entries
    assert entry.submission
    with connection.cursor() as cursor:
        cursor.execute(f"{INSERT} VALUES (now(), %s, %s) RETURNING id", [entry.submission.pk, _line(entry)])
        return [Receipt(cursor.fetchone()[0], "")]


def _record_in_turn(changes: Sequence[Change]) -> list[Receipt]:
    [change] = changes
    together = f"WITH done AS ({change.statement} RETURNING id) {INSERT} SELECT now(), id, %s FROM done RETURNING id"
    with connection.cursor() as cursor:
        cursor.execute(together, [*change.parameters, _line(change.entry)])
        return [Receipt(row[0], "") for row in cursor.fetchall()]


def _line(entry: Entry) -> str:
    by, about = entry.by, entry.submission
    told = {
        "action": entry.action,
        "outcome": entry.outcome,
        "actor": {"kind": by.kind, "id": by.id, "name": by.name},
        "auth": by.auth,
        "channel": by.channel,
        "ip": by.ip,
        "requestId": by.request_id,
        "submission": about and str(about.pk),
        **(entry.details or {}),
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str)
