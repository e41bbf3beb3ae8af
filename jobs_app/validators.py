"""What a request must be before anything is stored: one check for the form, the REST API and every import.

``check`` reads KooDrive's own body with the portal's additions beside it (``reason``, ``reference``, ``labels``,
``notBefore``, ``notAfter``) and finds every problem at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import canonical, operations
from .documents import ABSENT, LONGEST_PATH, LONGEST_TEXT, Reader, escape
from .errors import Invalid, Problem
from .operations import Operation, Use

MASK = "********"
LONGEST_REFERENCE = 200

_PORTAL_FIELDS = {"reason", "reference", "labels", "notBefore", "notAfter"}
_BODY_FIELDS = {"taskType", "actionType", "taskInfo", "dstContainerId", "password"}
_INFO_FIELDS = {"fileInfo", "newFilePath", "srcContainerId", "uncompressFilePaths"}
_FILE_FIELDS = {"fileId", "filePath"}


@dataclass(frozen=True)
class File:
    """One file or folder of a request; ``label`` is a name for people and never sent."""

    file_id: str
    file_path: str | None
    label: str


@dataclass(frozen=True)
class Request:
    """A valid request. ``body`` is what KooDrive gets, with the password masked; ``password`` is the real one.

    ``approvals`` is how many its spaces ask for, whatever the policy does, and ``approvals_why`` which of them, in
    sentences.
    """

    operation: Operation
    body: dict[str, Any]
    password: str | None
    files: tuple[File, ...]
    reason: str
    reference: str | None
    not_before: datetime | None
    not_after: datetime | None
    warnings: tuple[Problem, ...]
    approvals: int = 0
    approvals_why: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        return canonical.sha256(self.body)

    @property
    def source(self) -> str:
        """The space where its files are."""
        return str(self.body["taskInfo"]["srcContainerId"])

    @property
    def target(self) -> str:
        """The space under which KooDrive files the task."""
        return str(self.body["dstContainerId"])


def check(values: object, *, max_files: int, now: datetime, default_reason: str = "", data_notice: str = "") -> Request:
    """The request in ``values``, a parsed JSON document; raises ``Invalid`` with every problem that it has.

    ``default_reason`` stands for a reason that isn't given; without one, a reason must be given. ``data_notice`` is a
    warning for operations that process what is in the files.
    """
    reader = Reader()
    body = reader.mapping(values, "", _BODY_FIELDS | _PORTAL_FIELDS)
    if body is None:
        raise Invalid(reader.problems)
    operation = _operation(reader, body)
    given = reader.mapping(body.get("taskInfo", ABSENT), "/taskInfo", _INFO_FIELDS)
    info, is_given = given or {}, given is not None
    files = _files(reader, info, max_files) if is_given else ()
    source = reader.text(info, "srcContainerId", "/taskInfo", required=is_given)
    target_folder = reader.text(info, "newFilePath", "/taskInfo", longest=LONGEST_PATH)
    entries = reader.texts(info, "uncompressFilePaths", "/taskInfo")
    target = reader.text(body, "dstContainerId", "", required=True)
    password = reader.text(body, "password", "")
    reason = reader.text(body, "reason", "", required=not default_reason, longest=LONGEST_TEXT)
    reference = reader.text(body, "reference", "", nullable=True, longest=LONGEST_REFERENCE)
    labels = _labels(reader, body, files)
    not_before, not_after = _window(reader, body, now)
    if operation:
        _fields(reader, operation, body, given, files)
    if reader.problems or operation is None:
        raise Invalid(reader.problems)
    task_info: dict[str, Any] = {"fileInfo": [_file_info(file) for file in files]}
    if target_folder:
        task_info["newFilePath"] = target_folder
    task_info["srcContainerId"] = source
    if entries:
        task_info["uncompressFilePaths"] = entries
    document: dict[str, Any] = {"taskType": operation.task_type}
    if operation.action_type is not None:
        document["actionType"] = operation.action_type
    document |= {"taskInfo": task_info, "dstContainerId": target}
    if password:
        document["password"] = MASK
    return Request(
        operation=operation,
        body=document,
        password=password,
        files=tuple(File(file.file_id, file.file_path, labels.get(file.file_id, "")) for file in files),
        reason=reason or default_reason,
        reference=reference,
        not_before=not_before,
        not_after=not_after,
        warnings=tuple(_warnings(operation, target_folder, files, data_notice)),
    )


def reason(text: str) -> str:
    """Why a person does something, trimmed; raises ``Invalid`` when it is missing or can't be kept."""
    reader = Reader()
    said = collect_reason(reader, text)
    if reader.problems:
        raise Invalid(reader.problems)
    return said


def collect_reason(reader: Reader, text: str) -> str:
    """The same among other fields: what is wrong goes to the reader's other problems."""
    said = text.strip()
    if said:
        reader.text({"reason": said}, "reason", "", longest=LONGEST_TEXT)
    else:
        reader.add("/reason", "required", "Say why you do this; the reason is kept in the audit trail.")
    return said


def _operation(reader: Reader, body: Mapping[str, Any]) -> Operation | None:
    task_type = reader.integer(body, "taskType", required=True)
    action_type = reader.integer(body, "actionType")
    if task_type is None or ("actionType" in body and action_type is None):
        return None
    if task_type == operations.CLEAR_RECYCLE_BIN:
        reader.add(
            "/taskType", "not_supported", "Clearing a whole recycle bin (taskType 7) isn't offered; use 2 with 202."
        )
        return None
    known = operations.of_task_type(task_type)
    if not known:
        reader.add("/taskType", "unknown_value", "Use a taskType of the catalogue: 1, 2, 3, 4, 5 or 6.")
        return None
    operation = operations.of_pair(task_type, action_type)
    if operation is None:
        allowed = " or ".join(str(each.action_type) for each in known if each.action_type)
        if action_type is None:
            reader.add(
                "/actionType", "action_required", f"Say which action is meant: {allowed} with taskType {task_type}."
            )
        elif allowed:
            reader.add("/actionType", "unknown_pair", f"With taskType {task_type}, use actionType {allowed}.")
        else:
            reader.add("/actionType", "unknown_pair", f"Leave actionType out with taskType {task_type}.")
    return operation


def _files(reader: Reader, info: Mapping[str, Any], max_files: int) -> tuple[File, ...]:
    pointer = "/taskInfo/fileInfo"
    rows = reader.sequence(info, "fileInfo", "/taskInfo", required=True)
    if len(rows) > max_files:
        reader.add(pointer, "too_many", f"Name at most {max_files} files in one submission; split the rest off.")
        return ()
    files: list[File] = []
    first: dict[str, int] = {}
    for index, row in enumerate(rows):
        here = f"{pointer}/{index}"
        fields = reader.mapping(row, here, _FILE_FIELDS)
        if fields is None:
            continue
        file_id = reader.text(fields, "fileId", here, required=True)
        file_path = reader.text(fields, "filePath", here, longest=LONGEST_PATH)
        if not file_id:
            continue
        if file_id in first:
            reader.add(f"{here}/fileId", "duplicate", f"Name each file once; this is the one of row {first[file_id]}.")
            continue
        first[file_id] = index
        files.append(File(file_id, file_path, ""))
    return tuple(files)


def _labels(reader: Reader, body: Mapping[str, Any], files: Sequence[File]) -> dict[str, str]:
    known = {file.file_id for file in files}
    labels = {}
    given = body.get("labels", {})
    if not isinstance(given, Mapping):
        reader.add("/labels", "wrong_type", "Give labels as an object: file id to name.")
        return {}
    for file_id in given:
        here = f"/labels/{escape(file_id)}"
        if file_id not in known:
            reader.add(here, "unknown_file", "Label only files that are named in fileInfo.")
        label = reader.text(given, file_id, "/labels", longest=LONGEST_TEXT)
        labels[file_id] = label or ""
    return labels


def _window(reader: Reader, body: Mapping[str, Any], now: datetime) -> tuple[datetime | None, datetime | None]:
    not_before = reader.moment(body, "notBefore", now)
    not_after = reader.moment(body, "notAfter", now)
    if not_after and not_after <= now:
        reader.add("/notAfter", "in_the_past", "Give a time that is still to come.")
    elif not_after and not_before and not_after <= not_before:
        reader.add("/notAfter", "wrong_order", "Give a notAfter that is later than notBefore.")
    return not_before, not_after


def _fields(
    reader: Reader,
    operation: Operation,
    body: Mapping[str, Any],
    info: Mapping[str, Any] | None,
    files: Sequence[File],
) -> None:
    """What this operation demands of, or does not take among, the optional fields."""
    optional: list[tuple[Mapping[str, Any] | None, str, str, Use]] = [
        (info, "/taskInfo", "newFilePath", operation.new_file_path),
        (info, "/taskInfo", "uncompressFilePaths", operation.uncompress_file_paths),
        (body, "", "password", operation.password),
    ]
    for parent, path, name, use in optional:
        if parent is None:
            continue
        if use is Use.NO and name in parent:
            reader.add(f"{path}/{name}", "not_taken", f"Leave {name} out: {operation.name} does not take it.")
        if use is Use.MUST and name not in parent:
            reader.add(f"{path}/{name}", "required", f"Give {name}: {operation.name} needs it.")
    if operation.one_file and len(files) > 1:
        reader.add("/taskInfo/fileInfo", "too_many", f"Name exactly one file: {operation.name} takes one archive.")


def _warnings(
    operation: Operation, target_folder: str | None, files: Sequence[File], data_notice: str
) -> list[Problem]:
    warnings = []
    if operation.reads_content and data_notice:
        warnings.append(Problem("", "data_notice", data_notice))
    if operation.new_file_path is Use.ADVISED and not target_folder:
        detail = "No target folder is given (newFilePath): KooDrive's page leaves open where the files will go."
        warnings.append(Problem("/taskInfo/newFilePath", "target_folder_missing", detail))
    if operation.file_path is Use.ADVISED:
        detail = "No filePath is given: KooDrive may not be able to restore this file from the recycle bin."
        warnings += [
            Problem(f"/taskInfo/fileInfo/{index}/filePath", "file_path_missing", detail)
            for index, file in enumerate(files)
            if not file.file_path
        ]
    return warnings


def _file_info(file: File) -> dict[str, str]:
    return {"fileId": file.file_id} | ({"filePath": file.file_path} if file.file_path else {})
