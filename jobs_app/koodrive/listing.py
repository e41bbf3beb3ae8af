"""Reads KooDrive's list of tasks whole, although it moves while it is read.

The list has neither a cursor nor a documented order; tasks that come in push the others to later pages, and ones that
vanish pull them to earlier ones. So each page begins with the last rows of the one before: if the first of them isn't
known, something may have been missed and the reading starts over. It ends early only while the tasks come newest first.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from . import answers, times
from .client import Client
from .jobs import Job
from .pages import PAGE

OVERLAP = 10
MOST_PAGES = 50
MOST_STARTS = 3
_SLACK = timedelta(minutes=5)  # read on beyond what is wanted, for a clock whose difference is known badly or not


@dataclass(frozen=True)
class Found:
    """The tasks that were seen, each once, with what is needed to judge their times and what is *not* there.

    ``clock_difference`` is how far KooDrive's clock is ahead of this machine's, None when it didn't say; ``reach`` how
    far back a list that comes newest first was seen without a gap.
    """

    jobs: list[Job]
    since: datetime
    is_whole: bool
    reach: datetime | None
    clock_difference: timedelta | None

    @property
    def complete(self) -> bool:
        """Whether every task made since the wanted time was seen; only then absence is evidence."""
        return self.covers(self.since)

    def covers(self, moment: datetime) -> bool:
        """The same for another time, by this machine's clock."""
        return self.is_whole or _is_beyond(self.reach, moment)

    def made_at(self, job: Job) -> datetime | None:
        """When the task was made, by this machine's clock."""
        difference = self.clock_difference or timedelta()
        found = times.created_at(job, now=timezone.now() + difference)
        return found and found - difference


def read(client: Client, *, task_type: int | None, since: datetime, most_pages: int | None = None) -> Found:
    """The tasks of this type, of all types for None, that were made since then, and some older ones.

    At most so many pages are read, ``MOST_PAGES`` unless told. Raises ``ReadFailed`` when a page can't be read.
    """
    jobs: dict[str, Job] = {}
    for _ in range(MOST_STARTS):
        reading = _Reading(client, task_type)
        is_unbroken = reading.go(since, most_pages or MOST_PAGES)
        jobs |= reading.jobs
        if is_unbroken:
            break
    return Found(
        jobs=list(jobs.values()),
        since=since,
        is_whole=reading.is_whole,
        reach=reading.reach,
        clock_difference=reading.difference,
    )


def _is_beyond(reach: datetime | None, moment: datetime) -> bool:
    return reach is not None and reach < moment - _SLACK


class _Reading:
    """One way through the list from its beginning."""

    def __init__(self, client: Client, task_type: int | None) -> None:
        self.jobs: dict[str, Job] = {}
        self.difference: timedelta | None = None
        self.is_whole = False
        self.reach: datetime | None = None
        self._client, self._task_type = client, task_type
        self._is_newest_first = True

    def go(self, since: datetime, most_pages: int) -> bool:
        """Whether no gap was met on the way."""
        for number in range(most_pages):
            page = self._page(number * (PAGE - OVERLAP))
            if self.jobs and not (page and page[0].task_id in self.jobs):
                self.reach = None
                return False
            self._take(page)
            self.is_whole = len(page) < PAGE
            if self.is_whole or _is_beyond(self.reach, since):
                break
        return True

    def _page(self, offset: int) -> list[Job]:
        first = self._client.offset_base
        answer = self._client.list_jobs(offset=first + offset, limit=PAGE, task_type=self._task_type)
        found = answers.jobs(answer)
        if self.difference is None:
            self.difference = times.clock_difference(answer, now=timezone.now())
        return found

    def _take(self, page: list[Job]) -> None:
        new = [job for job in page if job.task_id not in self.jobs]
        last = next(reversed(self.jobs), None)
        order = [int(task_id) for task_id in [*([last] if last else []), *(job.task_id for job in new)]]
        self._is_newest_first &= all(later < earlier for earlier, later in zip(order, order[1:], strict=False))
        self.jobs |= {job.task_id: job for job in page}
        if new:
            self.reach = self._told_by_id(new[-1]) if self._is_newest_first else None

    def _told_by_id(self, job: Job) -> datetime | None:
        """By this machine's clock, and only from the id: it is the ids whose order was seen."""
        difference = self.difference or timedelta()
        told = times.by_id(job, now=timezone.now() + difference)
        return told and told - difference
