"""What people and services do with submissions: submit them."""

import json
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from . import lifecycle, permissions, tasks, validators
from .actors import Actor, Channel
from .errors import AlreadySubmitted
from .models import Submission, SubmissionFile
from .states import State

APPROVAL_WINDOW = timedelta(days=7)


def check(values: object, *, by: Actor) -> validators.Request:
    """The valid request in ``values``; raises ``NotAllowed``, or ``Invalid`` with every problem. Stores nothing."""
    permissions.require(permissions.submit(by), by=by, to="submit")
    return validators.check(values, max_files=settings.KOODRIVE_MAX_FILES, now=timezone.now())


def submit(values: object, *, by: Actor, as_id: uuid.UUID | None = None) -> Submission:
    """Stores the request in ``values`` with its audit event, and has it sent or put before an approver.

    With ``as_id``, chosen when the request was reviewed, submitting the same again gives the first submission.
    Raises ``NotAllowed``, ``Invalid``, ``AlreadySubmitted`` or ``AuditUnavailable``; nothing is stored then.
    """
    request = check(values, by=by)
    submission = _row(request, by, as_id or uuid.uuid4())
    files = [
        SubmissionFile(submission=submission, row=row, file_id=file.file_id, file_path=file.file_path, label=file.label)
        for row, file in enumerate(request.files)
    ]
    try:
        with transaction.atomic():
            lifecycle.create(submission, files, request.password, by=by, **_told(submission, request))
            transaction.on_commit(lambda: tasks.nudge(submission), robust=True)
    except IntegrityError:
        first = Submission.objects.filter(pk=submission.pk).first()
        if first is None:
            raise
        if (first.person_id, first.request_sha256) != (submission.person_id, submission.request_sha256):
            raise AlreadySubmitted from None
    return Submission.objects.with_people().get(pk=submission.pk)


def _row(request: validators.Request, by: Actor, id_: uuid.UUID) -> Submission:
    now = timezone.now()
    waits = request.operation.approvals > 0
    expires = min(filter(None, [now + APPROVAL_WINDOW, request.not_after])) if waits else None
    return Submission(
        id=id_,
        operation=request.operation.name,
        request=json.dumps(request.body, ensure_ascii=False),
        request_sha256=request.sha256,
        space=request.body["dstContainerId"],
        reason=request.reason,
        reference=request.reference,
        warnings=[warning.as_json() for warning in request.warnings],
        source=Submission.Source.API if by.channel is Channel.API else Submission.Source.WEB,
        person_id=by.key if by.token is None else None,
        service_id=by.key if by.token is not None else None,
        token_id=by.token,
        accountable_id=by.accountable,
        status=State.AWAITING_APPROVAL if waits else State.QUEUED,
        approvals_needed=request.operation.approvals,
        approval_expires_at=expires,
        due_at=expires or first_send(request.not_before, now),
        not_before=request.not_before,
        not_after=request.not_after,
        files_total=len(request.files),
    )


def first_send(not_before: datetime | None, now: datetime) -> datetime:
    """When a submission that is free to go may be sent."""
    return max(filter(None, [now, not_before]))


def _told(submission: Submission, request: validators.Request) -> dict[str, object]:
    """What the trail keeps of a new submission: all of it, but for the password."""
    return {
        "operation": submission.operation,
        "request": request.body,
        "requestSha256": submission.request_sha256,
        "labels": {file.file_id: file.label for file in request.files if file.label} or None,
        "reason": request.reason,
        "reference": request.reference,
        "warnings": submission.warnings or None,
        "approvalsNeeded": submission.approvals_needed,
        "notBefore": request.not_before and request.not_before.isoformat(),
        "notAfter": request.not_after and request.not_after.isoformat(),
    }
