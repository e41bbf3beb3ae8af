"""Asks KooDrive to stop a task that somebody wants cancelled. The task's own state tells whether it did."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from . import audit
from .actors import TRACKER
from .audit import Action, read
from .koodrive import answers
from .koodrive.answers import Kind, Outcome, ReadFailed
from .koodrive.client import Client
from .koodrive.exchange import Answer
from .models import Submission

MOST_TIMES = 3
CLAIM_MARGIN = 30  # seconds beyond the client's deadline, after which asking once more is taken to be needed

# KooDrive certainly never got the wish, so it doesn't count as asked.
_UNHEARD = {Kind.NOT_SENT, Kind.NOT_EXECUTED, Kind.UNAUTHORISED, Kind.MISCONFIGURED}


def ask(submission: Submission, *, client: Client) -> bool:
    """Asks, if the task is to be stopped and it isn't asked already; says whether KooDrive may have got the wish.

    Asking twice is harmless, so it is done again when no answer came or the task goes on regardless, three times in
    all. Raises ``ReadFailed`` when KooDrive can't be asked now; it is tried again at the next check.
    """
    if submission.cancel_requested_at is None or not _claim(submission, client):
        return False
    answer = client.cancel(submission.task_id or "")
    outcome = answers.of_cancel(answer)
    if outcome.kind in _UNHEARD:
        _release(submission)
        raise ReadFailed(outcome)
    with transaction.atomic():
        if answer.status is None:
            _release(submission)
        _tell(submission, answer, outcome)
    return True


def _claim(submission: Submission, client: Client) -> bool:
    """Committed before the call, so that several workers ask once. A claim that nothing came of lapses."""
    lapsed = Now() - timedelta(seconds=client.deadline + CLAIM_MARGIN)
    free = Q(cancel_asked_at=None) | Q(cancel_asked_at__lt=lapsed)
    open_ = Submission.objects.filter(free, pk=submission.pk, status=submission.status)
    return _times(submission) < MOST_TIMES and open_.update(cancel_asked_at=Now()) == 1


def _times(submission: Submission) -> int:
    events = [line.parsed["event"]["action"] for line in read.of_submission(submission.pk)]
    return events.count(Action.TASK_CANCEL_ASKED)


def _release(submission: Submission) -> None:
    Submission.objects.filter(pk=submission.pk).update(cancel_asked_at=None)


def _tell(submission: Submission, answer: Answer, outcome: Outcome) -> None:
    audit.record(
        Action.TASK_CANCEL_ASKED,
        by=TRACKER,
        submission=submission,
        outcome="ok" if outcome.kind is Kind.ACCEPTED else "failed",
        task=submission.task_id,
        httpStatus=answer.status,
        result={"code": outcome.code, "message": outcome.message},
        detail=outcome.detail,
        milliseconds=answer.milliseconds,
    )
