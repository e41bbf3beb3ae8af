"""What has to happen as time goes by, whether or not anybody or anything rings: found again from the rows alone."""

from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from . import (
    authority,
    clocks,
    departures,
    dispatch,
    idempotency,
    lifecycle,
    links,
    pauses,
    proposals,
    sessions,
    strangers,
)
from .actors import SWEEPER
from .audit import Action
from .callbacks import queue
from .errors import WrongState
from .koodrive.client import Client
from .models import ArchivePassword, Submission
from .notices import inbox
from .states import State
from .tracking import try_connection

PASSWORD_LIFE_IN_DOUBT = timedelta(hours=24)
AT_ONCE = 200


def sweep(*, client: Client) -> int:
    """Gives up lost claims, lets late work expire, tells of strangers, tries to end a pause, sets aside what is held.

    The result is how much is due to be sent.
    """
    dispatch.give_up_lost_claims()
    _expire()
    _give_back_late()
    _cancel_as_wished()
    links.delete_expired()
    idempotency.forget_old()
    proposals.expire()
    departures.note()
    sessions.forget_old()
    strangers.tell()
    queue.forget_old()
    inbox.forget_old()
    in_doubt = Q(submission__status=State.UNKNOWN, submission__updated_at__lt=Now() - PASSWORD_LIFE_IN_DOUBT)
    ArchivePassword.objects.filter(in_doubt).delete()
    if pauses.current():
        try_connection(client=client)
    if pauses.current():
        return 0
    pauses.set_aside()
    pauses.take_back()
    return Submission.objects.due(State.QUEUED)[:AT_ONCE].count()


def _cancel_as_wished() -> None:
    for submission in Submission.objects.filter(status=State.QUEUED, cancel_requested_at__isnull=False)[:AT_ONCE]:
        try:
            dispatch.give_in_to_wish(submission)
        except WrongState:
            continue  # Another sweep was faster.


def _give_back_late() -> None:
    """What waited for something else longer than its approvals hold."""
    late = Submission.objects.filter(clocks.run(), status=State.QUEUED, send_by__lte=Now())
    for submission in late[:AT_ONCE]:
        authority.give_back(submission, by=SWEEPER)


def _expire() -> None:
    unapproved = Q(status=State.AWAITING_APPROVAL, due_at__lte=Now()) & clocks.run()
    unsent = Q(status__in=[State.QUEUED, State.AWAITING_APPROVAL], not_after__lte=Now())
    for submission in Submission.objects.filter(unapproved | unsent)[:AT_ONCE]:
        try:
            lifecycle.move(submission, State.EXPIRED, by=SWEEPER, action=Action.SUBMISSION_EXPIRED, outcome="failed")
        except WrongState:
            continue  # Approved, sent or ended meanwhile.
