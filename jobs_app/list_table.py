"""Writes what a filter of the list finds as a table (CSV) that people open in a spreadsheet.

UTF-8 with a byte order mark, by which they know it.
"""

import io
from collections.abc import Iterator
from typing import IO, Any

from django.http import QueryDict

from . import csvs, listing, permissions
from .actors import Actor
from .audit.copying import Progress, one_moment
from .koodrive.codes import explain as explain_code
from .models import Submission
from .models.submissions import SubmissionQuerySet

AT_ONCE = 1000  # rows; all that is held in memory
COLUMNS = (
    *("id", "created (UTC)", "operation", "status", "by", "reason", "reference", "from space", "to space"),
    *("files", "succeeded", "failed", "open", "KooDrive task", "code", "advice", "sent (UTC)", "ended (UTC)", "batch"),
)


def found(query: str, *, by: Actor) -> SubmissionQuerySet:
    """What ``query``, as it stands in the list's address, finds of what they may see; raises ``Invalid``."""
    return listing.filtered(permissions.visible_to(by).for_rows(), dict(QueryDict(query).lists()))


def write_into(file: IO[bytes], query: str, progress: Progress, *, by: Actor) -> dict[str, Any]:
    """Writes the table into an empty file, the newest first; the result says how many rows it has."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        with one_moment():
            rows = found(query, by=by).order_by("-created_at", "-id")
            text.writelines(csvs.lines([COLUMNS]))
            for line in csvs.lines(_cells(row) for row in _counted(rows, progress)):
                text.write(line)
    finally:
        text.detach()
    return {"selection": query, "events": progress.done}


def _counted(rows: SubmissionQuerySet, progress: Progress) -> Iterator[Submission]:
    for row in rows.iterator(chunk_size=AT_ONCE):
        yield row
        progress.wrote(1)


def _cells(row: Submission) -> list[object]:
    known = explain_code(row.result_code)
    advice = known.advice if known and row.result_code != "0" else None
    return [
        *(row.pk, _time(row.created_at), row.operation, row.status, row.service or row.person, row.reason),
        *(row.reference, row.source_space, row.space, row.files_total, row.files_succeeded, row.files_failed),
        *(row.files_pending, csvs.as_text(row.task_id or ""), row.result_code, advice),
        *(_time(row.sent_at), _time(row.finished_at), row.batch_id),
    ]


def _time(moment: Any) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else None
