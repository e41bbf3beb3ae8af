"""What is wanted of the trail: a line of qualifiers and free text, such as ``action:send.unknown "CHG 7"``.

The page, the REST API, the exports and their commands all read a ``Query``.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import sql

from ..documents import FORBIDDEN
from ..errors import Invalid, Problem
from .actions import READS
from .qualifiers import FILTERS, LISTS, Condition, moment, yes

NAMES = (*FILTERS, "since", "until", "reads")
NEVER: Condition = sql.SQL("false")
_TOKEN = re.compile(r'(?P<name>[a-z]+):(?P<value>"[^"]*"|\S*)|(?P<word>"[^"]*"|\S+)', re.IGNORECASE)


@dataclass(frozen=True)
class Query:
    """A search. ``filters`` are qualifiers with their values, of which one must fit; all ``words`` stand in a line.

    ``since`` is the first moment that counts, ``until`` the first that doesn't any more. ``reads`` shows also the
    events that only tell of looking.
    """

    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    words: tuple[str, ...] = ()
    reads: bool = False

    @classmethod
    def read(cls, line: str) -> "Query":
        """The query in a line; raises ``Invalid`` with everything in it that can't be understood."""
        values: dict[str, list[str]] = {}
        words = []
        for match in _TOKEN.finditer(line):
            text = (match["word"] or match["value"]).strip('"')
            if not match["name"]:
                words += [text] if text else []
            elif text:
                values.setdefault(match["name"].lower(), []).append(text)
            else:
                raise Invalid([Problem(match["name"], "required", f"Give a value behind {match['name']}: .")])
        return cls.of(values, words)

    @classmethod
    def of(cls, values: Mapping[str, Sequence[str]], words: Sequence[str] = ()) -> "Query":
        """The query of named values, empty ones left out; raises ``Invalid`` for each that can't be understood."""
        problems: list[Problem] = []
        known: dict[str, Any] = {}
        for name, given in values.items():
            parts = [part.strip() for value in given for part in _parts(name, value) if part.strip()]
            try:
                if parts:
                    known[name] = _value(name, list(dict.fromkeys(parts)))
            except ValueError as error:
                problems.append(Problem(name, "invalid", str(error)))
        if any(FORBIDDEN.search(word) for word in words):
            problems.append(Problem("text", "forbidden_character", "Remove control characters from the text."))
        if problems:
            raise Invalid(problems)
        filters = {name: known[name] for name in FILTERS if name in known}
        return cls(filters, known.get("since"), known.get("until"), tuple(words), known.get("reads", False))

    @property
    def is_everything(self) -> bool:
        """Whether it wants the whole trail."""
        return not (self.filters or self.words or self.since or self.until)

    @property
    def single_submission(self) -> str | None:
        """The id of the one submission, when it wants all about that and nothing else."""
        ids = self.filters.get("submission", ())
        alone = len(self.filters) == len(ids) == 1 and not (self.words or self.since or self.until)
        return ids[0] if alone else None

    @property
    def line(self) -> str:
        """It as a line again, in a fixed order: the same search is the same line."""
        parts = [f"{name}:{_quoted(value)}" for name in FILTERS for value in _values(name, self.filters.get(name, ()))]
        parts += [f"{name}:{_told(at)}" for name, at in (("since", self.since), ("until", self.until)) if at]
        parts += ["reads:yes"] if self.reads else []
        return " ".join([*parts, *(_quoted(word, always=":" in word) for word in self.words)])

    def alternatives(self) -> Iterator[list[Condition]]:
        """For each qualifier the conditions of which exactly one must be true, each served by an index by ``seq``.

        The qualifiers that usually leave the fewest events come first.
        """
        for name in FILTERS:
            if name in self.filters:
                yield FILTERS[name].conditions(self.filters[name]) or [NEVER]

    def rest(self) -> list[Condition]:
        """What else must be true: conditions that no index serves."""
        conditions: list[Condition] = []
        conditions += [sql.SQL("at >= {}").format(sql.Literal(self.since))] if self.since else []
        conditions += [sql.SQL("at < {}").format(sql.Literal(self.until))] if self.until else []
        conditions += [sql.SQL("line ILIKE {}").format(sql.Literal(_pattern(word))) for word in self.words]
        return conditions

    def condition(self) -> Condition:
        """Everything that an event must fulfil, in one condition on ``audit.event``, whatever only looks included."""
        return all_of([*map(any_of, self.alternatives()), *self.rest()])

    @property
    def last_day(self) -> datetime | None:
        """A moment in the last day that counts."""
        return self.until - timedelta(microseconds=1) if self.until else None

    @property
    def hides_reads(self) -> bool:
        """Whether events that only tell of looking are left out: unless they were asked for, one way or the other."""
        return not self.reads and READS.isdisjoint(self.filters.get("action", ()))


def all_of(conditions: Sequence[Condition]) -> Condition:
    return sql.SQL("(") + sql.SQL(" AND ").join(conditions) + sql.SQL(")") if conditions else sql.SQL("true")


def any_of(conditions: Sequence[Condition]) -> Condition:
    return sql.SQL("(") + sql.SQL(" OR ").join(conditions) + sql.SQL(")")


def _parts(name: str, value: str) -> Sequence[str]:
    return value.split(",") if name in LISTS else [value]


def _values(name: str, values: Sequence[str]) -> Sequence[str]:
    return [",".join(values)] if values and name in LISTS else values


def _value(name: str, parts: Sequence[str]) -> Any:
    if name in FILTERS:
        return tuple(FILTERS[name].check(part) for part in parts)
    if name in ("since", "until"):
        return moment(parts[-1], is_end=name == "until")
    if name == "reads":
        return yes(parts[-1])
    raise ValueError(f"There is no qualifier {name!r}; quote a text with a colon. There are {', '.join(NAMES)}.")


def _told(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _quoted(text: str, *, always: bool = False) -> str:
    return f'"{text}"' if always or not text or re.search(r"\s", text) else text


def _pattern(word: str) -> str:
    """The word as it stands in a line of JSON, for ILIKE."""
    written = json.dumps(word, ensure_ascii=False)[1:-1]
    return "%" + re.sub(r"([%_\\])", r"\\\1", written) + "%"
