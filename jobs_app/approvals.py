"""What approvers do: decide about exactly the request they looked at, never about their own."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from . import audit, lifecycle, permissions, tasks
from .actors import Actor
from .audit import Action
from .errors import Invalid, Problem, RequestDiffers, WrongState
from .models import Approval, Submission
from .states import State
from .submissions import first_send


def approve(submission: Submission, *, by: Actor, request_sha256: str, comment: str = "") -> Submission:
    """Counts one approval; with the last one that is needed the submission is queued.

    Raises ``NotAllowed`` (also for one's own), ``RequestDiffers`` or ``WrongState``.
    """
    return _decide(submission, Approval.Decision.APPROVED, by, request_sha256, comment)


def reject(submission: Submission, *, by: Actor, request_sha256: str, comment: str = "") -> Submission:
    """Ends the submission for good. Raises what ``approve`` raises, and ``Invalid`` without a comment."""
    return _decide(submission, Approval.Decision.REJECTED, by, request_sha256, comment)


def _decide(
    submission: Submission, decision: Approval.Decision, by: Actor, request_sha256: str, comment: str
) -> Submission:
    permissions.require(permissions.decide(by, submission), by=by, to="decide", submission=submission)
    if decision is Approval.Decision.REJECTED and not comment.strip():
        raise Invalid([Problem("/comment", "required", "Say why you reject it.")])
    with transaction.atomic():
        current = Submission.objects.select_for_update(of=("self",)).get(pk=submission.pk)
        if current.state is not State.AWAITING_APPROVAL or current.due_at is None or current.due_at <= timezone.now():
            raise WrongState
        if request_sha256 != current.request_sha256:
            raise RequestDiffers
        _store(current, decision, by, comment.strip())
        _follow(current, decision, by, comment.strip())
    return Submission.objects.with_people().get(pk=submission.pk)


def _store(submission: Submission, decision: Approval.Decision, by: Actor, comment: str) -> None:
    try:
        with transaction.atomic():
            submission.approvals.create(
                by_id=by.key, decision=decision, comment=comment, request_sha256=submission.request_sha256
            )
    except IntegrityError as error:
        raise WrongState(
            "You have decided about this submission before; another approver has to decide now."
        ) from error


def _follow(submission: Submission, decision: Approval.Decision, by: Actor, comment: str) -> None:
    """Moves the submission on, as the decision says, or tells the trail of an approval that is not yet the last one."""
    said: dict[str, Any] = {"requestSha256": submission.request_sha256, "comment": comment or None}
    if decision is Approval.Decision.REJECTED:
        lifecycle.move(submission, State.REJECTED, by=by, action=Action.SUBMISSION_REJECTED, **said)
    elif submission.approvals.filter(decision=Approval.Decision.APPROVED).count() < submission.approvals_needed:
        audit.record(Action.SUBMISSION_APPROVED, by=by, submission=submission, **said)
    else:
        due = {"due_at": first_send(submission.not_before, timezone.now())}
        lifecycle.move(submission, State.QUEUED, by=by, action=Action.SUBMISSION_APPROVED, changes=due, **said)
        transaction.on_commit(lambda: tasks.nudge(submission), robust=True)
