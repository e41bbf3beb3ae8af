"""What a period, a batch or any other query amounts to, told from its events."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..audit import Action
from ..states import FINAL
from .reading import ActorKey, Event
from .telling import Bounded, Section, Table, Teller

MOST = 500  # submissions, and events of a kind
_BULKY = frozenset({"request", "labels", "files", "warnings", "evidence"})
_COUNTED: dict[str, str] = {  # by the number in the line, where it stands for several
    Action.SESSION_REFUSED: "refused_sign_ins",
    Action.SESSION_THROTTLED: "refused_sign_ins",
    Action.ACCESS_REFUSED: "refused_tokens",
    Action.PERMISSION_DENIED: "denied",
}


@dataclass
class _Line:
    """What is kept of one submission."""

    id: str
    first: Event
    last: Event
    status: str = ""
    items: str = "–"
    created: Event | None = None
    decisions: list[Event] = field(default_factory=list)

    def add(self, event: Event) -> None:
        self.last = _slim(event)
        self.status = event.status or self.status
        if event.action == Action.SUBMISSION_CREATED:
            self.created = self.last
            self.items = str(len(event.body["request"].get("taskInfo", {}).get("fileInfo", [])))
        elif event.action in (Action.SUBMISSION_APPROVED, Action.SUBMISSION_REJECTED):
            self.decisions.append(self.last)

    @property
    def events(self) -> list[Event]:
        return [self.created or self.first, *self.decisions]


class _Lines:
    """The first so many submissions; of the others those are counted that were created."""

    def __init__(self) -> None:
        self._by_id: dict[str, _Line] = {}
        self._more = 0

    def add(self, event: Event) -> None:
        assert event.submission is not None
        line = self._by_id.get(event.submission)
        if line is None and len(self._by_id) < MOST:
            line = self._by_id[event.submission] = _Line(event.submission, _slim(event), _slim(event))
        if line:
            line.add(event)
        elif event.action == Action.SUBMISSION_CREATED:
            self._more += 1

    @property
    def found(self) -> Bounded[_Line]:
        return Bounded(MOST, list(self._by_id.values()), self._more)


class Summary:
    """Takes events in order; what it keeps doesn't grow with their number."""

    def __init__(self) -> None:
        self._created: Counter[str] = Counter()
        self._ended: Counter[tuple[str, str]] = Counter()
        self._others: Counter[str] = Counter()
        self._lines, self._deletions = _Lines(), _Lines()
        self._settled, self._foreign = Bounded[Event](MOST), Bounded[Event](MOST)

    def add(self, event: Event) -> None:
        self._count(event)
        if event.submission:
            self._lines.add(event)
            if event.operation == "delete":
                self._deletions.add(event)
        if event.action in (Action.DOUBT_CLOSED, Action.DOUBT_BOUND):
            self._settled.add(_slim(event))
        if _tells_of_foreign_tasks(event):
            self._foreign.add(_slim(event))

    def _count(self, event: Event) -> None:
        if event.action == Action.SUBMISSION_CREATED:
            self._created[event.operation] += 1
        if event.status in FINAL:
            self._ended[event.operation, str(event.status)] += 1
        if name := _COUNTED.get(event.action):
            self._others[name] += int(event.body.get("count", 1))

    @property
    def actors(self) -> set[ActorKey]:
        lines = [*self._lines.found.kept, *self._deletions.found.kept]
        told = [*(event for line in lines for event in line.events), *self._settled.kept, *self._foreign.kept]
        return {event.actor for event in told}

    def sections(self, say: Teller) -> Iterator[Section]:
        yield Section(say("counts"), tables=[Table(say.heads("what", "count"), list(self._counts(say)))])
        yield Section(say("submissions"), [say("submissions_note")], [self._submissions(say)])
        yield Section(say("deletions"), tables=[self._approved(say)])
        yield Section(say("closed"), [say("closed_note")], [say.events(self._settled)])
        yield Section(say("foreign_tasks"), tables=[say.events(self._foreign)])

    def _counts(self, say: Teller) -> Iterator[list[str]]:
        numbers = {(operation, ""): number for operation, number in self._created.items()} | self._ended
        for (operation, state), number in sorted(numbers.items()):
            told = say.operation(operation)
            yield [f"{told}: {say.state(state) if state else say('created')}", str(number)]
        for name in dict.fromkeys(_COUNTED.values()):
            yield [say(name), str(self._others[name])]

    def _submissions(self, say: Teller) -> Table:
        heads = ("first_last", "submission", "operation", "items", "by", "reason", "state")
        return say.table(heads, self._lines.found, lambda line: self._line(say, line))

    def _line(self, say: Teller, line: _Line) -> list[str]:
        told = line.created or line.first
        by = say.who(line.created) if line.created else "–"
        reason = " · ".join(str(told.body[name]) for name in ("reason", "reference") if told.body.get(name))
        numbers = str(line.first.seq) if line.first.seq == line.last.seq else f"{line.first.seq} – {line.last.seq}"
        state = say.state(line.status) if line.status else "–"
        return [numbers, line.id, say.operation(told.operation), line.items, by, reason, state]

    def _approved(self, say: Teller) -> Table:
        def row(line: _Line) -> list[str]:
            decisions = [
                f"{say.action(event)} {say.who(event)} {event.body.get('comment', '')} ({say('event')} {event.seq})"
                for event in line.decisions
            ]
            return [*self._line(say, line), "; ".join(decisions) or say("none")]

        heads = ("first_last", "submission", "operation", "items", "by", "reason", "state", "decided")
        return say.table(heads, self._deletions.found, row)


def _slim(event: Event) -> Event:
    """The event without what may be long."""
    return Event(event.seq, event.at, {name: value for name, value in event.body.items() if name not in _BULKY})


def _tells_of_foreign_tasks(event: Event) -> bool:
    """A comparison that found new ones or could not be made, or what somebody noted; not one that found nothing."""
    compared = event.action == Action.TASKS_COMPARED
    return (compared and (event.body["outcome"] != "ok" or bool(event.body.get("new")))) or (
        event.action == Action.TASKS_NOTED
    )
