"""What people decide about a submission whose outcome is unknown: which task it is, or that nobody can tell."""

import re

from django.db import IntegrityError
from django.db.models.functions import Now

from . import evidence, lifecycle, permissions, tasks
from .actors import Actor
from .audit import Action
from .documents import LONGEST_TEXT, Reader
from .errors import Invalid, TaskTaken, WrongState
from .models import Submission
from .states import State

_TASK_ID = re.compile(r"[0-9]{1,19}")


def bind(submission: Submission, *, task_id: str, reason: str, by: Actor) -> Submission:
    """Says that this task in KooDrive is the submission's; it is followed to its end from now on.

    Any task may be named, also one that the portal did not find. Raises ``NotAllowed``, ``Invalid``, ``WrongState`` or,
    when the task is another submission's, ``TaskTaken``.
    """
    _require(by, submission)
    said = _checked(reason, task_id)
    found = evidence.candidate_of(submission, task_id)
    changes = {
        "task_id": task_id,
        "task_user": found["userId"] if found else None,
        "outcome_basis": Submission.Basis.PERSON,
        "accepted_at": Now(),
        "due_at": Now(),
    }
    try:
        lifecycle.move(
            submission,
            State.ACCEPTED,
            by=by,
            action=Action.DOUBT_BOUND,
            changes=changes,
            reason=said,
            task=task_id,
            evidence=found,
        )
    except IntegrityError as error:
        if Submission.objects.filter(task_id=task_id).exists():
            raise TaskTaken from error
        raise
    return _settled(submission)


def close(submission: Submission, *, reason: str, by: Actor) -> Submission:
    """Ends the submission without certainty. Raises ``NotAllowed``, ``Invalid`` or ``WrongState``."""
    _require(by, submission)
    lifecycle.move(
        submission,
        State.CLOSED,
        by=by,
        action=Action.DOUBT_CLOSED,
        changes={"outcome_basis": Submission.Basis.PERSON},
        reason=_checked(reason),
        evidence=evidence.summary(submission),
    )
    return _settled(submission)


def look_again(submission: Submission, *, by: Actor) -> None:
    """Has the worker look into KooDrive once more, soon. Raises ``NotAllowed`` or ``WrongState``."""
    _require(by, submission)
    if not Submission.objects.filter(pk=submission.pk, status=State.UNKNOWN).update(due_at=Now()):
        raise WrongState


def _require(by: Actor, submission: Submission) -> None:
    permissions.require(permissions.settle(by, submission), by=by, to="settle", submission=submission)


def _checked(reason: str, task_id: str | None = None) -> str:
    """The reason without white space around it; raises ``Invalid`` with everything that is wrong."""
    reader = Reader()
    said = reader.text({"reason": reason}, "reason", "", longest=LONGEST_TEXT)
    if task_id is not None and not _TASK_ID.fullmatch(task_id):
        reader.add("/taskId", "wrong_format", "Give the task's id as KooDrive shows it: 1 to 19 digits.")
    if reader.problems:
        raise Invalid(reader.problems)
    return (said or "").strip()


def _settled(submission: Submission) -> Submission:
    """The submission as it stands now; the oldest one of the same content, which had to wait for it, is woken."""
    twin = Submission.objects.due(State.QUEUED).filter(request_sha256=submission.request_sha256).first()
    if twin:
        tasks.nudge(twin)
    return Submission.objects.with_people().get(pk=submission.pk)
