"""People whose last day is over: an event of the trail for each, once."""

from django.db.models import F
from django.utils import timezone

from .actors import SWEEPER
from .audit import Action, Entry, record_with
from .models import User

_NOTE = (
    "UPDATE jobs_app_user SET ended_day = last_day "
    "WHERE id = %s AND last_day = %s AND ended_day IS DISTINCT FROM last_day"
)


def note() -> None:
    """Tells the trail of each last day that is over, once."""
    over = User.objects.filter(is_active=True, last_day__lt=timezone.now().date())
    for person in over.exclude(ended_day=F("last_day"), ended_day__isnull=False):
        details = {"person": person.ref, "lastDay": person.last_day and person.last_day.isoformat()}
        record_with(_NOTE, [person.pk, person.last_day], Entry(Action.PERSON_ENDED, SWEEPER, details=details))
