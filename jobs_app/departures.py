"""People whose last day comes or is over: mail beforehand, each once, and an event when it is over."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from . import proposals
from .actors import SWEEPER
from .audit import Action, Entry, record_with
from .models import User

DAYS = (3, 14)  # before the last day; the nearest first, so that one that comes late to light gets one mail
_NOTE = "UPDATE jobs_app_user SET reminded = 0 WHERE id = %s AND last_day = %s AND reminded IS DISTINCT FROM 0"


def note() -> None:
    """Tells the trail and the overseers of each last day that is over, once."""
    over = User.objects.filter(is_active=True, last_day__lt=timezone.now().date())
    for person in over.filter(Q(reminded=None) | Q(reminded__gt=0)):
        details = {"person": person.ref, "lastDay": person.last_day and person.last_day.isoformat()}
        if record_with(_NOTE, [person.pk, person.last_day], Entry(Action.PERSON_ENDED, SWEEPER, details=details)):
            _tell(person, _("is over: they can't sign in, and their roles count for nothing."))


def remind() -> int:
    """Writes to the overseers about each last day that is near; says about how many.

    Mail that can't be sent is tried again at the next call. Two calls at the same time write about nobody twice.
    """
    return sum(_remind(days) for days in DAYS) if settings.HAS_MAIL else 0


def _remind(days: int) -> int:
    due = Q(reminded=None) | Q(reminded__gt=days)
    ending = User.objects.present().filter(due, last_day__lte=timezone.now().date() + timedelta(days=days))
    return sum(_write(person, days) for person in ending)


def _write(person: User, days: int) -> bool:
    """Takes the row first, so that of two one writes; what can't be sent is given back."""
    row = User.objects.filter(pk=person.pk, last_day=person.last_day)
    if not row.filter(reminded=person.reminded).update(reminded=days):
        return False
    if not _tell(person, _("comes soon; afterwards they can't sign in, and their roles count for nothing.")):
        row.filter(reminded=days).update(reminded=person.reminded)
        return False
    return True


def _tell(person: User, what: str) -> bool:
    services = ", ".join(person.services.order_by("name").values_list("name", flat=True))
    stops = _(f"Their services, which stop then unless somebody else gets to own them: {services}")
    owned = f"{stops}\n" if services else ""
    page = f"{settings.PORTAL_BASE_URL}{reverse('person', args=[person.pk])}"
    text = _(f"The last day of {person.get_username()}, {person.last_day} (UTC), {what}")
    subject = _(f"{settings.PORTAL_BASE_URL}: the last day of {person.get_username()}")
    return proposals.tell_overseers(subject, f"{text}\n{owned}\n{page}\n")
