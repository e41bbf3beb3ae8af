"""The worker's way with a submission: claim it, send it, record what came back.

The claim is committed, with its audit event, before the connection is opened; the call is made outside any transaction
and never repeated; whatever isn't certainly unsent or certainly answered becomes ``unknown``.
"""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, InterfaceError, OperationalError, close_old_connections, transaction
from django.db.models.functions import Now

from . import audit, claiming, lifecycle, pauses, tracing, waits
from .actors import WORKER
from .audit import Action
from .claiming import Claim
from .errors import AuditUnavailable, WrongState
from .koodrive import answers
from .koodrive.answers import Kind, Outcome
from .koodrive.client import Client
from .lifecycle import Later, Move
from .models import Pause, Submission
from .states import State

log = logging.getLogger(__name__)
traffic = logging.getLogger("jobs_app.traffic")

STORING_PATIENCE = 120  # seconds for which an outcome that can't be stored is tried again
LONGEST_BACKOFF = 300.0
FIRST_CHECK = timedelta(seconds=1)
FIRST_LOOK = timedelta(seconds=10)  # KooDrive's list may not show a task at once

# Why a submission goes back to the queue, and whether all others have to wait as well.
_RETURNED = {
    Kind.NOT_SENT: ("unreachable", None),
    Kind.NOT_EXECUTED: ("busy", None),
    Kind.UNAUTHORISED: (Pause.Cause.CREDENTIALS, Pause.Cause.CREDENTIALS),
    Kind.MISCONFIGURED: (Pause.Cause.ADDRESS, Pause.Cause.ADDRESS),
}
_LOST = "The worker that was sending this ended before it recorded an answer."


def is_due(only: uuid.UUID | None = None) -> bool:
    """Whether anything, or this submission, waits to be sent now; what waits for its twin counts too."""
    due = Submission.objects.due(State.QUEUED)
    return (due.filter(pk=only) if only else due).exists()


def send(
    only: uuid.UUID | None = None, *, client: Client, may_go_on: Callable[[], bool] = lambda: False
) -> Outcome | None:
    """Sends the submission whose turn it is, or ``only`` this one, and says what it came to.

    None when it isn't due, another worker has it, or sending is paused: doing this again is harmless.
    ``may_go_on`` is asked after each call that made a task: if it says so, the next submission that is at hand is
    claimed as the outcome is stored, and sent as well. It must not wait for anything. What counts is the last outcome.
    """
    claim = claiming.take(client=client, only=only)
    outcome = None
    while claim:
        with tracing.at_work(**claim.submission.log_ids):
            outcome, claim = _send(claim, client, may_go_on)
    return outcome


def _send(claim: Claim, client: Client, may_go_on: Callable[[], bool]) -> tuple[Outcome, Claim | None]:
    submission = claim.submission
    trace_id = submission.trace_id
    assert trace_id is not None
    answer = client.create(claim.body, trace_id=trace_id, until=claim.until)
    outcome = _in_view_of_the_last_try(submission, answers.of_create(answer, irreversible=submission.kind.irreversible))
    call = {"traceId": trace_id, "httpStatus": answer.status, "milliseconds": answer.milliseconds}
    traffic.info("sent: %s, HTTP %s in %d ms", outcome.kind, answer.status, answer.milliseconds)
    if outcome.kind is Kind.ACCEPTED and may_go_on():
        try:
            if following := claiming.at_hand(client=client):
                both = _outcome(submission, outcome, call), claiming.move(following.submission, client=client)
                return outcome, following if _carried_out(*both) else None
        except Exception:
            # Whatever is wrong with the next one, or with both at once: this outcome must not be lost by it.
            log.info("an outcome is stored alone; the next submission is left to the next look", exc_info=True)
    _keep_trying(lambda: record_outcome(submission, outcome, call))
    return outcome, None


def _carried_out(outcome: Move, claim: Move) -> bool:
    """Stores the outcome and, in the same transaction, claims the next if it is free: whether it was. Or does nothing.

    One transaction in place of two is what keeps sixteen threads busy.
    """
    return len(lifecycle.carry_out(outcome, claim)) > 1


def _in_view_of_the_last_try(submission: Submission, outcome: Outcome) -> Outcome:
    """The address was in doubt because of this request and has proven good since: so it is the request that is barred.

    Otherwise one barred request would pause the sending of all others again and again.
    """
    if outcome.kind is Kind.MISCONFIGURED and submission.hold == Pause.Cause.ADDRESS:
        return replace(outcome, kind=Kind.UNKNOWN if submission.kind.irreversible else Kind.REFUSED)
    return outcome


def record_outcome(submission: Submission, outcome: Outcome, call: dict[str, Any]) -> None:
    """Stores what this claim's call came to, even when the claim was given up meanwhile: an answer beats a guess."""
    try:
        _move(submission, outcome, call)
    except WrongState:
        if outcome.kind is Kind.UNKNOWN:
            return  # It adds nothing to what is known.
        late = Submission.objects.get(pk=submission.pk)
        if late.claim == submission.claim and late.state is State.UNKNOWN:
            _move(late, outcome, call)
        elif outcome.task_id is None or outcome.task_id != late.task_id:
            _contradict(late, outcome, call)


def _move(submission: Submission, outcome: Outcome, call: dict[str, Any]) -> None:
    try:
        _store(submission, outcome, call)
    except IntegrityError:
        # KooDrive gave a task id that belongs to another submission: nothing about this one is certain.
        detail = f"KooDrive answered with task {outcome.task_id}, which belongs to another submission."
        submission.refresh_from_db()
        _store(submission, Outcome(Kind.UNKNOWN, None, None, "", None, detail), call)


def _store(submission: Submission, outcome: Outcome, call: dict[str, Any]) -> None:
    lifecycle.carry_out(_outcome(submission, outcome, call))
    if submission.state is State.QUEUED:
        give_in_to_wish(submission)  # If this worker ends before it, the sweep does it.


def _outcome(submission: Submission, outcome: Outcome, call: dict[str, Any]) -> Move:
    state, action, changes = _meaning(submission, outcome)
    told = {
        "task": outcome.task_id,
        "result": {"code": outcome.code, "message": outcome.message} if outcome.code or outcome.message else None,
        "detail": outcome.detail,
        **call,
    }
    return Move(
        submission,
        state,
        WORKER,
        action,
        {"hold": "", "detail": outcome.detail} | changes,
        {"claim": submission.claim},
        outcome="ok" if state is State.ACCEPTED else "failed",
        told=told,
    )


def _meaning(submission: Submission, outcome: Outcome) -> tuple[State, Action, dict[str, Any]]:
    answered = {
        "outcome_basis": Submission.Basis.ANSWER,
        "result_code": outcome.code,
        "result_message": outcome.message,
    }
    match outcome.kind:
        case Kind.ACCEPTED:
            taken = {"task_id": outcome.task_id, "accepted_at": Now(), "due_at": Later(FIRST_CHECK)}
            return State.ACCEPTED, Action.SEND_ACCEPTED, answered | taken
        case Kind.REFUSED:
            return State.REFUSED, Action.SEND_REFUSED, answered
        case Kind.UNKNOWN:
            return State.UNKNOWN, Action.SEND_UNKNOWN, {"due_at": Later(FIRST_LOOK)}
        case returned:
            hold, pause = _RETURNED[returned]
            if pause:
                pauses.begin(pause, outcome.detail, by=WORKER)
            wait = timedelta(
                seconds=max(outcome.retry_after or 0.0, waits.doubled(submission.attempts, longest=LONGEST_BACKOFF))
            )
            return State.QUEUED, Action.SEND_RETURNED, {"hold": hold, "sent_at": None, "due_at": Later(wait)}


def give_in_to_wish(submission: Submission) -> None:
    """Cancels a queued submission that somebody wanted to be cancelled while it was being sent."""
    if Submission.objects.filter(pk=submission.pk, cancel_requested_at__isnull=False).exists():
        lifecycle.move(submission, State.CANCELLED, by=WORKER, action=Action.SUBMISSION_CANCELLED)


def _contradict(submission: Submission, outcome: Outcome, call: dict[str, Any]) -> None:
    """KooDrive's own answer isn't what evidence or a person made of the doubt meanwhile."""
    conflict = f"KooDrive's answer came late and says otherwise: {outcome.detail} Look into KooDrive what is true."
    log.error("submission %s: %s", submission.pk, conflict)
    with transaction.atomic():
        Submission.objects.filter(pk=submission.pk).update(conflict=conflict)
        audit.record(
            Action.SEND_CONTRADICTED,
            by=WORKER,
            submission=submission,
            outcome="failed",
            task=outcome.task_id,
            bound=submission.task_id,
            detail=outcome.detail,
            **call,
        )


def give_up_lost_claims(limit: int = 200) -> None:
    """A claim whose lease is over was sent, or not: nobody knows, so it becomes ``unknown``."""
    for submission in Submission.objects.due(State.SENDING)[:limit]:
        try:
            lifecycle.move(
                submission,
                State.UNKNOWN,
                by=WORKER,
                action=Action.SEND_UNKNOWN,
                changes={"detail": _LOST, "due_at": Later(FIRST_LOOK)},
                guard={"claim": submission.claim, "due_at__lte": Now()},
                outcome="failed",
                detail=_LOST,
                traceId=submission.trace_id,
            )
        except WrongState:
            continue  # Its answer came after all.


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
