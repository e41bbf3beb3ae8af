"""Cancelling: at once what wasn't sent; for the rest the wish is kept, and the worker tells KooDrive."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models.functions import Now

from . import audit, lifecycle, permissions, tasks
from .actors import Actor
from .audit import Action, Entry
from .models import Submission
from .states import FOLLOWED, State

_UNSENT = (State.AWAITING_APPROVAL, State.QUEUED)


def cancel(submission: Submission, *, by: Actor) -> Submission:
    """The submission as it stands then: cancelled if nothing was sent, else with the wish, which is kept once.

    Raises ``NotAllowed``, ``SettleFirst`` while nobody knows whether KooDrive has it, or ``WrongState`` when it ended.
    """
    permissions.require(permissions.change(by, submission), by=by, to="cancel", submission=submission)
    with transaction.atomic():
        # Locked, so that no worker takes it between the look at its state and what that leads to.
        current = Submission.objects.select_for_update(of=("self",)).get(pk=submission.pk)
        if refusal := permissions.cancel(by, current):
            raise refusal
        stop([current], by=by)
    return Submission.objects.with_people().get(pk=submission.pk)


def stop(rows: Sequence[Submission], *, by: Actor) -> None:
    """Stops submissions that the caller has locked, that may be cancelled, and that he may cancel."""
    unsent = [row for row in rows if row.state in _UNSENT]
    lifecycle.move_all(unsent, State.CANCELLED, by=by, action=Action.SUBMISSION_CANCELLED)
    _wish([row for row in rows if row.state not in _UNSENT and row.cancel_requested_at is None], by)


def _wish(rows: Sequence[Submission], by: Actor) -> None:
    if not rows:
        return
    wished = Submission.objects.filter(pk__in=[row.pk for row in rows])
    wished.update(cancel_requested_at=Now(), updated_at=Now())
    audit.record_all([Entry(Action.CANCEL_REQUESTED, by, row, details={"task": row.task_id}) for row in rows])
    if wished.filter(status__in=FOLLOWED).update(due_at=Now()):
        transaction.on_commit(tasks.nudge_poll, robust=True)
