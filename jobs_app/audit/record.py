"""The only writer of the audit trail.

Call ``record`` in the transaction that does what it tells, as its last statement, or ``record_with`` in its place:
either both are stored or neither.
Raises ``AuditUnavailable`` when the line can't be written; the transaction must then be left to roll back.
Each event also goes to the log as soon as it is committed: a copy that whoever owns the database can't change.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, transaction
from psycopg.errors import InsufficientPrivilege

from .. import statements
from ..actors import Actor
from ..errors import AuditUnavailable
from ..models import Submission
from .actions import Action

log = logging.getLogger(__name__)
events = logging.getLogger("jobs_app.audit.events")

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)
_OF_MADE = "SELECT made.*, seq, hash FROM made CROSS JOIN LATERAL audit.record(ARRAY[%s])"


@dataclass(frozen=True)
class Receipt:
    """Where an event stands in the trail: its number, and the SHA-256 of the byte 0 and its line."""

    seq: int
    hash: str


@dataclass(frozen=True)
class Entry:
    """One event to be written; ``details`` are its further fields, named as they stand in the line."""

    action: Action
    by: Actor
    submission: Submission | None = None
    outcome: str = "ok"
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Change:
    """An UPDATE of one row, which ends with its WHERE clause, and the event that tells of it."""

    statement: str
    parameters: Sequence[Any]
    entry: Entry


def record(
    action: Action,
    *,
    by: Actor,
    submission: Submission | None = None,
    outcome: str = "ok",
    using: str = DEFAULT_DB_ALIAS,
    **details: Any,
) -> Receipt:
    """Writes one event over the connection ``using``.

    ``details`` become fields of the line, those that are None are left out.
    """
    return record_all([Entry(action, by, submission, outcome, details)], using=using)[0]


def record_with(statement: str, parameters: Sequence[Any], entry: Entry) -> Receipt | None:
    """Runs an UPDATE of one row and, if it changed it, writes its event, in one statement; None if it changed nothing.

    Outside a transaction both are committed when this returns.
    """
    return next(iter(record_in_turn([Change(statement, parameters, entry)])), None)


def record_in_turn(changes: Sequence[Change]) -> list[Receipt]:
    """Runs them in one statement, each only if the one before it changed its row; the receipts of those that did.

    Outside a transaction all of them are committed when this returns.
    """
    try:
        written = [_event(each.entry, _name_hash(each.entry.by)) for each in changes]
        parameters = [value for each in changes for value in each.parameters]
        statement = _in_turn([each.statement for each in changes])
        receipts = [Receipt(*row) for row in statements.rows(statement, [*parameters, *written])]
    except DatabaseError as error:
        _raise_if_of_the_trail(error)
        raise
    if receipts:
        _keep(zip([each.entry for each in changes], receipts, strict=False))
        _log_when_committed(zip(receipts, written, strict=False))
    return receipts


def record_made(statement: str, parameters: Sequence[Any], entry: Entry) -> tuple[Any, ...] | None:
    """Runs what makes one row and, if it did, writes its event, in one statement; None if it made nothing.

    ``statement`` are the parts of a WITH, of which ``made`` gives one row: its columns are what this returns.
    Outside a transaction both are committed when this returns.
    """
    try:
        written = _event(entry, _name_hash(entry.by))
        found = statements.rows(f"WITH {statement} {_OF_MADE}", [*parameters, written])
    except DatabaseError as error:
        _raise_if_of_the_trail(error)
        raise
    if not found:
        return None
    *columns, seq, hash_ = found[0]
    receipt = Receipt(seq, hash_)
    _keep([(entry, receipt)])
    _log_when_committed([(receipt, written)])
    return tuple(columns)


def _in_turn(updates: Sequence[str]) -> str:
    names = [f"done_{number}" for number in range(len(updates))]
    conditions = ["", *(f" AND EXISTS (SELECT FROM {name})" for name in names[:-1])]
    parts = zip(names, updates, conditions, strict=True)
    done = ", ".join(f"{name} AS ({update}{condition} RETURNING TRUE)" for name, update, condition in parts)
    every = " UNION ALL ".join(f"TABLE {name}" for name in names)
    lines = ", ".join(["%s"] * len(names))
    return (
        f"WITH {done}, changed AS (SELECT count(*)::int AS n FROM ({every}) AS one) "  # noqa: S608  (of names and code)
        f"SELECT seq, hash FROM changed CROSS JOIN LATERAL audit.record((ARRAY[{lines}])[:n]) WHERE n > 0"
    )


def _raise_if_of_the_trail(error: DatabaseError) -> None:
    if _is_of_the_trail(error):
        log.exception("the audit trail can't be written")
        raise AuditUnavailable from error


def _is_of_the_trail(error: DatabaseError) -> bool:
    """Whether writing the event failed, and not the change of the row; the role may do every change of a row."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error):
        return False
    where = cause.diag.context or ""
    return isinstance(cause, InsufficientPrivilege) or "audit.record(" in where or "audit.actor_hash(" in where


def record_all(entries: Sequence[Entry], *, using: str = DEFAULT_DB_ALIAS) -> list[Receipt]:
    """Writes the events in this order, in one statement."""
    if not entries:
        return []
    try:
        # No savepoint: whoever is told that the trail can't be written rolls everything back.
        with transaction.atomic(using=using, savepoint=False), connections[using].cursor() as cursor:
            # One text instead of an array: a line holds no line feed, and the driver would escape every quotation mark.
            hashes = {by: _name_hash(by, using) for by in {entry.by for entry in entries}}
            written = [_event(entry, hashes[entry.by]) for entry in entries]
            cursor.execute("SELECT seq, hash FROM audit.record(string_to_array(%s, E'\\n'))", ["\n".join(written)])
            receipts = [Receipt(*row) for row in cursor.fetchall()]
            _keep(zip(entries, receipts, strict=True))
            _log_when_committed(zip(receipts, written, strict=True), using)
            return receipts
    except DatabaseError as error:
        log.exception("the audit trail can't be written")
        raise AuditUnavailable from error


def _keep(written: Iterable[tuple[Entry, Receipt]]) -> None:
    """So that whoever shows the submission next need not look for it."""
    for entry, receipt in written:
        if entry.submission is not None:
            entry.submission.receipt = receipt


def _log_when_committed(written: Iterable[tuple[Receipt, str]], using: str = DEFAULT_DB_ALIAS) -> None:
    """What is rolled back is never logged, and a log that can't be written fails nobody's request."""
    # Number and hash in front: a collector that cuts long lines leaves what is compared.
    line = '{{"audit":{{"seq":{},"hash":"{}","event":{}}}}}'
    lines = "\n".join(line.format(receipt.seq, receipt.hash, event) for receipt, event in written)
    transaction.on_commit(lambda: events.info("%s", lines), using=using, robust=True)


def _event(entry: Entry, name_hash: str) -> str:
    by = entry.by
    event = {
        "action": entry.action,
        "outcome": entry.outcome,
        "actor": {"kind": by.kind, "id": by.id, "name": name_hash},
        "auth": by.auth,
        "channel": by.channel,
        "ip": by.ip,
        "requestId": by.request_id,
        **(_about(entry.submission) if entry.submission else {}),
        **(entry.details or {}),
    }
    present = {name: value for name, value in event.items() if value is not None}
    line = _ENCODER.encode(present)
    return line if _is_storable(line) else _ENCODER.encode(_storable(present))


def _is_storable(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in line


def _about(submission: Submission) -> dict[str, Any]:
    """What every event of a submission is found by: the trail has to answer without the rows beside it."""
    source = submission.source_space
    return {
        "submission": str(submission.pk),
        "batch": str(submission.batch_id) if submission.batch_id else None,
        "operation": submission.operation,
        "space": submission.space,
        "sourceSpace": source if source != submission.space else None,
        "reference": submission.reference,
    }


def _storable(value: Any) -> Any:
    """``value`` with what PostgreSQL can't store replaced: a stranger's path must not be able to stop the trail."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    if isinstance(value, Mapping):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value


# Right for ever: of a name that was erased meanwhile the hash is what stays.
_known_hashes: dict[tuple[str, str], str] = {}


def _name_hash(actor: Actor, using: str = DEFAULT_DB_ALIAS) -> str:
    """The salted hash that stands for the actor's name in the line; the name itself stands in audit.actor_name."""
    key = (actor.id, actor.name)
    if key not in _known_hashes:
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT audit.actor_hash(%s, %s)", list(key))
            found: str = cursor.fetchone()[0]
        # Only what is committed may be remembered: another transaction of this process relies on it.
        transaction.on_commit(lambda: _known_hashes.setdefault(key, found), using=using)
        return found
    return _known_hashes[key]


def make_partitions(ahead: int = 1) -> int:
    """Keeps ``ahead`` partitions of five million events beyond the newest one; says how many it made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit.make_partitions(%s)", [ahead])
        return int(cursor.fetchone()[0])
