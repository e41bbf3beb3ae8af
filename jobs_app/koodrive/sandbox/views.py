"""Tasks as KooDrive's answers show them, with the contradictions of its reference on demand."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ... import operations
from .jobs import COMPLETED, RUNNING, Task
from .messages import message

TENANT = "40086000004871666"
USER = f"{TENANT}-369528171409614001"
TIME_ZONE = timezone(timedelta(hours=8))

CONTENT, DIRECTORY = 1, 2
ARCHIVE = (
    ("reports/", DIRECTORY, 0),
    ("reports/2024/", DIRECTORY, 0),
    ("reports/2024/summary.pdf", CONTENT, 48_211),
    ("reports/2024/报告.docx", CONTENT, 17_904),
    ("pictures/IMG_0001.jpg", CONTENT, 3_145_728),
    ("readme.txt", CONTENT, 612),
)
ARCHIVE_UPDATED_AT = "1714521600000"


@dataclass(frozen=True)
class Quirks:
    """Ways in which KooDrive's answers differ between its own pages.

    ``code_as_text``: ``"0"`` instead of ``0``. ``absent``: names of fields that are left out wherever they would stand.
    ``offset_base``: the number of a list's first row, 0 or 1. ``oldest_first``: the list's order, which no page tells.
    """

    code_as_text: bool = False
    absent: frozenset[str] = frozenset()
    offset_base: int = 0
    oldest_first: bool = False

    def __post_init__(self) -> None:
        if {type(self.code_as_text), type(self.oldest_first)} != {bool} or self.offset_base not in (0, 1):
            raise ValueError("Give code_as_text and oldest_first as true or false, offset_base as 0 or 1.")

    def fields(self, **fields: Any) -> dict[str, Any]:
        """The fields that have a value and aren't absent by choice."""
        return {name: value for name, value in fields.items() if value is not None and name not in self.absent}


def job_info(task: Task, now: float, quirks: Quirks) -> dict[str, Any]:
    """One row of a list."""
    return quirks.fields(
        taskId=task.task_id,
        taskType=task.wanted.task_type,
        actionType=task.wanted.action_type,
        status=task.status(now),
        taskResultCode=task.task_result_code(now),
        resultCode=_result_code(task, now),
        contentNum=len(task.wanted.file_ids),
        containerId=task.wanted.target,
        tenantId=TENANT,
        beginTime=digits(task.begins_at) if task.begins_at <= min(now, task.stops_at) else None,
        endTime=digits(task.stops_at) if task.stops_at <= now else None,
        createTime=digits(task.created_at),
    )


def detail(task: Task, now: float, quirks: Quirks, *, url: str) -> dict[str, Any]:
    """A task with its files; ``url`` is where the sandbox is, for the download link of a package."""
    completed = task.status(now) == COMPLETED
    more = quirks.fields(
        taskName=_operation(task).name,
        userId=USER,
        progress=int(100 * task.share_done(now)),
        downloadUrl=download_url(task, url) if completed and task.wanted.task_type == 6 else None,
    )
    entries = list(_entries(task, quirks)) if completed and not task.plan.failing else []
    return quirks.fields(
        jobInfo=job_info(task, now, quirks) | more,
        taskInfos=[_task_info(task, position, now, quirks) for position in range(len(task.wanted.file_ids))],
        uncompressedFileList=entries or None,
    )


def digits(at: float) -> str:
    """14 digits, UTC+8."""
    return datetime.fromtimestamp(at, TIME_ZONE).strftime("%Y%m%d%H%M%S")


def download_path(task: Task) -> str:
    """Where the package is to be had; who knows the signature may have it."""
    return f"/sandbox/packages/{task.task_id}.zip?signature={hashed(task.task_id, 'package')}"


def download_url(task: Task, url: str) -> str:
    return f"{url}{download_path(task)}"


def hashed(*parts: str) -> str:
    """32 characters of ``[A-Za-z0-9_-]``, always the same for the same parts."""
    return base64.urlsafe_b64encode(hashlib.sha256("\0".join(parts).encode()).digest()).decode()[:32]


def _task_info(task: Task, position: int, now: float, quirks: Quirks) -> dict[str, Any]:
    file_id, wanted = task.wanted.file_ids[position], task.wanted
    done = task.file_is_done(position, now)
    code, text = task.plan.failing.get(position, (0, "")) if done else (0, "")
    makes_one = done and not code and _makes_files(task)
    new_id = "F" + hashed(task.task_id, file_id) if makes_one else None
    return quirks.fields(
        fileId=file_id,
        status="0" if not done else "2" if code else "1",
        newFileId=new_id,
        newFilePath=f"/{wanted.folder}/{new_id}" if new_id and wanted.folder else None,
        srcContainerId=wanted.source if wanted.source != wanted.target else None,
        resultCode=str(code) if code else None,
        resultDesc=(text or message(code)) if code else None,
    )


def _entries(task: Task, quirks: Quirks) -> Iterable[dict[str, Any]]:
    """What an archive holds (501), or what was unpacked from it (503)."""
    match task.wanted.action_type:
        case 501:
            for name, kind, size in ARCHIVE:
                yield quirks.fields(name=name, type=kind, fileSize=size, updateAt=ARCHIVE_UPDATED_AT)
        case 503:
            sizes = {name: size for name, _, size in ARCHIVE}
            for name in task.wanted.entries:
                yield quirks.fields(
                    name=name,
                    type=DIRECTORY if name.endswith("/") else CONTENT,
                    fileSize=sizes.get(name, 1024),
                    containerId=task.wanted.target,
                    fileId="F" + hashed(task.task_id, name),
                )


def _result_code(task: Task, now: float) -> int | None:
    if task.status(now) <= RUNNING:
        return None
    codes = [code for code, _ in task.plan.failing.values()]
    return codes[0] if codes else 0


def _makes_files(task: Task) -> bool:
    return task.wanted.action_type in (101, 301, 502, 503)


def _operation(task: Task) -> operations.Operation:
    operation = operations.of_pair(task.wanted.task_type, task.wanted.action_type)
    assert operation is not None  # verified when the task was made
    return operation
