"""What has to happen as time goes by, whether or not anybody or anything rings: found again from the rows alone."""

from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from . import dispatch, lifecycle, pauses
from .actors import SWEEPER
from .audit import Action
from .errors import WrongState
from .koodrive.client import Client
from .models import ArchivePassword, Submission
from .states import State
from .tracking import try_connection

PASSWORD_LIFE_IN_DOUBT = timedelta(hours=24)
AT_ONCE = 200


def sweep(*, client: Client) -> list[Submission]:
    """Gives up lost claims, lets late work expire, tries to end a pause; the result is what is due to be sent."""
    dispatch.give_up_lost_claims()
    _expire()
    in_doubt = Q(submission__status=State.UNKNOWN, submission__updated_at__lt=Now() - PASSWORD_LIFE_IN_DOUBT)
    ArchivePassword.objects.filter(in_doubt).delete()
    if pauses.current():
        try_connection(client=client)
    return [] if pauses.current() else list(Submission.objects.due(State.QUEUED)[:AT_ONCE])


def _expire() -> None:
    unapproved = Q(status=State.AWAITING_APPROVAL, due_at__lte=Now())
    unsent = Q(status__in=[State.QUEUED, State.AWAITING_APPROVAL], not_after__lte=Now())
    for submission in Submission.objects.filter(unapproved | unsent)[:AT_ONCE]:
        try:
            lifecycle.move(submission, State.EXPIRED, by=SWEEPER, action=Action.SUBMISSION_EXPIRED, outcome="failed")
        except WrongState:
            continue  # Approved, sent or ended meanwhile.
