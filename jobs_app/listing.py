"""The list of submissions: the filters that its address may carry, and pages that stay put while rows come in.

Also the pages of what an archive holds.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from . import states
from .documents import FORBIDDEN, instant
from .errors import Invalid, Problem
from .models import ArchiveEntry, Submission, SubmissionFile
from .models.submissions import SubmissionQuerySet
from .operations import BY_NAME
from .states import State

PAGE = 50
LONGEST_PAGE = 200

Row = TypeVar("Row")
_NO_CURSOR = Problem("cursor", "invalid", "Use a cursor as an answer of this list gave it.")


@dataclass(frozen=True)
class Page:
    """One page, newest first; ``older`` and ``newer`` are cursors to its neighbours, None where there are none."""

    rows: list[Submission]
    older: str | None
    newer: str | None


def filtered(rows: SubmissionQuerySet, parameters: Mapping[str, Sequence[str]]) -> SubmissionQuerySet:
    """``rows`` as the parameters of an address narrow them; raises ``Invalid`` for each that can't be understood."""
    problems: list[Problem] = []
    for name, values in parameters.items():
        if name not in _FILTERS or not values:
            continue
        try:
            rows = rows.filter(_FILTERS[name](values))
        except ValueError as error:
            problems.append(Problem(name, "invalid", str(error)))
    if problems:
        raise Invalid(problems)
    return rows


def page(rows: SubmissionQuerySet, *, cursor: str = "", limit: int = PAGE) -> Page:
    """The page behind ``cursor``, the first one without; raises ``Invalid`` when it isn't a cursor of ours."""
    backwards, at = _read_cursor(cursor) if cursor else (False, None)
    direction = "" if backwards else "-"
    if at:
        rows = rows.filter(_beyond(at, "gt" if backwards else "lt"))
    found = list(rows.order_by(f"{direction}created_at", f"{direction}id")[: limit + 1])
    has_more = len(found) > limit
    found = found[:limit]
    if backwards:
        found.reverse()
    return Page(
        rows=found,
        older=_cursor(found[-1], backwards=False) if found and (has_more or backwards) else None,
        newer=_cursor(found[0], backwards=True) if found and (has_more if backwards else at is not None) else None,
    )


def _beyond(at: tuple[datetime, UUID], comparison: str) -> Q:
    moment, id_ = at
    beyond = Q(**{f"created_at__{comparison}": moment}) | Q(created_at=moment, **{f"id__{comparison}": id_})
    # The first condition says nothing new, but an index serves it.
    return Q(**{f"created_at__{comparison}e": moment}) & beyond


def _cursor(row: Submission, *, backwards: bool) -> str:
    text = json.dumps([int(backwards), row.created_at.isoformat(), row.pk.hex])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[bool, tuple[datetime, UUID]]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        backwards, text, id_ = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        moment, id_ = instant(text), UUID(id_)
    except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise Invalid([_NO_CURSOR]) from error
    if moment is None:
        raise Invalid([_NO_CURSOR])
    return bool(backwards), (moment, id_)


@dataclass(frozen=True)
class Part(Generic[Row]):
    """Some rows in their own order; ``following`` and ``preceding`` are cursors, None where there is nothing."""

    rows: list[Row]
    following: str | None
    preceding: str | None


def entries(submission: Submission, *, cursor: str = "", limit: int = PAGE) -> Part[ArchiveEntry]:
    """The entries from the row that ``cursor`` names on; raises ``Invalid`` when it isn't a cursor of ours."""
    return _part(submission.entries.all(), cursor, limit)


def files(submission: Submission, *, status: str = "", cursor: str = "", limit: int = PAGE) -> Part[SubmissionFile]:
    """The files that came to ``status``, all when it is empty, from the one that ``cursor`` names on.

    Raises ``Invalid`` when it isn't a cursor of ours.
    """
    rows = submission.files.filter(status=status) if status else submission.files.all()
    return _part(rows, cursor, limit)


def _part(rows: QuerySet[Any], cursor: str, limit: int) -> Part[Any]:
    """A part of what has the column ``row``, which need not be without gaps."""
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise Invalid([_NO_CURSOR])
    start = int(cursor or 0)
    found = list(rows.filter(row__gte=start)[: limit + 1])
    before = list(rows.filter(row__lt=start).order_by("-row").values_list("row", flat=True)[:limit]) if start else []
    return Part(
        rows=found[:limit],
        following=str(found[limit].row) if len(found) > limit else None,
        preceding=str(before[-1]) if before else None,
    )


def limit(value: str | None) -> int:
    """How many rows a page has; raises ``Invalid`` unless it is between 1 and 200."""
    if not value:
        return PAGE
    if not (value.isascii() and value.isdigit() and len(value) < 10 and 1 <= int(value) <= LONGEST_PAGE):
        raise Invalid([Problem("limit", "invalid", f"Give a limit between 1 and {LONGEST_PAGE}.")])
    return int(value)


def _one_of(known: Sequence[str] | Mapping[str, Any], column: str) -> Any:
    def condition(values: Sequence[str]) -> Q:
        wanted = [part for value in values for part in value.split(",") if part]
        if unknown := [value for value in wanted if value not in known]:
            raise ValueError(f"{unknown[0][:40]!r} is not one of {', '.join(known)}.")
        return Q(**{f"{column}__in": wanted})

    return condition


def _text(column: str) -> Any:
    def condition(values: Sequence[str]) -> Q:
        if FORBIDDEN.search(values[-1]):
            raise ValueError("Remove control characters from this text.")
        return Q(**{column: values[-1]})

    return condition


def _moment(column: str) -> Any:
    def condition(values: Sequence[str]) -> Q:
        moment = instant(values[-1].replace(" ", "+"))
        if moment is None:
            raise ValueError("Give a time as RFC 3339 with its offset, such as 2030-01-31T12:00:00Z.")
        return Q(**{column: moment})

    return condition


def _final(values: Sequence[str]) -> Q:
    if values[-1] not in ("true", "false"):
        raise ValueError("Give true or false.")
    return Q(status__in=states.FINAL if values[-1] == "true" else states.OPEN)


def _of(column: str, what: str) -> Any:
    def condition(values: Sequence[str]) -> Q:
        try:
            return Q(**{column: UUID(values[-1])})
        except ValueError:
            raise ValueError(f"Give the id of a {what}.") from None

    return condition


def _creator(values: Sequence[str]) -> Q:
    kind, _, key = values[-1].partition(":")
    if kind not in ("person", "service") or not (key.isascii() and key.isdigit() and len(key) < 19):
        raise ValueError("Give who made it as person:7 or service:3.")
    return Q(**{f"{kind}_id": int(key)})


_FILTERS: dict[str, Any] = {
    "status": _one_of(list(State), "status"),
    "final": _final,
    "operation": _one_of(BY_NAME, "operation"),
    "createdBy": _creator,
    "taskId": _text("task_id"),
    "fileId": lambda values: Q(pk__in=_with_file(values)),
    "reference": _text("reference"),
    "batch": _of("batch", "batch"),
    "retryOf": _of("retry_of", "submission"),
    "since": _moment("created_at__gte"),
    "until": _moment("created_at__lt"),
    "updatedSince": _moment("updated_at__gte"),
}


def _with_file(values: Sequence[str]) -> Any:
    return Submission.objects.filter(_text("files__file_id")(values)).values("pk")
