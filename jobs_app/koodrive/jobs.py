"""KooDrive's tasks as its list and detail tell them. Every field may be absent, and numbers may be text."""

from dataclasses import dataclass, field
from typing import Any, Self

from .replies import integer, line, task_id, text

_FILE_STATUSES = ("0", "1", "2")


@dataclass(frozen=True)
class Job:
    """One task. The times are 14 digits in KooDrive's own zone; ``task_id`` is empty when a detail leaves it out.

    ``status`` is 0 waiting, 1 in progress, 2 completed, 3 cancelled; ``task_result_code``, of a completed one,
    1 all succeeded, 2 some failed, 3 all failed.
    """

    task_id: str
    task_type: int | None = None
    action_type: int | None = None
    status: int | None = None
    task_result_code: int | None = None
    result_code: str | None = None
    content_num: int | None = None
    container_id: str | None = None
    tenant_id: str | None = None
    user_id: str | None = None
    task_name: str | None = None
    create_time: str | None = None
    begin_time: str | None = None
    end_time: str | None = None
    progress: int | None = None  # percent, 0 to 100
    download_url: str | None = field(default=None, repr=False)  # whoever has it may load the package

    @classmethod
    def read(cls, value: dict[str, Any]) -> Self:
        progress = integer(value.get("progress"))
        return cls(
            task_id=task_id(value.get("taskId")) or "",
            task_type=integer(value.get("taskType")),
            action_type=integer(value.get("actionType")),
            status=integer(value.get("status")),
            task_result_code=integer(value.get("taskResultCode")),
            result_code=_given(value.get("resultCode")),
            content_num=integer(value.get("contentNum")),
            container_id=_given(value.get("containerId")),
            tenant_id=_given(value.get("tenantId")),
            user_id=_given(value.get("userId")),
            task_name=_given(value.get("taskName")),
            create_time=_given(value.get("createTime")),
            begin_time=_given(value.get("beginTime")),
            end_time=_given(value.get("endTime")),
            progress=None if progress is None else min(max(progress, 0), 100),
            download_url=_url(value.get("downloadUrl")),
        )


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file; ``status`` is "0" waiting, "1" succeeded, "2" failed, None for anything else."""

    file_id: str | None
    status: str | None = None
    result_code: str | None = None
    result_desc: str | None = None
    new_file_id: str | None = None
    new_file_path: str | None = None

    @classmethod
    def read(cls, value: dict[str, Any]) -> Self:
        status = text(value.get("status"))
        return cls(
            file_id=_given(value.get("fileId")),
            status=status if status in _FILE_STATUSES else None,
            result_code=_given(value.get("resultCode")),
            result_desc=line(value.get("resultDesc")) or None,
            new_file_id=_given(value.get("newFileId")),
            new_file_path=_given(value.get("newFilePath")),
        )


@dataclass(frozen=True)
class ArchiveEntry:
    """One entry of an archive: its full path in there; ``size`` in bytes; ids only once it has been extracted."""

    name: str | None
    type: int | None = None  # 1 content, 2 folder, as far as the vendor tells
    size: int | None = None
    file_id: str | None = None
    container_id: str | None = None

    @classmethod
    def read(cls, value: dict[str, Any]) -> Self:
        return cls(
            name=_given(value.get("name")),
            type=integer(value.get("type")),
            size=integer(value.get("fileSize")),
            file_id=_given(value.get("fileId")),
            container_id=_given(value.get("containerId")),
        )


@dataclass(frozen=True)
class Detail:
    job: Job
    files: list[FileOutcome]
    entries: list[ArchiveEntry]


def objects(value: Any) -> list[dict[str, Any]]:
    """The JSON objects of an array; anything else in it, or in its place, counts as nothing."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _given(value: Any) -> str | None:
    return text(value) or None


def _url(value: Any) -> str | None:
    """Never shortened: half a signed address is none."""
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else None
