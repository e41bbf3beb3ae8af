"""What approvers do: decide about exactly the request they looked at, never about their own."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, DateTimeField, ExpressionWrapper, F, Q, Value, prefetch_related_objects
from django.db.models.functions import Greatest, Now
from django.utils import timezone
from psycopg.errors import UniqueViolation

from . import audit, authority, clocks, lifecycle, permissions, policies, tasks
from .actors import Actor
from .audit import Action, Entry
from .errors import Invalid, NotAllowed, Problem, RequestDiffers, WrongState
from .models import Approval, Submission
from .operations import Use
from .states import State

Decision = Approval.Decision


def approve(submission: Submission, *, by: Actor, request_sha256: str, comment: str = "") -> Submission:
    """Counts one approval; with the last one that is needed the submission is queued.

    Raises ``NotAllowed`` (also for one's own), ``RequestDiffers`` or ``WrongState``.
    """
    return _decide(submission, Decision.APPROVED, by, request_sha256, comment)


def reject(submission: Submission, *, by: Actor, request_sha256: str, comment: str = "") -> Submission:
    """Ends the submission for good. Raises what ``approve`` raises, and ``Invalid`` without a comment."""
    return _decide(submission, Decision.REJECTED, by, request_sha256, comment)


def _decide(submission: Submission, decision: Decision, by: Actor, request_sha256: str, comment: str) -> Submission:
    permissions.require(permissions.decide(by, submission), by=by, to="decide", submission=submission, confirmed=True)
    said = comment_of(decision, comment)
    with transaction.atomic():
        current = Submission.objects.select_for_update(of=("self",)).get(pk=submission.pk)
        if not is_open(current):
            raise WrongState
        if request_sha256 != current.request_sha256:
            raise RequestDiffers
        carry_out([current], decision, by=by, comment=said)
    return Submission.objects.with_people().get(pk=submission.pk)


def comment_of(decision: Decision, comment: str) -> str:
    """The comment, trimmed; raises ``Invalid`` when a rejection has none."""
    if decision is Decision.REJECTED and not comment.strip():
        raise Invalid([Problem("/comment", "required", "Say why you reject it.")])
    return comment.strip()


def is_open(submission: Submission) -> bool:
    """Whether it waits for a decision and its time isn't over; while sending is paused, that stands still."""
    is_late = submission.due_at is None or submission.due_at <= timezone.now()
    return submission.state is State.AWAITING_APPROVAL and (not is_late or clocks.stand(submission))


def carry_out(
    rows: Sequence[Submission], decision: Decision, *, by: Actor, comment: str, batch_sha256: str | None = None
) -> None:
    """Stores one person's decision about open submissions that the caller has locked, each with its event.

    ``batch_sha256`` is the hash of the batch when it was one decision about all of them. Raises ``WrongState``.
    """
    _store(rows, decision, by, comment)

    def told(row: Submission) -> dict[str, Any]:
        said = {"comment": comment or None, "batchSha256": batch_sha256}
        return {"requestSha256": row.request_sha256, "destination": authority.destination(), **said}

    if decision is Decision.REJECTED:
        lifecycle.move_all(rows, State.REJECTED, by=by, action=Action.SUBMISSION_REJECTED, told=told)
        return
    given = Q(approvals__decision=Decision.APPROVED, approvals__superseded_at=None)
    counted = Submission.objects.filter(pk__in=[row.pk for row in rows]).annotate(
        given=Count("approvals", filter=given)
    )
    complete = set(counted.filter(given__gte=F("approvals_needed")).values_list("pk", flat=True))
    _queue([row for row in rows if row.pk in complete], by, told)
    waiting = [row for row in rows if row.pk not in complete]
    audit.record_all([Entry(Action.SUBMISSION_APPROVED, by, row, details=told(row)) for row in waiting])


def _store(rows: Sequence[Submission], decision: Decision, by: Actor, comment: str) -> None:
    goes_to = authority.destination()
    prefetch_related_objects(rows, "archive_password")
    made = [
        Approval(
            submission=row,
            by_id=by.key,
            decision=decision,
            comment=comment,
            request_sha256=row.request_sha256,
            destination=goes_to,
            password_mark=authority.password_mark(row) if row.kind.password is not Use.NO else "",
        )
        for row in rows
    ]
    try:
        with transaction.atomic():
            Approval.objects.bulk_create(made)
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            said = "You have decided about this submission before; another approver has to decide now."
            raise WrongState(said) from error
        # The database has the last word: a role or an owner has changed this moment.
        raise NotAllowed from error


def _queue(rows: Sequence[Submission], by: Actor, told: Callable[[Submission], dict[str, Any]]) -> None:
    due = Greatest("not_before", Now())  # PostgreSQL passes over a not_before that isn't set.
    within = policies.current().send_within
    until = ExpressionWrapper(due + Value(within), output_field=DateTimeField()) if within else None
    changes = {"due_at": due, "send_by": until, "clock_at": Now(), "detail": ""}
    lifecycle.move_all(rows, State.QUEUED, by=by, action=Action.SUBMISSION_APPROVED, changes=changes, told=told)
    if rows:
        transaction.on_commit(lambda: tasks.nudge(rows[0]), robust=True)
