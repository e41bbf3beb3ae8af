"""Links by which people set their own password, so that no administrator ever knows one.

A link works once and for a day: it hangs on the password, the last sign-in and the address, so any change ends it.
"""

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from . import audit, mail, sign_in
from .actors import Actor
from .audit import Action
from .errors import WrongState
from .models import User
from .models.people import COUNTS_AFTER

HOURS = settings.PASSWORD_RESET_TIMEOUT // 3600


def invite(person: User, *, by: Actor) -> str:
    """Makes a link for somebody without a password, with its event, and mails it to them.

    Where that can't be done the answer is the link, to be handed over; else it is empty. An approver's or
    administrator's goes by mail alone. Raises ``WrongState`` with what stands in the way.
    """
    if person.has_usable_password():
        raise WrongState("They have a password; reset the sign-in first if they can't use it.")
    check_reachable(person)
    link = sign_in.link(person)
    if settings.HAS_MAIL and person.email:
        _record(person, by, "mail")
        if _mail(person, link):
            return ""
        if person.is_guarded:
            raise WrongState("The mail could not be sent just now; try again, or see to the mail server.")
    _record(person, by, "shown")
    return link


def _record(person: User, by: Actor, way: str) -> None:
    """Before the link gets to anybody: whether an administrator was to see it is what matters later."""
    with transaction.atomic():
        User.objects.filter(pk=person.pk).update(invited_at=timezone.now(), invited_by=by.key)
        audit.record(Action.SIGN_IN_INVITED, by=by, person=person.ref, way=way)


def check_reachable(person: User) -> None:
    """Raises ``WrongState`` if this is an approver or administrator to whom no link can be mailed, or not yet."""
    if not person.is_guarded:
        return
    if not (settings.HAS_MAIL and person.email):
        raise WrongState(
            "The link of an approver or administrator goes by mail alone, and there is no mail server or no address; "
            "set it, or use changepassword on the server."
        )
    start = person.email_since and person.email_since + COUNTS_AFTER
    if start and start > timezone.now() and not settings.IS_DEMO:
        raise WrongState(
            f"The address was changed a short while ago, so a link goes to it from {start:%Y-%m-%d %H:%M} UTC; until "
            "then use changepassword on the server."
        )


def _mail(person: User, link: str) -> bool:
    text = (
        f"An administrator of {settings.PORTAL_BASE_URL} lets you set your password. Your name there is "
        f"{person.get_username()}.\n\n{link}\n\nThe link works once, within {HOURS} hours. "
        "If you didn't expect it, tell your administrators.\n"
    )
    return mail.tell(person.email, _(f"{settings.PORTAL_BASE_URL}: set your password"), text)
