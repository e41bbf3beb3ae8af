"""When a task was made, by KooDrive's clock, and how far that clock is from ours."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings

from .exchange import Answer
from .jobs import Job

# A task id counts milliseconds from here in all but its lowest 23 bits.
_EPOCH = datetime(2018, 12, 31, 16, tzinfo=UTC)
_SEQUENCE_BITS = 23
_FIRST_TASKS = datetime(2020, 1, 1, tzinfo=UTC)  # an id that tells an earlier time doesn't tell the time
_AGREE = timedelta(minutes=5)
_QUARTER = timedelta(minutes=15)  # every zone is a whole number of these away from another, at most 26 hours
_FURTHEST_ZONES = timedelta(hours=26)


def of_id(task_id: str) -> datetime:
    """The time that a task's id tells, if it tells one."""
    return _EPOCH + timedelta(milliseconds=int(task_id) >> _SEQUENCE_BITS)


def of_digits(digits: str | None) -> datetime | None:
    """The time in 14 digits of KooDrive's zone (``KOODRIVE_TIME_ZONE``); None when it can't be one.

    None also when this machine doesn't know the zone: ids tell the time as well.
    """
    if not (digits and len(digits) == 14 and digits.isascii() and digits.isdigit()):
        return None
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=ZoneInfo(settings.KOODRIVE_TIME_ZONE))
    except (ValueError, ZoneInfoNotFoundError):
        return None


def by_id(job: Job, *, now: datetime) -> datetime | None:
    """When the task was made as its id tells it; None unless that is credible beside ``createTime`` and ``now``.

    The two agree also when they differ by the distance of two zones: the zone of the 14 digits is a guess.
    """
    told, digits = of_id(job.task_id), of_digits(job.create_time)
    if digits is None:
        return told if _FIRST_TASKS < told <= now + _AGREE else None
    apart = abs(told - digits)
    beside_a_zone = min(apart % _QUARTER, -apart % _QUARTER)
    agree = apart <= _AGREE or (apart <= _FURTHEST_ZONES and beside_a_zone <= timedelta(minutes=1))
    return told if agree else None


def created_at(job: Job, *, now: datetime) -> datetime | None:
    """When the task was made by KooDrive's clock, from its id if that is credible, else from ``createTime``."""
    return by_id(job, now=now) or of_digits(job.create_time)


def clock_difference(answer: Answer, *, now: datetime) -> timedelta | None:
    """How far KooDrive's clock is ahead of ours, to about a second, from an answer that ended ``now``."""
    try:
        there = parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return None
    # A date has no fractions, and the answer was written somewhere between the call's begin and its end.
    there = there.replace(tzinfo=there.tzinfo or UTC) + timedelta(seconds=0.5)
    return there - (now - timedelta(milliseconds=answer.milliseconds / 2))
