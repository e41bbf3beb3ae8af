"""The changes of state, oldest first: what a service reads instead of asking after each of its submissions.

Every change is an event of the trail, and the event's number is its position. A change is shown once no lower number is
still to come, so whoever goes on from the last position misses nothing and gets nothing twice.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from . import canonical, permissions
from .actors import Actor
from .audit.closing import closed_up_to
from .errors import TooManyWaiting
from .models import Submission
from .states import FINAL

EXAMINED = 20_000  # events looked through in one go, for somebody who may see few of them
AT_ONCE = 1000  # changes of theirs
LONGEST_WAIT = 25.0  # seconds
LONGEST_TRANSACTION = 1.0  # seconds for those who are writing
_PAUSE = 0.25  # seconds between two looks of somebody who waits
_waiting = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


@dataclass(frozen=True)
class Change:
    """One submission came to one state."""

    position: int
    at: datetime
    action: str
    status: str
    row: Submission

    def as_json(self) -> dict[str, Any]:
        """As REST shows it, and as a notice tells it."""
        return {
            "position": str(self.position),
            "at": canonical.moment(self.at),
            "submission": str(self.row.pk),
            "status": self.status,
            "final": self.status in FINAL,
            "action": self.action,
            "reference": self.row.reference,
            "batch": str(self.row.batch_id) if self.row.batch_id else None,
            "taskId": self.row.task_id,
        }


@dataclass(frozen=True)
class Changes:
    """Some changes, and the position to go on from."""

    changes: list[Change]
    position: int


def changes(*, after: int, limit: int, wait: float = 0.0, upto: int | None = None, by: Actor) -> Changes:
    """What the actor may see beyond the position, at most ``limit``; waits up to ``wait`` seconds for the first.

    ``upto`` is a position that ``newest`` gave; who has one looks no further, and isn't held up by anybody who writes.
    Raises ``TooManyWaiting`` when half of this server's threads wait already.
    """
    found = _look(after, limit, by, upto)
    if found.changes or wait <= 0:
        return found
    end = time.monotonic() + min(wait, LONGEST_WAIT)
    with _a_place_to_wait():
        while not found.changes and (left := end - time.monotonic()) > 0:
            before = found.position
            found = _look(before, limit, by)
            if found.position == before:
                time.sleep(min(_PAUSE, left))
    return found


def newest(after: int = 0) -> int:
    """The position of now: nothing that happened already lies beyond it."""
    return _closed_up_to(after)


def _closed_up_to(after: int) -> int:
    return closed_up_to(after, longest=LONGEST_TRANSACTION) or after


@contextmanager
def _a_place_to_wait() -> Iterator[None]:
    if not _waiting.acquire(blocking=False):
        raise TooManyWaiting
    try:
        yield
    finally:
        _waiting.release()


def _look(after: int, limit: int, by: Actor, upto: int | None = None) -> Changes:
    upto = _closed_up_to(after) if upto is None else upto
    if upto <= after:
        return Changes([], after)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq, at, action, submission, status FROM audit.event "
            "WHERE seq > %s AND seq <= %s AND status IS NOT NULL ORDER BY seq LIMIT %s",
            [after, upto := min(upto, after + EXAMINED), AT_ONCE],
        )
        events = cursor.fetchall()
    rows = _visible({event[3] for event in events}, by)
    shown = [Change(seq, at, action, status, rows[id_]) for seq, at, action, id_, status in events if id_ in rows]
    if len(shown) > limit:
        return Changes(shown[:limit], shown[limit - 1].position)
    return Changes(shown, events[-1][0] if len(events) == AT_ONCE else upto)


def _visible(ids: set[Any], by: Actor) -> dict[Any, Submission]:
    return permissions.visible_to(by).only("id", "reference", "batch", "task_id").in_bulk(list(ids))
