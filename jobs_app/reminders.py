"""Mail about tokens that end soon: to the owner and the contact of the service, each mail once."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from . import mail
from .models import ApiToken
from .models.services import ENDS_SOON

DAYS = (3, ENDS_SOON.days)  # before the end of a token


def remind() -> int:
    """Writes about each token whose turn it is; says how many mails went out.

    Mail that can't be sent is tried again at the next call. Two calls at the same time write to nobody twice.
    """
    if not settings.HAS_MAIL:
        return 0
    return sum(_remind(days) for days in DAYS)


def _remind(days: int) -> int:
    """Starting with the nearest day, so that a token whose end comes late to light gets one mail and not two."""
    due = Q(reminded=None) | Q(reminded__gt=days)
    ending = ApiToken.objects.ending(timezone.now(), timedelta(days=days)).filter(due)
    return sum(_write(pk, days, due) for pk in ending.values_list("pk", flat=True))


def _write(pk: int, days: int, due: Q) -> bool:
    """Takes the row first, so that of two one writes; no lock is held while the mail goes out.

    What can't be sent is given back.
    """
    token = ApiToken.objects.filter(due, pk=pk).select_related("service__owner").first()
    if token is None or not (to := _addresses(token)):
        return False
    if not ApiToken.objects.filter(pk=pk, reminded=token.reminded).update(reminded=days):
        return False
    if not _send(token, to):
        ApiToken.objects.filter(pk=pk, reminded=days).update(reminded=token.reminded)
        return False
    return True


def _addresses(token: ApiToken) -> list[str]:
    owner = token.service.owner
    found = [token.service.contact, owner.email if owner and owner.is_present else ""]
    return list(dict.fromkeys(filter(None, found)))


def _send(token: ApiToken, to: list[str]) -> bool:
    service, ends = token.service.name, f"{token.expires_at:%Y-%m-%d %H:%M} UTC"
    text = _(
        f"Token {token.pk} of the service {service} ends {ends}; calls with it get 401 from then on.\n\n"
        "The service can put another one in its place by itself (POST /api/v1/me/rotate-token/), or an administrator "
        f"does, at {settings.PORTAL_BASE_URL}{reverse('tokens')}\n"
    )
    subject = _(f"{settings.PORTAL_BASE_URL}: a token of {service} ends {token.expires_at:%Y-%m-%d}")
    return mail.tell(to, subject, text)
