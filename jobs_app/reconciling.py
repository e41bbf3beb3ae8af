"""What the portal did not send: KooDrive's list of tasks, held against the submissions.

Somebody who works past the portal, or another system that does, shows here and nowhere else. A task isn't called
foreign while it may still turn out to be a submission's own: the trail says how many were left, and the next comparison
goes back as far as the oldest of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from . import audit, canonical, claiming, pulse, tracking
from .actors import Actor
from .audit import Action, read
from .evidence import Wanted
from .koodrive import listing
from .koodrive.answers import Job, ReadFailed
from .koodrive.client import Client
from .koodrive.listing import Found
from .models import ForeignTask, Submission
from .states import State

GRACE = timedelta(hours=1)  # a task as young as this may be one whose answer is still on its way
MARGIN = timedelta(days=3)  # looked at again, in case KooDrive's list was late
MOST_PAGES = 1000  # about 90,000 tasks
MOST_TOLD = 1000  # tasks named in one line of the trail
_LOCK = 7411012  # PostgreSQL's, for whoever stores what a comparison found
_OPEN = (State.SENDING, State.UNKNOWN)
_STATUSES = {0: "waiting", 1: "in progress", 2: "completed", 3: "cancelled"}
_MOST_SMALL, _MOST = 2**15 - 1, 2**31 - 1  # what the columns hold
# Neither a submission's own, nor the second one of a call whose answer contradicted what had been found.
_NOBODYS = """
    SELECT id FROM unnest(%s::text[]) AS seen(id)
    WHERE NOT EXISTS (SELECT FROM jobs_app_submission WHERE task_id = seen.id)
    AND NOT EXISTS (SELECT FROM audit.event WHERE task = seen.id AND action = %s)
"""


@dataclass(frozen=True)
class Comparison:
    """What one comparison came to: of the ``seen`` tasks so many are ``foreign``, and of these so many ``new``.

    Those made between ``since`` and ``until`` were looked at; ``trouble`` is a sentence, empty when they all were.
    """

    since: datetime
    until: datetime
    seen: int = 0
    foreign: int = 0
    new: int = 0
    trouble: str = ""


def compare(*, client: Client, by: Actor) -> Comparison:
    """Stores the tasks that the portal did not send, and says in the trail how it went, whichever way.

    A list that can't be read is told in the result, not raised. Raises ``AuditUnavailable``; nothing is stored then.
    """
    since, until = _time()
    try:
        found = listing.read(client, task_type=None, since=since, most_pages=MOST_PAGES)
    except ReadFailed as error:
        tracking.pause_if_refused(error)
        result = Comparison(since, until, trouble=_(f"KooDrive's list of tasks can't be read: {error.detail}"))
        _tell(result, by=by)
        return result
    return _store(found, since, until, by=by)


def _time() -> tuple[datetime, datetime]:
    """From when to when tasks are looked at: the portal answers for nothing that is older than its trail."""
    made_at, last = read.made_at(), read.newest(Action.TASKS_COMPARED, outcome="ok")
    until = max(made_at, timezone.now() - GRACE)
    if last is None:
        return made_at, until
    reached = datetime.fromisoformat(last.said["until"]) - MARGIN
    left_since = datetime.fromisoformat(last.said.get("leftSince", last.said["until"]))
    return max(made_at, min(reached, left_since)), until


def _store(found: Found, since: datetime, until: datetime, *, by: Actor) -> Comparison:
    """Stores what is new with the event; of several comparisons at once each new task is told by one."""
    with transaction.atomic():
        _wait_for_others()
        foreign, left = _strangers(found, until)
        known = set(ForeignTask.objects.filter(pk__in=[row.pk for row in foreign]).values_list("pk", flat=True))
        new = [row for row in foreign if row.pk not in known]
        ForeignTask.objects.bulk_create(new, batch_size=1000)
        trouble = "" if found.complete else f"KooDrive's list of tasks could not be read whole back to {_day(since)}."
        result = Comparison(since, until, len(found.jobs), len(foreign), len(new), trouble)
        _tell(result, by=by, left=left, tasks=new)
    return result


def _wait_for_others() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _strangers(found: Found, until: datetime) -> tuple[list[ForeignTask], list[datetime | None]]:
    """The foreign tasks, and the times of those that may yet turn out to be a submission's own."""
    made_at = read.made_at()
    times = {job.task_id: found.made_at(job) for job in found.jobs}
    # What was in doubt is read first: what gets its task meanwhile is found among the submissions then.
    wanted = _in_doubt()
    nobodys = _without_submission(list(times))
    foreign, left = [], []
    for job in found.jobs:
        at = times[job.task_id]
        if job.task_id not in nobodys or (at and not made_at <= at <= until):
            continue
        if any(each.may_be(job, at) for each in wanted):
            left.append(at)
        else:
            foreign.append(_row(job, at))
    return foreign, left


def _in_doubt() -> list[Wanted]:
    """What the submissions on their way or of unknown outcome may have made; times by this machine's clock."""
    (_, ahead), lease = pulse.clocks(), claiming.lease()
    rows = Submission.objects.filter(status__in=_OPEN).prefetch_related("files")
    return [
        Wanted(row.kind, row.space, frozenset(file.file_id for file in row.files.all()), row.sent_at - ahead, lease)
        for row in rows
        if row.sent_at
    ]


def _without_submission(task_ids: list[str]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_NOBODYS, [task_ids, Action.SEND_CONTRADICTED])
        return {row[0] for row in cursor.fetchall()}


def _row(job: Job, made_at: datetime | None) -> ForeignTask:
    return ForeignTask(
        task_id=job.task_id,
        task_type=_number(job.task_type, _MOST_SMALL) or 0,
        action_type=_number(job.action_type, _MOST_SMALL),
        space=job.container_id or "",
        items=_number(job.content_num, _MOST),
        status="" if job.status is None else _STATUSES.get(job.status, str(job.status)),
        created_at=made_at,
    )


def _number(told: int | None, most: int) -> int | None:
    """A number that no column holds tells nothing, and must not keep the others from being stored."""
    return told if told is not None and 0 <= told <= most else None


def _tell(
    result: Comparison, *, by: Actor, left: Sequence[datetime | None] = (), tasks: Sequence[ForeignTask] = ()
) -> None:
    left_since = min((at for at in left if at), default=None)
    audit.record(
        Action.TASKS_COMPARED,
        by=by,
        outcome="failed" if result.trouble else "ok",
        since=canonical.moment(result.since),
        until=canonical.moment(result.until),
        complete=not result.trouble,
        seen=result.seen,
        foreign=result.foreign,
        new=result.new,
        left=len(left),
        leftSince=left_since and canonical.moment(left_since),
        tasks=[_told(row) for row in tasks[:MOST_TOLD]],
        detail=result.trouble or None,
    )


def _told(row: ForeignTask) -> dict[str, Any]:
    at = row.created_at
    return {
        "taskId": row.task_id,
        "taskType": row.task_type or None,
        "actionType": row.action_type,
        "createdAt": at and canonical.moment(at),
    }


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
