"""What KooDrive demands of a create call, as far as its reference page tells; the rest is let through."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ... import operations

_TRACE_ID = re.compile(r"[A-Za-z0-9_]{58}")


class Invalid(Exception):
    """The call breaks a rule of KooDrive's reference page: code 13000102."""


@dataclass(frozen=True)
class Wanted:
    """A valid create call. The password is here for as long as the job is being made, and nowhere after."""

    task_type: int
    action_type: int | None
    file_ids: tuple[str, ...]
    source: str
    target: str
    folder: str = ""
    entries: tuple[str, ...] = ()
    password: str = ""


def trace_id(headers: Mapping[str, str]) -> None:
    """Raises ``Invalid`` when X-Traceid is there and isn't 58 letters, digits or underscores."""
    value = headers.get("x-traceid")
    if value is not None and not _TRACE_ID.fullmatch(value):
        raise Invalid


def wanted(document: Any) -> Wanted:
    """What the body of a create call asks for. Raises ``Invalid``."""
    body = _object(document)
    info = _object(body.get("taskInfo"))
    task_type = _integer(body.get("taskType"))
    action_type = None if body.get("actionType") is None else _integer(body["actionType"])
    entries = tuple(_text(entry) for entry in _array(info.get("uncompressFilePaths") or []))
    return Wanted(
        task_type=task_type,
        action_type=_action(task_type, action_type, entries),
        file_ids=_file_ids(info.get("fileInfo")),
        source=_text(info.get("srcContainerId")),
        target=_text(body.get("dstContainerId")),
        folder=_text(info["newFilePath"]) if info.get("newFilePath") is not None else "",
        entries=entries,
        password=_text(body["password"]) if body.get("password") is not None else "",
    )


def job_id(document: Any) -> str:
    """The job that a cancel call names. Raises ``Invalid``."""
    return _text(_object(document).get("jobId"))


def whole_number(value: str | None, *, least: int, most: int) -> int:
    """A mandatory number of a query. Raises ``Invalid``."""
    if value is None or not (value.isascii() and value.isdigit()) or not least <= int(value) <= most:
        raise Invalid
    return int(value)


def parsed(body: bytes) -> Any:
    """The JSON of a body, None when it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _action(task_type: int, action_type: int | None, entries: tuple[str, ...]) -> int | None:
    operation = operations.of_pair(task_type, action_type)
    if operation is None or (operation.uncompress_file_paths is operations.Use.MUST and not entries):
        raise Invalid
    return operation.action_type


def _file_ids(files: Any) -> tuple[str, ...]:
    file_ids = []
    for file in _array(files):
        file_ids.append(_text(_object(file).get("fileId")))
        if file.get("filePath") is not None:
            _text(file["filePath"])
    if not file_ids:
        raise Invalid
    return tuple(file_ids)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid
    return value


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Invalid
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise Invalid
    return value


def _integer(value: Any) -> int:
    if type(value) is not int:  # a bool is none
        raise Invalid
    return value
