"""What people and services do with submissions: submit them, and submit again what did not succeed."""

import json
import uuid
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from . import care, idempotency, inserting, lifecycle, permissions, policies, spaces, tasks, tracing, validators
from .actors import Actor, Channel
from .care import Review
from .errors import AlreadySubmitted, Invalid, PolicyChanged, Problem, WrongState
from .idempotency import Call
from .lifecycle import New
from .models import Batch, Submission, SubmissionFile
from .policies import Applies, InForce
from .states import State

_ENCODER = json.JSONEncoder(ensure_ascii=False)
_new_submission = inserting.maker(Submission)
_new_file = inserting.maker(SubmissionFile)


@dataclass(frozen=True)
class Place:
    """Where a submission stands in a batch; ``lines`` are the numbers of its files, from 0 on without them."""

    batch: Batch
    row: int
    lines: Sequence[int] | None = None


@dataclass(frozen=True)
class Origin:
    """What a submission came from: one that is tried again, or a person's review and what they acknowledged there."""

    retry_of: Submission | None = None
    review: Review | None = None
    acknowledged: Sequence[Mapping[str, Any]] | None = None


NOWHERE = Origin()


def check(values: object, *, by: Actor) -> validators.Request:
    """The valid request in ``values``; raises ``NotAllowed``, or ``Invalid`` with every problem. Stores nothing."""
    return _check(values, by)[0]


def _check(values: object, by: Actor) -> tuple[validators.Request, InForce]:
    """The same, with the policy by which it was checked."""
    permissions.require(permissions.submit(by), by=by, to="submit")
    request = well_formed(values, now=timezone.now(), by=by)
    policy, known = policies.current_for([request.source, request.target])
    return checked(request, by=by, policy=policy, known=known), policy


def well_formed(values: object, *, now: datetime, by: Actor) -> validators.Request:
    """The request in ``values`` as far as itself can tell; raises ``Invalid`` with every problem of its form."""
    return validators.check(
        values,
        max_files=settings.KOODRIVE_MAX_FILES,
        now=now,
        default_reason=by.default_reason,
        data_notice=settings.DATA_NOTICE,
    )


def checked(request: validators.Request, *, by: Actor, policy: InForce, known: spaces.Known) -> validators.Request:
    """The request, with the approvals that its spaces ask for, if it is one that they may make and nothing forbids it.

    ``policy`` and ``known``, what the directory says of the spaces, are read once for all that is submitted together.
    Raises ``NotAllowed``, or ``Invalid`` with every problem.
    """
    operation, target, source = request.operation.name, request.target, request.source
    refusal = permissions.submit_this(by, operation, source, target)
    permissions.require(refusal, by=by, to="submit", operation=operation, space=target, sourceSpace=source)
    problems, approvals, why = known.rules(source, target, operation)
    if problems := [*policies.refusals(policy, request), *problems]:
        raise Invalid(problems)
    return replace(request, approvals=approvals, approvals_why=tuple(why)) if why else request


def submit(
    values: object,
    *,
    by: Actor,
    as_id: uuid.UUID | None = None,
    call: Call | None = None,
    review: Review | None = None,
) -> Submission:
    """Stores the request in ``values`` with its audit event, and has it sent or put before an approver.

    With ``as_id``, chosen when the request was reviewed, submitting the same again gives the first submission; ``call``
    is what a repeatable call of the API is known by (``idempotency.once``). A page gives the ``review`` of the person:
    what it says is demanded of them, and told in the event.
    Raises ``NotAllowed``, ``Invalid``, ``NotReviewed``, ``AlreadySubmitted`` or ``AuditUnavailable``; nothing is stored
    then.
    """
    request, policy = _check(values, by)
    [seen] = care.require([request], review, by=by, as_id=as_id) if review else [None]
    return _store(request, policy, by, as_id, call=call, origin=Origin(review=review, acknowledged=seen))


def get(pk: uuid.UUID) -> Submission:
    return Submission.objects.with_people().get(pk=pk)


def retry(
    submission: Submission,
    *,
    reason: str,
    password: str | None,
    by: Actor,
    as_id: uuid.UUID | None = None,
    call: Call | None = None,
    phrase: str | None = None,
) -> Submission:
    """Submits all files that aren't known to have succeeded anew, under today's policy; the rest as in ``submit``.

    A page gives the ``phrase`` that the person typed (``care.phrase_of``).
    Raises what ``submit`` raises, and ``WrongState`` unless it ended without full success and has such files.
    """
    permissions.require(permissions.retry(by, submission), by=by, to="retry", submission=submission)
    left, policy = _check(what_is_left(submission, reason, password), by)
    if phrase is not None:
        care.require_phrase([left], phrase)
    return _store(left, policy, by, as_id, call=call, origin=Origin(retry_of=submission))


def left_of(submission: Submission) -> list[SubmissionFile]:
    """The files that aren't known to have succeeded."""
    return [file for file in submission.files.all() if file.status != SubmissionFile.Status.SUCCEEDED]


def what_is_left(submission: Submission, reason: str, password: str | None) -> dict[str, Any]:
    """The request for another try, not checked yet; raises ``WrongState`` or ``Invalid`` when there can't be one.

    Its time window isn't carried over: it may have been what ended the first.
    """
    left = {file.file_id: file.label for file in left_of(submission)}
    if not left:
        raise WrongState("Every file of it is known to have succeeded, so there is nothing to submit again.")
    values = submission.document
    info = values["taskInfo"]
    info["fileInfo"] = [file for file in info["fileInfo"] if file["fileId"] in left]
    if values.pop("password", None) and not password:
        detail = "Give the archive's password again; the portal forgets it once it was sent."
        raise Invalid([Problem("/password", "password_required", detail)])
    labels = {file_id: label for file_id, label in left.items() if label}
    values |= {"labels": labels, "reason": reason, "reference": submission.reference}
    return values | ({"password": password} if password else {})


def _store(
    request: validators.Request,
    policy: InForce,
    by: Actor,
    as_id: uuid.UUID | None,
    *,
    origin: Origin,
    call: Call | None = None,
) -> Submission:
    pk = as_id or uuid.uuid4()
    try:
        # Storing it is one statement, and so a transaction by itself unless a budget is counted with it.
        with transaction.atomic() if policies.counts([request], by=by, policy=policy) else nullcontext():
            [applies] = policies.applies([request], by=by, policy=policy, counting=True)
            new = draft(request, by=by, as_id=pk, applies=applies, origin=origin)
            idempotency.claim_with(call, pk, lambda *claim: lifecycle.create_one(new, *claim, by=by))
            transaction.on_commit(lambda: tasks.nudge(new.submission), robust=True)
    except IntegrityError as error:
        if policies.has_changed(error):
            raise PolicyChanged from error
        first = Submission.objects.filter(pk=pk).first()
        if first is None:
            raise
        if _mark(first) != _mark(new.submission):
            raise AlreadySubmitted from None
        return get(pk)
    tracing.about(str(pk))
    return new.submission


def _mark(submission: Submission) -> tuple[object, ...]:
    """What a submission that is made once more under the same id has to have in common with the first one."""
    return submission.person_id, submission.request_sha256, submission.retry_of_id, submission.clone_of_id


def draft(
    request: validators.Request,
    *,
    by: Actor,
    as_id: uuid.UUID,
    applies: Applies,
    origin: Origin = NOWHERE,
    place: Place | None = None,
) -> New:
    """The submission of a valid request with all that belongs to it and what the policy asks, not stored yet."""
    submission = _row(request, by, as_id, applies, origin, place)
    numbers = place.lines if place and place.lines else range(len(request.files))
    files = [
        _new_file(
            submission_id=submission.pk, row=row, file_id=file.file_id, file_path=file.file_path, label=file.label
        )
        for row, file in zip(numbers, request.files, strict=True)
    ]
    return New(submission, files, request.password, _told(submission, request) | {"acknowledged": origin.acknowledged})


def _row(
    request: validators.Request,
    by: Actor,
    id_: uuid.UUID,
    applies: Applies,
    origin: Origin,
    place: Place | None,
) -> Submission:
    now = timezone.now()
    waits = applies.approvals > 0
    expires = min(filter(None, [now + applies.open_for, request.not_after])) if waits else None
    return _new_submission(
        id=id_,
        operation=request.operation.name,
        request=_ENCODER.encode(request.body),
        request_sha256=request.sha256,
        space=request.target,
        source_space=request.source,
        reason=request.reason,
        reference=request.reference,
        warnings=[warning.as_json() for warning in request.warnings],
        source=place.batch.source if place else source_of(by),
        **creator(by),
        creator_name=by.name,
        labels={file.file_id: file.label for file in request.files if file.label},
        retry_of_id=_key(origin.retry_of),
        clone_of_id=_key(origin.review.clone_of if origin.review else None),
        follows_id=_key(origin.review.follows if origin.review else None),
        batch_id=place.batch.pk if place else None,
        row=place.row if place else None,
        status=State.AWAITING_APPROVAL if waits else State.QUEUED,
        approvals_needed=applies.approvals,
        approval_rules=list(applies.why) or None,
        approval_expires_at=expires,
        due_at=expires or first_send(request.not_before, now),
        not_before=request.not_before,
        not_after=request.not_after,
        files_total=len(request.files),
        request_trace=tracing.trace(),
    )


def _key(submission: Submission | None) -> uuid.UUID | None:
    return submission.pk if submission else None


def source_of(by: Actor) -> Submission.Source:
    return Submission.Source.API if by.channel is Channel.API else Submission.Source.WEB


def creator(by: Actor) -> dict[str, int | None]:
    """The columns that say who submitted it and who answers for it."""
    is_person = by.token is None
    return {
        "person_id": by.key if is_person else None,
        "service_id": None if is_person else by.key,
        "token_id": by.token,
        "accountable_id": by.accountable,
    }


def first_send(not_before: datetime | None, now: datetime) -> datetime:
    """When a submission that is free to go may be sent."""
    return max(filter(None, [now, not_before]))


def _told(submission: Submission, request: validators.Request) -> dict[str, object]:
    """What the trail keeps of a new submission: all of it, but for the password."""
    return {
        "request": request.body,
        "requestSha256": submission.request_sha256,
        "labels": submission.labels or None,
        "reason": request.reason,
        "warnings": submission.warnings or None,
        "approvalsNeeded": submission.approvals_needed,
        "approvalRules": submission.approval_rules,
        "retryOf": submission.retry_of_id and str(submission.retry_of_id),
        "cloneOf": submission.clone_of_id and str(submission.clone_of_id),
        "follows": submission.follows_id and str(submission.follows_id),
        "notBefore": request.not_before and request.not_before.isoformat(),
        "notAfter": request.not_after and request.not_after.isoformat(),
    }
