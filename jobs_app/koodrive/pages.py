"""KooDrive's list of tasks, page by page: it has no cursor and tells no total."""

from collections.abc import Iterator

from . import answers
from .answers import Job
from .client import Client

PAGE = 100  # the most that KooDrive gives at once


def pages(client: Client, *, task_type: int) -> Iterator[list[Job]]:
    """The tasks of this type in KooDrive's own order, to the end of its list; raises ``ReadFailed``.

    The list may move between two pages: a task may come twice, and one may be missed. How many pages are worth their
    calls is the caller's to say, by asking for no more of them.
    """
    offset = client.offset_base
    seen: set[str] = set()
    while True:
        found = answers.jobs(client.list_jobs(offset=offset, limit=PAGE, task_type=task_type))
        new = {job.task_id for job in found} - seen
        if not new:
            return  # Past the end, or a list that takes no notice of the offset.
        yield found
        if len(found) < PAGE:
            return
        seen |= new
        offset += len(found)
