"""What holds back sending for everybody: a machine's pause ends by itself, a person's when an administrator says so.

Several causes may stand at the same time; sending goes on when none is left.
"""

from collections.abc import Collection
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, Min, Value, When
from django.db.models.functions import Now
from django.utils.translation import gettext_noop as _

from . import audit, clocks, permissions, pulse, validators
from .actors import Actor
from .audit import Action
from .errors import WrongState
from .models import Pause, Submission
from .states import State

HOW_IT_ENDS: dict[str, str] = {
    Pause.Cause.PERSON: _("An administrator ends it, on the health page."),
    Pause.Cause.CREDENTIALS: _(
        "It ends by itself once KooDrive accepts a call; an administrator may have to set another token."
    ),
    Pause.Cause.ADDRESS: _("It ends by itself once KooDrive's jobs API answers at its address."),
    Pause.Cause.UNREACHABLE: _("It ends by itself once KooDrive answers again."),
}
_PERSONS_FIRST = Case(When(cause=Pause.Cause.PERSON, then=Value(0)), default=Value(1))


def current() -> Pause | None:
    """The pause to show where there is room for one: a person's before any machine's, then the oldest."""
    return next(iter(all_current()), None)


def all_current() -> list[Pause]:
    """Every cause for which nothing is sent, the one to show first at the beginning."""
    return list(Pause.objects.select_related("by").order_by(_PERSONS_FIRST, "since"))


def begin(cause: Pause.Cause, detail: str, *, by: Actor) -> None:
    """Pauses all sending for this cause, unless it is paused for it already."""
    _begin(Pause(cause=cause, detail=detail), by=by, detail=detail)


def end(*, by: Actor) -> None:
    """Ends what a harmless call that has just worked disproves: every pause but a person's."""
    with transaction.atomic():
        ended = list(
            Pause.objects.select_for_update().exclude(cause=Pause.Cause.PERSON).values_list("cause", flat=True)
        )
        if ended:
            _end(ended, by=by)


def stop(reason: str, *, by: Actor) -> None:
    """Pauses all sending until an administrator resumes it.

    Raises ``NotAllowed``, ``Invalid`` without a reason, or ``WrongState`` when a person has paused it already.
    """
    permissions.require(permissions.pause(by), by=by, to="pause sending")
    said = validators.reason(reason)
    if not _begin(Pause(cause=Pause.Cause.PERSON, detail=said, by_id=by.key), by=by, reason=said):
        raise WrongState("Sending is paused by a person already, so nothing has changed; see who and why.")


def resume(*, by: Actor, reason: str) -> None:
    """Ends a person's pause; other causes stay until they are gone.

    Raises ``NotAllowed``, ``Invalid`` without a reason, or ``WrongState`` when no person has paused it.
    """
    permissions.require(permissions.resume(by), by=by, to="resume sending")
    said = validators.reason(reason)
    with transaction.atomic():
        if not Pause.objects.select_for_update().filter(cause=Pause.Cause.PERSON).exists():
            raise WrongState("No person has paused sending, so there is nothing to resume.")
        _end([Pause.Cause.PERSON], by=by, reason=said)


def _begin(pause: Pause, *, by: Actor, **told: Any) -> bool:
    """Stores the pause with its event; False when its cause stands already."""
    if Pause.objects.filter(cause=pause.cause).exists():
        return False
    try:
        with transaction.atomic():
            pause.save(force_insert=True)
            audit.record(Action.DISPATCH_PAUSED, by=by, cause=pause.cause, **told)
    except IntegrityError:
        return False  # Somebody else saw, or wanted, the same at the same time.
    return True


def _end(causes: Collection[str], *, by: Actor, **told: Any) -> None:
    """Removes the pauses with the event; what was held back for their causes is due at once, and the clocks go on."""
    ended = Pause.objects.filter(cause__in=causes)
    clocks.go_on(ended.aggregate(first=Min("since"))["first"])
    ended.delete()
    Submission.objects.filter(status=State.QUEUED, hold__in=causes).update(due_at=Now())
    pulse.beat("resumed")
    audit.record(Action.DISPATCH_RESUMED, by=by, causes=causes, **told)
