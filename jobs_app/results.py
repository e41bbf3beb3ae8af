"""What a task came to: its end, and with it every file's result, an archive's entries, a package's address."""

from typing import Any

from django.db import transaction

from . import lifecycle, links
from .actors import TRACKER
from .audit import Action
from .errors import WrongState
from .koodrive.answers import ArchiveEntry as FoundEntry
from .koodrive.answers import Detail, FileOutcome, Job
from .models import ArchiveEntry, Submission, SubmissionFile
from .states import State

MOST_ENTRIES = 100_000

_ENDS = {1: State.SUCCEEDED, 2: State.PARTIALLY_FAILED, 3: State.FAILED}
_FILE_STATUS = {"1": SubmissionFile.Status.SUCCEEDED, "2": SubmissionFile.Status.FAILED}
_WHOLE = {State.SUCCEEDED: SubmissionFile.Status.SUCCEEDED, State.FAILED: SubmissionFile.Status.FAILED}
_FOLDER = 2


def end_of(found: Detail) -> State | None:
    """What a completed task came to, from its files if KooDrive leaves the whole open; None when those do too."""
    whole = _ENDS.get(found.job.task_result_code or 0)
    results = {file.status for file in found.files}
    if whole or not results <= {"1", "2"} or not results:
        return whole
    return State.PARTIALLY_FAILED if len(results) == 2 else State.SUCCEEDED if results == {"1"} else State.FAILED


def learnt(submission: Submission, job: Job) -> dict[str, Any]:
    """The columns in which KooDrive's word on a task differs from what is stored."""
    columns = {"progress": job.progress, "detail": ""}
    if submission.outcome_basis == Submission.Basis.ANSWER:
        columns["task_user"] = job.user_id
    return {name: value for name, value in columns.items() if value is not None and value != getattr(submission, name)}


def finish(submission: Submission, end: State, found: Detail) -> None:
    """Stores the end with all that belongs to it and its event, or nothing; raises ``WrongState``."""
    with transaction.atomic():
        _lock(submission)
        files = list(submission.files.all())
        _fill_in(files, found, end)
        more = _keep(submission, end, found)
        lifecycle.move(
            submission,
            end,
            by=TRACKER,
            action=Action.TASK_FINISHED,
            changes=_columns(submission, end, found.job, files),
            outcome="ok" if end is State.SUCCEEDED else "failed",
            task=submission.task_id,
            result={"taskResultCode": found.job.task_result_code, "resultCode": found.job.result_code},
            files=[_told(file) for file in files],
            **more,
        )


def _lock(submission: Submission) -> None:
    """Two pollers may bring the same end: the second one has to wait before it writes what belongs to it."""
    row = Submission.objects.select_for_update().filter(pk=submission.pk, status=submission.status)
    if row.values_list("pk").first() is None:
        raise WrongState


def _fill_in(files: list[SubmissionFile], found: Detail, end: State) -> None:
    by_id = {file.file_id: file for file in found.files}
    for file in files:
        _set(file, by_id.get(file.file_id), end)
    fields = ["status", "result_code", "result_desc", "new_file_id", "new_file_path"]
    SubmissionFile.objects.bulk_update(files, fields)


def _set(file: SubmissionFile, found: FileOutcome | None, end: State) -> None:
    """What became of the file; where KooDrive doesn't name it, the end of the whole task tells if it is unmixed."""
    if found is None:
        file.status = _WHOLE.get(end) or file.status
        return
    file.status = _FILE_STATUS.get(found.status or "") or _WHOLE.get(end) or file.status
    file.result_code, file.result_desc = found.result_code, found.result_desc
    file.new_file_id, file.new_file_path = found.new_file_id, found.new_file_path


def _keep(submission: Submission, end: State, found: Detail) -> dict[str, Any]:
    """Stores what the task brought besides its files' results; says for the trail what it was."""
    if submission.operation == "preview_archive" and end is State.SUCCEEDED:
        rows = [_entry(submission, row, entry) for row, entry in enumerate(found.entries[:MOST_ENTRIES])]
        ArchiveEntry.objects.bulk_create(rows, batch_size=5000)
        return {"entries": len(found.entries), "entriesKept": len(rows)}
    if submission.operation == "package" and end in (State.SUCCEEDED, State.PARTIALLY_FAILED):
        if found.job.download_url:
            links.keep(submission, found.job.download_url)
        return {"hasLink": bool(found.job.download_url)}
    return {}


def _entry(submission: Submission, row: int, found: FoundEntry) -> ArchiveEntry:
    name = found.name or ""
    is_folder = found.type == _FOLDER if found.type else name.endswith("/") or None
    return ArchiveEntry(submission=submission, row=row, name=name, is_folder=is_folder, size=found.size)


def _columns(submission: Submission, end: State, job: Job, files: list[SubmissionFile]) -> dict[str, Any]:
    count = [file.status for file in files].count
    whole = {"progress": 100} if end is not State.CANCELLED else {}
    return (
        learnt(submission, job)
        | whole
        | {
            "result_code": job.result_code or submission.result_code,
            "files_succeeded": count(SubmissionFile.Status.SUCCEEDED),
            "files_failed": count(SubmissionFile.Status.FAILED),
        }
    )


def _told(file: SubmissionFile) -> dict[str, Any]:
    """A file's result as the trail keeps it."""
    told = {
        "fileId": file.file_id,
        "status": file.status,
        "resultCode": file.result_code,
        "resultDesc": file.result_desc,
        "newFileId": file.new_file_id,
        "newFilePath": file.new_file_path,
    }
    return {name: value for name, value in told.items() if value}
