"""The times within which something has to be approved, or sent after its approval: while it is paused they stand still.

When a pause ends, such a time moves on by as long as pauses have covered the submission, for whichever cause.
``clock_at`` is up to when that was done, so of pauses that overlap no moment counts twice.
"""

from collections.abc import Sequence

from django.db import connection
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from .models import Pause, Submission
from .models.dispatch import COVERS, PAUSED

_GO_ON = f"""
    UPDATE jobs_app_submission row SET clock_at = now(),
        approval_expires_at = LEAST(row.approval_expires_at + clock.stood, row.not_after),
        due_at = CASE row.status
            WHEN 'awaiting_approval' THEN LEAST(row.due_at + clock.stood, row.not_after) ELSE row.due_at END,
        send_by = row.send_by + clock.stood
    FROM (SELECT id, now() - GREATEST((SELECT min(since) FROM jobs_app_pause AS pause WHERE {COVERS}),
                                      COALESCE(clock_at, created_at)) AS stood
          FROM jobs_app_submission
          WHERE (status = 'awaiting_approval' OR (status IN ('queued', 'sending') AND send_by IS NOT NULL))
          AND EXISTS (SELECT FROM jobs_app_pause AS pause WHERE pause.id = ANY(%s) AND {COVERS})
          ORDER BY id FOR UPDATE) AS clock
    WHERE row.id = clock.id AND clock.stood > interval '0'
"""  # noqa: S608  (put together from constants only)


def run() -> Q:
    """Rows whose times run out: those that no pause covers."""
    return ~Q(RawSQL(PAUSED, (), output_field=BooleanField()))  # noqa: S611  (put together from constants only)


def stand(submission: Submission) -> bool:
    """Whether they stand still now."""
    return any(pause.covers(submission) for pause in Pause.objects.all())


def go_on(pauses: Sequence[int]) -> None:
    """Moves on those that these pauses cover, in the transaction that ends them, before it does."""
    with connection.cursor() as cursor:
        cursor.execute(_GO_ON, [list(pauses)])
