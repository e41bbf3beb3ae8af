"""The times within which something has to be approved, or sent after its approval: while sending is paused they stand.

Such a time moves on by as long as a pause has lasted for the submission, when that ends. ``clock_at`` is up to when
that was done, so of pauses that overlap no moment counts twice.
"""

from datetime import datetime

from django.db import connection
from django.db.models import Exists, Q

from .models import Pause

_GO_ON = """
    UPDATE jobs_app_submission row SET clock_at = now(),
        approval_expires_at = LEAST(row.approval_expires_at + clock.stood, row.not_after),
        due_at = CASE row.status
            WHEN 'awaiting_approval' THEN LEAST(row.due_at + clock.stood, row.not_after) ELSE row.due_at END,
        send_by = row.send_by + clock.stood
    FROM (SELECT id, now() - GREATEST(%s, COALESCE(clock_at, created_at)) AS stood FROM jobs_app_submission
          WHERE status = 'awaiting_approval' OR (status IN ('queued', 'sending') AND send_by IS NOT NULL)) AS clock
    WHERE row.id = clock.id AND clock.stood > interval '0'
"""


def run() -> Q:
    """Rows whose times run out: none while a pause stands."""
    return ~Q(Exists(Pause.objects.all()))


def stand() -> bool:
    """Whether they stand still now."""
    return Pause.objects.exists()


def go_on(since: datetime) -> None:
    """Moves them on by as long as a pause has lasted that began at ``since``, in the transaction that ends it."""
    with connection.cursor() as cursor:
        cursor.execute(_GO_ON, [since])
