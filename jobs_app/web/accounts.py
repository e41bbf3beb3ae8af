"""How django-allauth, which signs people in, is bound to the portal: its trail, its throttle, its encryption."""

from http import HTTPStatus
from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import authentication_step_completed
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.dispatch import receiver
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import audit, encryption, identities, sessions, strangers
from ..attempts import Attempt
from ..audit import Action
from ..models import User
from . import devices
from .actor import actor_of, entering, forget_actor

# Whoever is refused this way is told for how many seconds.
WAIT = "wait"


class Accounts(DefaultAccountAdapter):
    """Signing in and out: throttled, and in the trail."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _("Name and password don't fit together; try again."),
        "incorrect_password": _("This is not your password; try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str) -> bool:
        """Only a place of the portal itself, whatever other hosts it answers to."""
        return bool(url) and url_has_allowed_host_and_scheme(
            url, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )

    def add_message(self, request: HttpRequest, level: int, *args: Any, message: str = "", **kwargs: Any) -> None:
        """The library's own texts say what the portal's pages say already."""
        if message:
            messages.add_message(request, level, message)

    def get_client_ip(self, request: HttpRequest) -> str:
        return identities.client_ip(request.META) or "::"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        self._attempt = attempt_of(request, credentials.get("username", ""))
        refuse_if_throttled(self._attempt)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        self._attempt.failed()
        # Never the name as it was typed: people type their password there.
        strangers.note(strangers.Kind.SIGN_IN, self._attempt.ip, self._attempt.person)

    def login(self, request: HttpRequest, user: User) -> None:
        with transaction.atomic():
            # Before the session is another one: without the event there is none.
            audit.record(Action.SESSION_STARTED, by=entering(request, user))
            super().login(request, user)
        forget_actor(request)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response = super().post_login(request, user, **kwargs)
        devices.remember(request, response, user)
        return cast(HttpResponse, response)

    def logout(self, request: HttpRequest) -> None:
        with transaction.atomic():
            audit.record(Action.SESSION_ENDED, by=actor_of(request))
            super().logout(request)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        return not sessions.recently_proved(self.request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, str]]:
        """Whoever has a second factor gives that one; a passkey is asked for first."""
        methods: list[dict[str, str]] = super().get_reauthentication_methods(user)
        factors = [method for method in methods if method["id"] != "reauthenticate"]
        if sessions.is_by_sso(self.request, user):
            methods = [{"id": "sso", "description": settings.OIDC_NAME, "url": reverse("sso-again")}]
        return sorted(factors, key=lambda method: method["id"] != "mfa_reauthenticate:webauthn") or methods


class SecondFactors(DefaultMFAAdapter):
    """Second factors: their secrets are encrypted at rest, and the last one of somebody who needs it stays."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This doesn't fit; try again with a new code, or another of your second factors."),
        "cannot_delete_authenticator": _("Your role needs a second factor; set another one up before you remove this."),
        "cannot_generate_recovery_codes": _("Recovery codes stand in for a second factor; set one up first."),
    }

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt(encrypted_text.encode())

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        person = cast(User, authenticator.user)
        others = Authenticator.objects.filter(user=person).exclude(pk=authenticator.pk)
        has_another = others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()
        return has_another or not sessions.needs_second_factor(person)

    def get_totp_label(self, user: User) -> str:
        return user.get_username()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return super().get_public_key_credential_rp_entity() | {"name": settings.MFA_TOTP_ISSUER}


def attempt_of(request: HttpRequest, name: str) -> Attempt:
    person = User.objects.filter(username=name).first() if "\0" not in name else None
    return Attempt(name, person, identities.client_ip(request.META), devices.known(request, person))


def refuse_if_throttled(attempt: Attempt) -> None:
    """Raises ValidationError with the code ``WAIT``, before anything is looked at that could be guessed."""
    if seconds := attempt.wait():
        ip = None if attempt.is_flood() else attempt.ip
        strangers.note(strangers.Kind.THROTTLED, ip, attempt.person)
        said = gettext("Too many tries failed; wait %d seconds, then try again.") % seconds
        raise ValidationError(said, code=WAIT, params={"seconds": seconds})


def answer_to(form: Form, response: HttpResponse) -> HttpResponse:
    """The answer to a form that was refused; 429 with the time to wait if it was throttled."""
    errors = [error for each in form.errors.values() for error in each.as_data()]
    for error in errors:
        if error.code == WAIT and error.params:
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
            response["Retry-After"] = str(error.params["seconds"])
    return response


@receiver(authentication_step_completed)
def tell_of_proof(request: HttpRequest, user: User, method: str, **details: Any) -> None:
    """Tells the trail of what weighs beside the sign-in itself; in the transaction of whoever records the proof."""
    if factor := getattr(request, "sso_factor", None):
        request.session[sessions.SSO_FACTOR] = factor
    forget_actor(request)
    by = entering(request, user)
    if details.get("type") == Authenticator.Type.RECOVERY_CODES:
        left = len(Authenticator.objects.get(pk=details["id"]).wrap().get_unused_codes())
        audit.record(Action.RECOVERY_CODE_USED, by=by, left=left)
    if details.get("reauthenticated"):
        audit.record(Action.SESSION_CONFIRMED, by=by)
