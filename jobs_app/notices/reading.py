"""How notices come into being: the trail is read on where the last reading stopped, and events become notices.

The events are committed, and closed: none with a lower number is still to come. The notices of some of them and the
position behind them are one transaction, so none is lost and none is made twice.
"""

import json
import logging
from typing import Any

from django.db import connection, transaction

from .. import feed
from ..models import NoticeState
from . import storing
from .events import ACTIONS, STATUSES, Happened, Reading

log = logging.getLogger(__name__)

_EVENTS = (
    "SELECT seq, at, action, outcome, status, submission, line FROM audit.event WHERE seq > %s AND seq <= %s "
    "AND (status = ANY(%s) OR action = ANY(%s)) ORDER BY seq LIMIT %s"
)


def state() -> NoticeState:
    """How far it was read; a portal that never read tells of what comes from now on."""
    return (
        NoticeState.objects.first() or NoticeState.objects.get_or_create(pk=1, defaults={"position": feed.newest()})[0]
    )


def read_on() -> None:
    """Makes notices of what has happened; whoever comes second makes none twice."""
    position = state().position
    upto = feed.newest(position)
    while position < upto:
        further = _read_on(position, upto)
        if further is None:
            return
        position = further


def _read_on(position: int, upto: int) -> int | None:
    """The position behind the events that became notices; None when somebody else was faster."""
    end = min(upto, position + feed.EXAMINED)
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, [position, end, STATUSES, ACTIONS, feed.AT_ONCE])
        rows = cursor.fetchall()
    further: int = rows[-1][0] if len(rows) == feed.AT_ONCE else end
    reading = Reading(filter(None, map(_happened, rows)))
    with transaction.atomic():
        if not NoticeState.objects.filter(position=position).update(position=further):
            return None
        storing.store(reading.notes())
        storing.forget(reading.decided())
    return further


def _happened(row: tuple[Any, ...]) -> Happened | None:
    """None for a line that somebody past the portal has made unreadable; checking the trail tells of it."""
    try:
        said = json.loads(row[-1])["event"]
    except (ValueError, KeyError):
        log.warning("event %s can't be read, so nobody is told of it", row[0])
        return None
    seq, at, action, outcome, status, submission, _ = row
    return Happened(seq, at, action, outcome, status, submission, said)
