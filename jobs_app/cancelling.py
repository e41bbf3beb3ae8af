"""Cancelling: at once what wasn't sent; for the rest the wish is kept, and the worker tells KooDrive."""

from django.db import transaction
from django.db.models.functions import Now

from . import audit, lifecycle, permissions, tasks
from .actors import Actor
from .audit import Action
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
        if current.state in _UNSENT:
            lifecycle.move(current, State.CANCELLED, by=by, action=Action.SUBMISSION_CANCELLED)
        elif current.cancel_requested_at is None:
            _wish(current, by)
    return Submission.objects.with_people().get(pk=submission.pk)


def _wish(submission: Submission, by: Actor) -> None:
    at_koodrive = submission.state in FOLLOWED
    due = {"due_at": Now()} if at_koodrive else {}
    Submission.objects.filter(pk=submission.pk).update(cancel_requested_at=Now(), updated_at=Now(), **due)
    audit.record(Action.CANCEL_REQUESTED, by=by, submission=submission, task=submission.task_id)
    if at_koodrive:
        transaction.on_commit(tasks.nudge_poll, robust=True)
