"""How long a page of a search takes in a long trail, against in a short one."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from uuid import UUID

from jobs_app.audit import pages, read
from jobs_app.audit.search import Query
from tests.bench import events
from tests.bench.figures import Figure, median_ratio
from tests.bench.loading import Trail

ROUNDS = 5
EACH = 40  # searches of a kind in a round, each for something else
MOST = 1.5
Search = Callable[[Trail, int], object]


def measure(few: Trail, many: Trail) -> Iterator[Figure]:
    for name, search in SEARCHES.items():
        pairs = [(_milliseconds(many, search), _milliseconds(few, search)) for _ in range(ROUNDS)]
        told = ", ".join(f"{long:.2f} : {short:.2f}" for long, short in pairs)
        yield Figure(f"{name}, {many.count:,} events : {few.count:,}", median_ratio(pairs), f"{told} ms", most=MOST)
    for name, word in (("a word in every eighth event", "labels"), ("a word that nothing holds", "nowhere")):
        spent = _milliseconds(many, lambda _, number, word=word: _page(word), repeat=5)
        yield Figure(f"page of {name}, {many.count:,} events", spent, "ms")


def _milliseconds(trail: Trail, search: Search, *, repeat: int = EACH) -> float:
    """The median of many different searches; the first one isn't counted, since its connection is new."""
    trail.use()
    search(trail, 0)
    times = []
    for number in range(repeat):
        began = time.perf_counter()
        search(trail, number)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def _page(line: str, cursor: str = "") -> pages.Page:
    return pages.page(Query.read(line), cursor=cursor)


def _by_actor(_: Trail, number: int) -> object:
    return _page(f"actor:service:{1 + number % events.SERVICES}")


def _by_action(_: Trail, number: int) -> object:
    return _page(f"action:{_ACTIONS[number % len(_ACTIONS)]}")


def _by_two(_: Trail, number: int) -> object:
    return _page(f"operation:copy space:{events.submission(number).space}")


def _by_file(trail: Trail, number: int) -> object:
    return _page(f"file:{_somewhere(trail, number).file}")


def _by_id(trail: Trail, number: int) -> object:
    about = _somewhere(trail, number * 2 + 1)
    return _page((f"reference:{about.reference}", f"task:{about.task}")[number % 2])


def _in_a_week(trail: Trail, number: int) -> object:
    since = events.FIRST_DAY + timedelta(weeks=1 + number)
    return _page(f"since:{since:%Y-%m-%d} until:{since + timedelta(weeks=1):%Y-%m-%d}")


def _deep(trail: Trail, number: int) -> object:
    return _page("", _middle(trail, number))


def _deep_by_action(trail: Trail, number: int) -> object:
    return _page(f"action:{_ACTIONS[number % len(_ACTIONS)]}", _middle(trail, number))


def _of_submission(trail: Trail, number: int) -> object:
    return read.of_submission(UUID(_somewhere(trail, number).id))


def _by_submission(trail: Trail, number: int) -> object:
    return _page(f"submission:{_somewhere(trail, number).id}")


_ACTIONS = ("submission.created", "send.accepted", "task.finished", "session.started", "permission.denied")
SEARCHES: Mapping[str, Search] = {
    "newest page": lambda _, number: _page(""),
    "page of an actor": _by_actor,
    "page of an action": _by_action,
    "page of an operation in a space": _by_two,
    "page of a file": _by_file,
    "page of a reference or a task": _by_id,
    "page of what failed": lambda _, number: _page("outcome:failed"),
    "page of a week": _in_a_week,
    "page in the middle": _deep,
    "page of an action in the middle": _deep_by_action,
    "page of a submission": _by_submission,
    "events of a submission": _of_submission,
}


def _somewhere(trail: Trail, number: int) -> events.Submission:
    """Another submission for each number, spread over the trail; all of its events are in."""
    return events.submission((trail.count // events.EACH - 200) * number // EACH)


def _middle(trail: Trail, number: int) -> str:
    return f"b{trail.count // 2 + number * 10}"
