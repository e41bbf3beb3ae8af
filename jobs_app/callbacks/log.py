"""What became of notices: a callback's deliveries, newest first, and how many still wait."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from ..errors import Invalid, Problem
from ..models import Callback, Delivery

PAGE = 50
_STATES = tuple(Delivery.State.values)


@dataclass(frozen=True)
class Page:
    """Some deliveries, newest first; ``older`` is the cursor of the next page, None where there is none."""

    rows: list[Delivery]
    older: str | None


def page(callback: Callback, *, state: str = "", cursor: str = "", limit: int = PAGE) -> Page:
    """Those in ``state``, or all, behind ``cursor``; raises ``Invalid`` for a state or a cursor that isn't one."""
    rows = callback.deliveries.order_by("-id")
    if state:
        if state not in _STATES:
            raise Invalid([Problem("state", "invalid", f"Give one of {', '.join(_STATES)}.")])
        rows = rows.filter(state=state)
    if cursor:
        if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
            raise Invalid([Problem("cursor", "invalid", "Use a cursor as an answer of this list gave it.")])
        rows = rows.filter(pk__lt=int(cursor))
    found = list(rows[: limit + 1])
    shown = found[:limit]
    return Page(shown, str(shown[-1].pk) if len(found) > limit else None)


@dataclass(frozen=True)
class Waiting:
    """How many notices wait, and since when the oldest of them does."""

    count: int
    since: datetime


def waiting(*callbacks: Callback) -> dict[int, Waiting]:
    """By the callback's number; one for which none waits is left out."""
    rows = Delivery.objects.filter(callback__in=callbacks, state=Delivery.State.PENDING)
    found = rows.values_list("callback").annotate(Count("pk"), Min("created_at"))
    return {callback: Waiting(count, since) for callback, count, since in found}
