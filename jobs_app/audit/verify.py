"""Checks the live trail as the verifier checks an archive, and says so in the trail."""

from collections.abc import Mapping
from contextlib import closing

from django.db import DataError, connection

from ..actors import Actor
from . import export, keys, verifier
from .actions import Action
from .record import record
from .verifier import Broken, Report

__all__ = ["Broken", "Report", "live"]


def live(anchors: Mapping[int, str] | None = None, *, log: Mapping[int, bytes] | None = None, by: Actor) -> Report:
    """What the whole trail amounts to; raises ``Broken``. Either way an event tells the result.

    ``log`` are events as they were logged (``verifier.read_log``), read before this is called.
    """
    try:
        # The seals first: of events that come later none can be missing. Both are closed at once, not when they are
        # collected, since they hold a transaction while they are open.
        upto = export.newest_seal()
        with closing(export.lines()) as lines, closing(export.seals(upto)) as seals:
            events = verifier.archive_events(lines)
            report = verifier.check(events, seals, keys.public(), anchors, keys.verify, log=log)
        _check_names()
        _check_columns()
    except Broken as error:
        record(Action.TRAIL_VERIFIED, by=by, outcome="failed", detail=str(error))
        raise
    record(
        Action.TRAIL_VERIFIED,
        by=by,
        seals=report.seals,
        events=report.events,
        sealedUpToSeq=report.last_sealed,
        unsealed=report.unsealed,
        anchored=report.anchored,
        logged=report.logged if log is not None else None,
    )
    return report


def _check_names() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT actor FROM audit.actor_name WHERE encode(sha256(convert_to(salt || name, 'UTF8')), 'hex') <> hash"
        )
        if row := cursor.fetchone():
            raise Broken(f"The name of {row[0]} is not the one that the events stand for.")


# What is searched and shown by date is a copy of what is sealed: a change of the copy alone would hide an event.
# OFFSET 0 keeps the planner from parsing the line anew for every column.
_OTHER_COLUMNS = """
SELECT e.seq FROM audit.event e, LATERAL (SELECT e.line::jsonb AS parsed OFFSET 0) l,
  LATERAL audit.columns(l.parsed->'event') c
WHERE (e.seq, e.at, e.action, e.outcome, e.actor, e.submission, e.status, e.request, e.batch, e.task, e.operation,
       e.space, e.source, e.reference, e.token, e.ip)
  IS DISTINCT FROM
      ((l.parsed->>'seq')::bigint, (l.parsed->>'at')::timestamptz, c.action, c.outcome, c.actor, c.submission, c.status,
       c.request, c.batch, c.task, c.operation, c.space, c.source, c.reference, c.token, c.ip)
ORDER BY e.seq LIMIT 1
"""


def _check_columns() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_OTHER_COLUMNS)
            row = cursor.fetchone()
    except DataError as error:
        raise Broken(f"An event has a line that can't be read: {error}".strip()) from error
    if row:
        raise Broken(f"Event {row[0]} is searched by something else than stands in its line: a column was changed.")
