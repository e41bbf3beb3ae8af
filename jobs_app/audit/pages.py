"""Pages of the trail: what a query finds, at a cost that doesn't grow with the trail.

Of the qualifiers the one that leaves the fewest events is answered by its index, in order of their numbers; the others
are tried on what it gives. A page examines at most ``EXAMINED`` of those events. If they don't fill the page, it says
how far it looked, and the next one goes on from there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from psycopg import sql

from ..errors import Invalid, Problem
from .actions import READS
from .qualifiers import Condition
from .read import Line
from .search import NEVER, Query, all_of, any_of

EXAMINED = 50_000
PAGE = 50
_FEW = 200  # a qualifier that leaves fewer events than this is narrow, whatever the others leave
_CLOCK_STEP = timedelta(minutes=15)  # how far the database's clock may have been set without an event being missed
_CURSOR = re.compile(r"([ab])([0-9]{1,18})")


@dataclass(frozen=True)
class Page:
    """One page, newest first. ``older`` and ``newer`` are cursors to its neighbours, None where there are none.

    ``looked_to`` is the number of the last event that was examined, when the page isn't full and there is more to try.
    """

    lines: list[Line]
    older: str | None
    newer: str | None
    looked_to: int | None = None


def page(query: Query, *, cursor: str = "", limit: int = PAGE) -> Page:
    """What the query finds from the cursor on; raises ``Invalid`` for a cursor that is none of ours."""
    towards, at = _read_cursor(cursor)
    older: str | None
    newer: str | None
    if towards == "a":
        scan = _Scan(query, upwards=True, after=at)
        lines = scan.take(limit)[::-1]
        older, newer = f"b{lines[-1].seq if lines else at + 1}", _cursor("a", scan.goes_on_from)
    else:
        scan = _Scan(query, upwards=False, before=at if cursor else None)
        lines = scan.take(limit)
        older = _cursor("b", scan.goes_on_from)
        newer = f"a{lines[0].seq if lines else at - 1}" if cursor else None
    return Page(lines, older, newer, scan.goes_on_from if len(lines) < limit else None)


def sealed(query: Query, *, after: int, limit: int) -> tuple[list[Line], int | None]:
    """What the query finds above the number ``after``, oldest first, and the number to go on from; None at the end.

    Of sealed events only: none is still to come between them, so whoever goes on from the last one misses nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(upto_seq), 0) FROM audit.seal")
        scan = _Scan(query, upwards=True, after=after, before=cursor.fetchone()[0] + 1)
    return scan.take(limit), scan.goes_on_from


class _Scan:
    """One way through what a query finds, up or down from a number; ``goes_on_from`` is where it stopped."""

    def __init__(self, query: Query, *, upwards: bool, after: int | None = None, before: int | None = None) -> None:
        self.goes_on_from: int | None = None
        self._order, self._up_to = (sql.SQL("ASC"), "<=") if upwards else (sql.SQL("DESC"), ">=")
        self._is_up = upwards
        self._bounds = [*_between(after, before), *_in_time(query)]
        self._driving, others = self._narrowest(list(query.alternatives()))
        self._tried = [*others, *query.rest()]
        if query.hides_reads:
            self._tried.append(sql.SQL("action <> ALL({})").format(sql.Literal(sorted(READS))))

    def take(self, limit: int) -> list[Line]:
        """The first so many that fit."""
        rows = self._rows(limit + 1)
        edge = self._edge(rows[limit][0] if len(rows) > limit else None)
        if edge is not None:
            rows = [row for row in rows if (row[0] <= edge if self._is_up else row[0] >= edge)]
        self.goes_on_from = rows[limit - 1][0] if len(rows) > limit else edge
        return [Line(text) for _, text in rows[:limit]]

    def _narrowest(self, groups: list[list[Condition]]) -> tuple[list[Condition], list[Condition]]:
        """The alternatives of the qualifier that leaves the fewest events, and the conditions of the others."""
        if not groups:
            return [sql.SQL("true")], []
        counts = [self._count(group) for group in groups] if len(groups) > 1 else [0]
        chosen = counts.index(min(counts))
        return groups[chosen], [any_of(group) for number, group in enumerate(groups) if number != chosen]

    def _rows(self, limit: int) -> list[tuple[Any, ...]]:
        """The events that fit, out of those that are examined: of each alternative the next ones."""
        examined = self._of_each(
            self._driving, "SELECT *", sql.SQL("LIMIT {}").format(sql.Literal(EXAMINED)), self._bounds
        )
        statement = "SELECT seq, line FROM ({}) AS examined WHERE {} ORDER BY seq {} LIMIT {}"
        return self._fetch(sql.SQL(statement).format(examined, all_of(self._tried), self._order, sql.Literal(limit)))

    def _edge(self, last: int | None) -> int | None:
        """Where, up to ``last``, the examination of an alternative stopped; None if it came to all of them."""
        bounds = self._bounds
        if last is not None:
            bounds = [*bounds, sql.SQL(f"seq {self._up_to} {{}}").format(sql.Literal(last))]
        ends = self._of_each(
            self._driving, "SELECT seq", sql.SQL("OFFSET {} LIMIT 1").format(sql.Literal(EXAMINED - 1)), bounds
        )
        nearest = sql.SQL("SELECT min(seq) FROM ({}) AS ends" if self._is_up else "SELECT max(seq) FROM ({}) AS ends")
        edge: int | None = self._fetch(nearest.format(ends))[0][0]
        return edge

    def _count(self, group: Sequence[Condition]) -> int:
        """How many events a qualifier leaves, as far as that matters."""
        few = self._of_each(group, "SELECT seq", sql.SQL("LIMIT {}").format(sql.Literal(_FEW)), self._bounds)
        return int(
            self._fetch(sql.SQL("SELECT least(count(*), {}) FROM ({}) AS few").format(sql.Literal(_FEW), few))[0][0]
        )

    def _of_each(self, group: Sequence[Condition], what: str, limit: Condition, bounds: list[Condition]) -> Condition:
        part = sql.SQL(f"({what} FROM audit.event WHERE {{}} ORDER BY seq {{}} {{}})")
        return sql.SQL(" UNION ALL ").join(part.format(all_of([each, *bounds]), self._order, limit) for each in group)

    @staticmethod
    def _fetch(statement: Condition) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _between(after: int | None, before: int | None) -> list[Condition]:
    bounds: list[Condition] = [sql.SQL("seq > {}").format(sql.Literal(after))] if after is not None else []
    return bounds + ([sql.SQL("seq < {}").format(sql.Literal(before))] if before is not None else [])


def _in_time(query: Query) -> list[Condition]:
    """Between which numbers the times of a query lie; the times themselves are tried on the events besides."""
    bounds = []
    if query.since:
        first = _number(
            "SELECT at FROM audit.event WHERE at >= %s ORDER BY at LIMIT 1", query.since, _CLOCK_STEP, "min"
        )
        bounds.append(sql.SQL("seq >= {}").format(sql.Literal(first)) if first else NEVER)
    if query.until:
        last = _number(
            "SELECT at FROM audit.event WHERE at < %s ORDER BY at DESC LIMIT 1", query.until, -_CLOCK_STEP, "max"
        )
        bounds.append(sql.SQL("seq <= {}").format(sql.Literal(last)) if last else NEVER)
    return bounds


def _number(nearest: str, moment: datetime, step: timedelta, which: str) -> int | None:
    """The lowest or highest number within a step of the moment; if there is none, of the event nearest to it."""
    with connection.cursor() as cursor:
        found = _number_within(cursor, moment, step, which)
        if found is None:
            cursor.execute(nearest, [moment])
            row = cursor.fetchone()
            found = _number_within(cursor, row[0], step, which) if row else None
        return found


def _number_within(cursor: Any, moment: datetime, step: timedelta, which: str) -> int | None:
    ends = sorted([moment, moment + step])
    cursor.execute(f"SELECT {which}(seq) FROM audit.event WHERE at BETWEEN %s AND %s", ends)  # noqa: S608  (min or max)
    found: int | None = cursor.fetchone()[0]
    return found


def _cursor(towards: str, seq: int | None) -> str | None:
    return None if seq is None else f"{towards}{seq}"


def _read_cursor(cursor: str) -> tuple[str, int]:
    if not cursor:
        return "b", 0
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise Invalid([Problem("cursor", "invalid", "Use a cursor as an answer of this list gave it.")])
    return match[1], int(match[2])
