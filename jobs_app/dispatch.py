"""The worker's way with one submission: claim it, send it, record what came back.

The claim is committed, with its audit event, before the connection is opened; the call is made outside any transaction
and never repeated; whatever isn't certainly unsent or certainly answered becomes ``unknown``.
"""

import json
import logging
import random
import secrets
import string
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, close_old_connections, transaction
from django.db.models.functions import Now
from django.utils import timezone

from . import canonical, encryption, lifecycle, pauses
from .actors import WORKER
from .audit import Action
from .errors import AuditUnavailable, WrongState
from .koodrive import answers
from .koodrive.answers import Kind, Outcome
from .koodrive.client import Client
from .models import Pause, Submission
from .states import State

log = logging.getLogger(__name__)

LEASE_MARGIN = 30  # seconds beyond the client's own deadline, after which a claim's holder is taken for lost
STORING_PATIENCE = 120  # seconds for which an outcome that can't be stored is tried again
LONGEST_BACKOFF = 300.0
FIRST_CHECK = timedelta(seconds=1)

# Why a submission goes back to the queue, and whether all others have to wait as well.
_RETURNED = {
    Kind.NOT_SENT: ("unreachable", None),
    Kind.NOT_EXECUTED: ("busy", None),
    Kind.UNAUTHORISED: (Pause.Cause.CREDENTIALS, Pause.Cause.CREDENTIALS),
    Kind.MISCONFIGURED: (Pause.Cause.ADDRESS, Pause.Cause.ADDRESS),
}


def send(submission_id: uuid.UUID, *, client: Client) -> None:
    """Sends the submission if it is due and nobody else has it; doing this again is harmless."""
    if pauses.current():
        return
    submission = Submission.objects.due(State.QUEUED).filter(pk=submission_id).first()
    if submission is None or _too_late(submission):
        return
    body = _body(submission)
    try:
        claim(submission, client=client)
    except WrongState:
        return  # Another worker took it.
    trace_id = submission.trace_id
    assert trace_id is not None
    answer = client.create(body, trace_id=trace_id)
    outcome = answers.of_create(answer, irreversible=submission.kind.irreversible)
    call = {"traceId": trace_id, "httpStatus": answer.status, "milliseconds": answer.milliseconds}
    _keep_trying(lambda: record_outcome(submission, outcome, call))


def lease() -> timedelta:
    deadline = settings.KOODRIVE_CONNECT_TIMEOUT + settings.KOODRIVE_READ_TIMEOUT
    return timedelta(seconds=deadline + LEASE_MARGIN)


def claim(submission: Submission, *, client: Client) -> None:
    """Takes a queued submission for this worker alone, and says so in the trail; raises ``WrongState``."""
    attempt = submission.attempts + 1
    trace_id = new_trace_id(submission.pk, attempt)
    lifecycle.move(
        submission,
        State.SENDING,
        by=WORKER,
        action=Action.SEND_INTENDED,
        changes={
            "attempts": attempt,
            "claim": uuid.uuid4(),
            "trace_id": trace_id,
            "sent_at": Now(),
            "due_at": Now() + lease(),
            "hold": "",
            "detail": "",
        },
        guard={"due_at__lte": Now()},
        attempt=attempt,
        requestSha256=submission.request_sha256,
        traceId=trace_id,
        credential=client.credential_id,
        address=client.base_url,
    )


def record_outcome(submission: Submission, outcome: Outcome, call: dict[str, Any]) -> None:
    """Stores what this claim's call came to, even when the claim was given up meanwhile: an answer beats a guess."""
    try:
        _move(submission, outcome, call)
    except WrongState:
        late = Submission.objects.filter(pk=submission.pk, claim=submission.claim, status=State.UNKNOWN).first()
        if late is None or outcome.kind is Kind.UNKNOWN:
            log.warning("submission %s was settled before its answer came: %s", submission.pk, outcome.detail)
            return
        _move(late, outcome, call)


def _move(submission: Submission, outcome: Outcome, call: dict[str, Any]) -> None:
    try:
        with transaction.atomic():
            _store(submission, outcome, call)
    except IntegrityError:
        # KooDrive gave a task id that belongs to another submission: nothing about this one is certain.
        detail = f"KooDrive answered with task {outcome.task_id}, which belongs to another submission."
        submission.refresh_from_db()
        _store(submission, Outcome(Kind.UNKNOWN, None, None, "", None, detail), call)


def _store(submission: Submission, outcome: Outcome, call: dict[str, Any]) -> None:
    result = {"code": outcome.code, "message": outcome.message} if outcome.code or outcome.message else None
    changes: dict[str, Any] = {"detail": outcome.detail}
    match outcome.kind:
        case Kind.ACCEPTED:
            state, action = State.ACCEPTED, Action.SEND_ACCEPTED
            changes |= {"task_id": outcome.task_id, "accepted_at": Now(), "due_at": Now() + FIRST_CHECK}
            changes |= {"outcome_basis": Submission.Basis.ANSWER, **_result(outcome)}
        case Kind.REFUSED:
            state, action = State.REFUSED, Action.SEND_REFUSED
            changes |= {"outcome_basis": Submission.Basis.ANSWER, **_result(outcome)}
        case Kind.UNKNOWN:
            state, action = State.UNKNOWN, Action.SEND_UNKNOWN
            changes |= {"due_at": None}
        case returned:
            state, action = State.QUEUED, Action.SEND_RETURNED
            hold, pause = _RETURNED[returned]
            wait = max(outcome.retry_after or 0.0, backoff(submission.attempts))
            changes |= {"hold": hold, "sent_at": None, "due_at": Now() + timedelta(seconds=wait)}
            if pause:
                pauses.begin(pause, outcome.detail, by=WORKER)
    lifecycle.move(
        submission,
        state,
        by=WORKER,
        action=action,
        changes=changes,
        guard={"claim": submission.claim},
        outcome="failed" if state is not State.ACCEPTED else "ok",
        task=outcome.task_id,
        result=result,
        detail=outcome.detail,
        **call,
    )


def _result(outcome: Outcome) -> dict[str, Any]:
    return {"result_code": outcome.code, "result_message": outcome.message}


def backoff(attempts: int) -> float:
    """Seconds to wait after so many attempts: twice as long each time, with full jitter, at least one."""
    return 1.0 + random.uniform(0.0, min(2.0 ** min(attempts, 16), LONGEST_BACKOFF))


def new_trace_id(submission_id: uuid.UUID, attempt: int) -> str:
    """58 characters that KooDrive logs: the submission's id, the attempt, and 20 random ones."""
    letters = string.ascii_letters + string.digits
    noise = "".join(secrets.choice(letters) for _ in range(20))
    return f"{submission_id.hex}_{attempt % 10_000:04d}_{noise}"


def give_up_lost_claims(limit: int = 200) -> None:
    """A claim whose lease is over was sent, or not: nobody knows, so it becomes ``unknown``."""
    for submission in Submission.objects.due(State.SENDING)[:limit]:
        detail = "The worker that was sending this ended before it recorded an answer."
        try:
            lifecycle.move(
                submission,
                State.UNKNOWN,
                by=WORKER,
                action=Action.SEND_UNKNOWN,
                changes={"detail": detail, "due_at": None},
                guard={"claim": submission.claim, "due_at__lte": Now()},
                outcome="failed",
                detail=detail,
                traceId=submission.trace_id,
            )
        except WrongState:
            continue  # Its answer came after all.


def _too_late(submission: Submission) -> bool:
    return submission.not_after is not None and submission.not_after <= timezone.now()


def _body(submission: Submission) -> dict[str, Any]:
    """The request as KooDrive gets it. Raises ValueError when it isn't the one whose hash was stored and approved."""
    body: dict[str, Any] = json.loads(submission.request)
    if canonical.sha256(body) != submission.request_sha256:
        raise ValueError(f"The stored request of submission {submission.pk} is not the one that was submitted.")
    if "password" in body:
        body["password"] = encryption.decrypt(bytes(submission.archive_password.ciphertext))
    return body


def _keep_trying(store: Callable[[], None]) -> None:
    """Calls ``store`` until the database takes it. The call to KooDrive is over; only its outcome must not be lost."""
    end = time.monotonic() + STORING_PATIENCE
    while True:
        try:
            return store()
        except (OperationalError, InterfaceError, AuditUnavailable):
            if time.monotonic() > end:
                raise
            log.exception("an outcome can't be stored; trying again")
            close_old_connections()
            time.sleep(1.0)
