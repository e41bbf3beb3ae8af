"""How much was done and how much waits: a worker counts it every minute, so that no page counts a million rows."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Q
from django.db.models.functions import Now, TruncDate
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from .models import Submission
from .states import FINAL, LABELS, OPEN, State

DAYS = 30
FRESH = timedelta(minutes=3)  # three times as long as a worker takes to count anew
_KEY = "figures"
_KEPT = timedelta(days=DAYS + 1)
# What ends shortly before midnight may be stored shortly after it.
_SETTLES = timedelta(hours=1)
WAITING = (State.QUEUED, State.AWAITING_APPROVAL)
AGES = (
    ("minute", _("under 1 minute"), timedelta(minutes=1)),
    ("ten", _("1 to 10 minutes"), timedelta(minutes=10)),
    ("hour", _("10 to 60 minutes"), timedelta(hours=1)),
    ("day", _("1 to 24 hours"), timedelta(days=1)),
    ("longer", _("over a day"), None),
)


@dataclass(frozen=True)
class Day:
    """How many ended on a day (UTC), by the state in which they ended."""

    date: date
    ended: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.ended.values())


@dataclass(frozen=True)
class Figures:
    """``days`` are the last thirty, today last; ``waiting`` how many have waited for how long, by their state."""

    at: datetime
    days: list[Day]
    waiting: dict[str, list[int]]
    open: dict[str, int]

    @property
    def today(self) -> Day:
        return self.days[-1]

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        """Each state in which something ended in these days, and its label."""
        return [(state.value, LABELS[state]) for state in State if any(state in day.ended for day in self.days)]


def now() -> Figures:
    """As a worker counted them last; without one, they are counted here and are at most three minutes old."""
    at = timezone.now()
    kept: dict[str, Any] = cache.get(_KEY) or {}
    if not kept or at - kept["at"] >= FRESH or at < kept["at"]:
        kept = refresh()
    dates = [at.astimezone(UTC).date() - timedelta(days=ago) for ago in reversed(range(DAYS))]
    days = [Day(each, kept["ended"].get(each, {})) for each in dates]
    return Figures(kept["at"], days, kept["waiting"], kept["open"])


def refresh() -> dict[str, Any]:
    """Counts them anew, but for days that are over and counted."""
    at = timezone.now()
    kept = _counted(at, (cache.get(_KEY) or {}).get("past", {}))
    cache.set(_KEY, kept, _KEPT.total_seconds())
    return kept


def _counted(at: datetime, past: dict[date, dict[str, int]]) -> dict[str, Any]:
    """``past`` are the days that are over and counted; nothing is counted in them again."""
    first = at.astimezone(UTC).date() - timedelta(days=DAYS - 1)
    missing = next((each for each in (first + timedelta(days=n) for n in range(DAYS)) if each not in past), None)
    ended = {each: counts for each, counts in past.items() if each >= first}
    if missing is not None:
        ended = {each: counts for each, counts in ended.items() if each < missing} | _ended_since(missing, at)
    settled = (at - _SETTLES).astimezone(UTC).date()
    over = {each: counts for each, counts in ended.items() if each < settled}
    return {"at": at, "past": over, "ended": ended, "waiting": _waiting(), "open": _open()}


def _ended_since(first: date, at: datetime) -> dict[date, dict[str, int]]:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    # The first condition says nothing new, but an index serves it.
    rows = Submission.objects.filter(updated_at__gte=start, finished_at__gte=start, status__in=FINAL)
    days = (at.astimezone(UTC).date() - first).days + 1
    ended: dict[date, dict[str, int]] = {first + timedelta(days=n): {} for n in range(days)}
    found = rows.values_list(TruncDate("finished_at", tzinfo=UTC), "status").annotate(Count("pk")).order_by()
    for day, status, count in found:
        ended.setdefault(day, {})[status] = count
    return ended


def _waiting() -> dict[str, list[int]]:
    counted: dict[str, Count] = {}
    least = timedelta(0)
    for name, _label, most in AGES:
        condition = Q(created_at__lte=Now() - least)
        if most:
            condition &= Q(created_at__gt=Now() - most)
            least = most
        counted[name] = Count("pk", filter=condition)
    rows = Submission.objects.filter(status__in=WAITING).values_list("status").annotate(**counted).order_by()
    return {status: ages for status, *ages in rows}


def _open() -> dict[str, int]:
    open_ = Submission.objects.filter(status__in=OPEN)
    return dict(open_.values_list("status").annotate(Count("pk")).order_by())
