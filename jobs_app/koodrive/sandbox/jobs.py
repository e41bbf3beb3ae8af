"""KooDrive's batch tasks: a task's whole life is fixed when it is made, and what shows of it follows from the time."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from .verify import Wanted

EPOCH_MS = 1_546_272_000_000  # 2018-12-31T16:00:00Z: task ids count milliseconds from here.
SEQUENCE_BITS = 23

PENDING, RUNNING, COMPLETED, CANCELLED = range(4)
ALL_SUCCEEDED, PARTLY_FAILED, ALL_FAILED = 1, 2, 3


@dataclass(frozen=True)
class Plan:
    """What is going to happen to a task: seconds at speed 1, and the code and sentence of each file that fails."""

    pending: float = 0.5
    running: float = 1.5
    failing: dict[int, tuple[int, str]] = field(default_factory=dict)  # by position in the call
    partly: bool = False
    cancelled: bool = False  # by KooDrive, half way


@dataclass
class Task:
    """One batch task. Times are seconds since 1970; every question about it is asked for a time."""

    number: int
    wanted: Wanted
    plan: Plan
    created_at: float
    begins_at: float
    ends_at: float
    cancelled_at: float = math.inf

    @property
    def task_id(self) -> str:
        return str(self.number)

    @property
    def stops_at(self) -> float:
        return min(self.ends_at, self.cancelled_at)

    def status(self, now: float) -> int:
        if self.cancelled_at <= now:
            return CANCELLED
        if now < self.begins_at:
            return PENDING
        return RUNNING if now < self.ends_at else COMPLETED

    def share_done(self, now: float) -> float:
        """Between 0 and 1; stays where it is once the task has stopped."""
        if now >= self.ends_at and self.cancelled_at > self.ends_at:
            return 1.0
        return max(0.0, (min(now, self.stops_at) - self.begins_at) / (self.ends_at - self.begins_at))

    def file_is_done(self, position: int, now: float) -> bool:
        return self.share_done(now) * len(self.wanted.file_ids) >= position + 1

    def task_result_code(self, now: float) -> int | None:
        """1, 2 or 3 once the task has completed."""
        if self.status(now) != COMPLETED:
            return None
        if self.plan.partly or 0 < len(self.plan.failing) < len(self.wanted.file_ids):
            return PARTLY_FAILED
        return ALL_FAILED if self.plan.failing else ALL_SUCCEEDED


class Jobs:
    """All tasks. ``now`` gives seconds since 1970; ``speed`` shortens the lives of the tasks made from then on."""

    def __init__(self, now: Callable[[], float], *, speed: float = 1.0) -> None:
        self._now = now
        self.speed = speed
        self._tasks: dict[str, Task] = {}
        self._last = 0

    def create(self, wanted: Wanted, plan: Plan) -> Task:
        now = self._now()
        begins_at = now + plan.pending / self.speed
        task = Task(self._number(now), wanted, plan, now, begins_at, begins_at + plan.running / self.speed)
        if plan.cancelled:
            task.cancelled_at = (task.begins_at + task.ends_at) / 2
        self._tasks[task.task_id] = task
        return task

    def get(self, task_id: str) -> Task | None:
        return self._tasks.get(task_id)

    def page(
        self,
        *,
        offset: int,
        limit: int,
        task_type: int | None = None,
        status: int | None = None,
        oldest_first: bool = False,
    ) -> list[Task]:
        """Newest first unless told otherwise."""
        ordered = self._tasks.values() if oldest_first else reversed(self._tasks.values())
        return list(islice(self._matching(ordered, task_type, status), offset, offset + limit))

    def cancel(self, task: Task) -> bool:
        """Whether the task was still to be done or being done; one that has stopped stays as it is."""
        now = self._now()
        if task.status(now) > RUNNING:
            return False
        task.cancelled_at = now
        return True

    def forget(self, task_id: str) -> None:
        """The task is kept no longer; KooDrive's pages leave open when that happens."""
        del self._tasks[task_id]

    def clear(self) -> None:
        self._tasks.clear()

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(list(self._tasks.values()))

    def _matching(self, ordered: Iterable[Task], task_type: int | None, status: int | None) -> Iterator[Task]:
        now = self._now()
        for task in ordered:
            if task_type in (None, task.wanted.task_type) and status in (None, task.status(now)):
                yield task

    def _number(self, now: float) -> int:
        milliseconds = int(now * 1000) - EPOCH_MS
        self._last = max(self._last + 1, milliseconds << SEQUENCE_BITS)
        return self._last
