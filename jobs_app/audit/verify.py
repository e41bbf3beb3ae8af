"""Checks the live trail as the verifier checks an archive, and says so in the trail."""

from collections.abc import Mapping
from contextlib import closing

from django.db import connection

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
