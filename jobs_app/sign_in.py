"""A reset of somebody's sign-in: nothing that they had works any more, and a link lets them begin anew."""

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from . import audit, sessions
from .actors import Actor
from .audit import Action
from .errors import Gone
from .models import User

LINK_GONE = "This link was used, replaced by a newer one, or is older than a day; ask an administrator for another one."


def reset(person: User, *, by: Actor) -> str:
    """Takes password, second factors and links away and ends every session; gives a link to set a password by.

    The link works once, for a day, and not after the next reset. Whoever has it can sign in as the person, so it is
    shown once and kept nowhere. Whether ``by`` may do this is the caller's to decide.
    """
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=person.pk)
        take_away(locked, by=by)
        audit.record(Action.SIGN_IN_RESET, by=by, person=locked.ref)
    person.password = locked.password
    return link(locked)


def take_away(person: User, *, by: Actor) -> None:
    """Makes everything useless that the person signs in by; in the transaction, and with the event, of the caller."""
    person.set_unusable_password()
    person.save(update_fields=["password"])
    Authenticator.objects.filter(user=person).delete()
    SocialAccount.objects.filter(user=person).delete()
    sessions.end(person, by=by, why="reset")


def forget(person: User, *, using: str) -> None:
    """Removes whatever the person signed in by or from, with what it tells of them."""
    for rows in (Authenticator, UserSession, SocialAccount):
        rows.objects.using(using).filter(user_id=person.pk).delete()


def link(person: User) -> str:
    """The address by which the person sets a password once, within a day; another password or sign-in ends it."""
    uid, token = urlsafe_base64_encode(force_bytes(person.pk)), default_token_generator.make_token(person)
    return settings.PORTAL_BASE_URL + reverse("set-password", kwargs={"uidb64": uid, "token": token})


def is_valid(person: User, token: str) -> bool:
    """Whether the end of a link that the person was given may still be used."""
    return person.is_present and default_token_generator.check_token(person, token)


def set_password(person: User, token: str, password: str, *, by: Actor) -> None:
    """Uses a link up. Raises ``Gone`` when it was used meanwhile, ValidationError when the password is too weak."""
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=person.pk)
        if not is_valid(locked, token):
            raise Gone(LINK_GONE)
        change_password(locked, password, by=by)


def change_password(person: User, password: str, *, by: Actor) -> None:
    """Another password, which signs everybody out who signed in with the old one; ValidationError if it is too weak."""
    validate_password(password, person)
    person.set_password(password)
    with transaction.atomic():
        person.save(update_fields=["password"])
        audit.record(Action.PASSWORD_CHANGED, by=by, person=person.ref)
