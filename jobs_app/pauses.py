"""What holds back sending for everybody, and how it ends by itself."""

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from . import audit
from .actors import Actor
from .audit import Action
from .models import Pause, Submission
from .states import State


def current() -> Pause | None:
    return Pause.objects.order_by("since").first()


def begin(cause: Pause.Cause, detail: str, *, by: Actor) -> None:
    """Pauses all sending for this cause, unless it is paused for it already."""
    if Pause.objects.filter(cause=cause).exists():
        return
    try:
        with transaction.atomic():
            Pause.objects.create(cause=cause, detail=detail)
            audit.record(Action.DISPATCH_PAUSED, by=by, cause=cause, detail=detail)
    except IntegrityError:
        return  # Another worker saw the same at the same time.


def end(*, by: Actor) -> None:
    """Ends every pause, since a harmless call has just worked; what was held back for its cause is due at once."""
    with transaction.atomic():
        ended = list(Pause.objects.select_for_update().values_list("cause", flat=True))
        if not ended:
            return
        Pause.objects.filter(cause__in=ended).delete()
        Submission.objects.filter(status=State.QUEUED, hold__in=ended).update(due_at=Now())
        audit.record(Action.DISPATCH_RESUMED, by=by, causes=ended)
