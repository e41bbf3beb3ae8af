"""Puts events into words of one language, and the words into sections with tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from . import phrases
from .reading import ActorKey, Event

Item = TypeVar("Item")


@dataclass(frozen=True)
class Table:
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Section:
    title: str
    sentences: Sequence[str] = ()
    tables: Sequence[Table] = ()
    code: str = ""


@dataclass
class Bounded(Generic[Item]):
    """The first ``most`` of what it is given; ``more`` counts the others."""

    most: int
    kept: list[Item] = field(default_factory=list)
    more: int = 0

    def add(self, item: Item) -> None:
        if len(self.kept) < self.most:
            self.kept.append(item)
        else:
            self.more += 1


class Teller:
    """One language, and the names behind the actors."""

    def __init__(self, language: str, names: Mapping[ActorKey, str]) -> None:
        self.language = language
        self._names = names

    def __call__(self, key: str, **values: object) -> str:
        return phrases.phrase(key, self.language, **values)

    def operation(self, name: str) -> str:
        return phrases.operation(name, self.language)

    def state(self, name: str) -> str:
        return phrases.state(name, self.language)

    def action(self, event: Event) -> str:
        return phrases.action(event.action, self.language)

    def who(self, event: Event) -> str:
        """Name and id; of a name that was erased the id."""
        name, id_ = self._names.get(event.actor), event.actor[0]
        return f"{name} ({id_})" if name else id_

    def door(self, event: Event) -> str:
        return phrases.channel(event.body.get("channel", ""), self.language)

    def time(self, event: Event) -> str:
        return event.at.replace("T", " ").removesuffix("Z")

    def heads(self, *keys: str) -> list[str]:
        return [self(key) for key in keys]

    def table(self, heads: Sequence[str], found: "Bounded[Item]", row: Callable[[Item], Sequence[str]]) -> Table:
        note = self("more", n=found.more) if found.more else "" if found.kept else self("none")
        return Table(self.heads(*heads), [row(item) for item in found.kept], note)

    def events(self, found: Bounded[Event]) -> Table:
        """A line for each event."""
        return self.table(("event", "time", "happened", "who", "particulars"), found, self._event)

    def _event(self, event: Event) -> list[str]:
        by = f"{self.who(event)}, {self.door(event)}"
        return [str(event.seq), self.time(event), self.action(event), by, "; ".join(self._particulars(event))]

    def _particulars(self, event: Event) -> Iterator[str]:
        body = event.body
        if event.status and body.get("before"):
            yield f"{self.state(body['before']['status'])} → {self.state(event.status)}"
        for name in _PARTICULARS:
            if body.get(name) is not None:
                yield f"{self(f'p_{name}')}: {body[name]}"
        if tasks := body.get("tasks"):
            named = ", ".join(str(each["taskId"]) for each in tasks[:_MOST_NAMED])
            yield f"{self('p_tasks')}: {named}{' …' if len(tasks) > _MOST_NAMED else ''} ({len(tasks)})"
        if answer := _answer(body.get("result")):
            yield f"{self('p_answer')}: {answer}"
        if evidence := _evidence(body.get("evidence")):
            yield f"{self('p_evidence')}: {evidence}"


_PARTICULARS = (
    *("attempt", "traceId", "httpStatus", "task", "detail", "reason", "comment", "requestSha256", "expiresAt"),
    *("export", "query", "to", "why", "count", "note", "ip"),
)
_MOST_NAMED = 50  # tasks in one cell; the line has up to a thousand


def _answer(result: Any) -> str:
    """KooDrive's own code and words."""
    known = result if isinstance(result, dict) else {}
    return " ".join(str(value) for value in known.values() if value not in (None, ""))


def _evidence(found: Any) -> str:
    """What was held against what, or which tasks were looked at."""
    if not isinstance(found, dict):
        return ""
    fits = {True: "✓", False: "✕", None: "?"}
    reasons = [f"{fits[each['fits']]} {each['what']}: {each['detail']}" for each in found.get("reasons") or []]
    looked = [str(found[name]) for name in ("verdict", "checkedAt") if found.get(name)]
    return " / ".join([*looked, *map(str, found.get("tasks") or []), *reasons])
