"""Follows accepted tasks in KooDrive to their end, and keeps the connection proven."""

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from . import lifecycle, pauses
from .actors import SWEEPER, TRACKER
from .audit import Action
from .errors import WrongState
from .koodrive import answers
from .koodrive.answers import Detail, FileOutcome, ReadFailed
from .koodrive.client import Client
from .models import Pause, Submission, SubmissionFile
from .states import FOLLOWED, State

log = logging.getLogger(__name__)

_ENDS = {1: State.SUCCEEDED, 2: State.PARTIALLY_FAILED, 3: State.FAILED}
_FILE_STATUS = {"1": SubmissionFile.Status.SUCCEEDED, "2": SubmissionFile.Status.FAILED}
PAUSING = {answers.Kind.UNAUTHORISED: Pause.Cause.CREDENTIALS, answers.Kind.MISCONFIGURED: Pause.Cause.ADDRESS}


def poll(*, client: Client, limit: int = 100) -> None:
    """Asks KooDrive about the tasks that are due; several pollers at once share them."""
    for submission in Submission.objects.due(*FOLLOWED)[:limit]:
        taken = Submission.objects.filter(pk=submission.pk, status=submission.status, due_at=submission.due_at)
        if not taken.update(due_at=Now() + _interval(submission)):
            continue
        try:
            found = answers.detail(client.job_detail(submission.task_id or ""))
        except ReadFailed as error:
            pause_if_refused(error)
            Submission.objects.filter(pk=submission.pk).update(detail=error.outcome.detail)
            if pauses.current():
                return
            continue
        try:
            follow(submission, found)
        except WrongState:
            continue  # Another poller was faster.


def follow(submission: Submission, found: Detail) -> None:
    """Moves the submission to where KooDrive says its task is."""
    job = found.job
    if job.status == 3:
        _finish(submission, State.CANCELLED, found)
    elif job.status == 2 and (end := _end(found)):
        _finish(submission, end, found)
    elif job.status == 1 and submission.state is State.ACCEPTED:
        changes = {"progress": job.progress, "detail": ""}
        lifecycle.move(
            submission, State.RUNNING, by=TRACKER, action=Action.TASK_STARTED, changes=changes, task=submission.task_id
        )
    elif job.progress != submission.progress or submission.detail:
        Submission.objects.filter(pk=submission.pk).update(progress=job.progress, detail="")


def _end(found: Detail) -> State | None:
    """What a completed task came to, from its files if KooDrive leaves the whole open; None when those do too."""
    whole = _ENDS.get(found.job.task_result_code or 0)
    results = {file.status for file in found.files}
    if whole or not results <= {"1", "2"} or not results:
        return whole
    return State.PARTIALLY_FAILED if len(results) == 2 else State.SUCCEEDED if results == {"1"} else State.FAILED


def _finish(submission: Submission, end: State, found: Detail) -> None:
    files = list(submission.files.all())
    by_id = {file.file_id: file for file in found.files}
    for file in files:
        _fill_in(file, by_id.get(file.file_id), end)
    count = [file.status for file in files].count
    changes: dict[str, Any] = {
        "progress": 100 if end is not State.CANCELLED else found.job.progress,
        "detail": "",
        "result_code": found.job.result_code or submission.result_code,
        "files_succeeded": count(SubmissionFile.Status.SUCCEEDED),
        "files_failed": count(SubmissionFile.Status.FAILED),
    }
    with transaction.atomic():
        fields = ["status", "result_code", "result_desc", "new_file_id", "new_file_path"]
        SubmissionFile.objects.bulk_update(files, fields)
        lifecycle.move(
            submission,
            end,
            by=TRACKER,
            action=Action.TASK_FINISHED,
            changes=changes,
            outcome="ok" if end is State.SUCCEEDED else "failed",
            task=submission.task_id,
            result={"taskResultCode": found.job.task_result_code, "resultCode": found.job.result_code},
            files=[_told(file) for file in files],
        )


def _fill_in(file: SubmissionFile, found: FileOutcome | None, end: State) -> None:
    """What became of the file; where KooDrive doesn't name it, the end of the whole task tells if it is unmixed."""
    whole = {State.SUCCEEDED: SubmissionFile.Status.SUCCEEDED, State.FAILED: SubmissionFile.Status.FAILED}.get(end)
    if found is None:
        file.status = whole or file.status
        return
    file.status = _FILE_STATUS.get(found.status or "") or whole or file.status
    file.result_code, file.result_desc = found.result_code, found.result_desc
    file.new_file_id, file.new_file_path = found.new_file_id, found.new_file_path


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


def _interval(submission: Submission) -> timedelta:
    """A tenth of the task's age, between two seconds and five minutes: what takes long is asked about less often."""
    age = timezone.now() - (submission.accepted_at or timezone.now())
    return min(max(age / 10, timedelta(seconds=2)), timedelta(minutes=5))


def try_connection(*, client: Client) -> None:
    """A harmless read: keeps an idle token alive, ends a pause when it works, begins one when it is refused."""
    try:
        answers.jobs(client.list_jobs(offset=client.offset_base, limit=1))
    except ReadFailed as error:
        pause_if_refused(error)
    else:
        pauses.end(by=SWEEPER)


def pause_if_refused(error: ReadFailed) -> None:
    """Pauses all sending when KooDrive refused to be read for a cause that concerns every call."""
    if cause := PAUSING.get(error.outcome.kind):
        pauses.begin(cause, error.outcome.detail, by=TRACKER)
