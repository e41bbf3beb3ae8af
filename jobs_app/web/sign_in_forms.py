"""What people type or touch to prove who they are, at the sign-in and when they confirm it later."""

from typing import Any, cast

from allauth.account.forms import LoginForm
from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm, ReauthenticateWebAuthnForm
from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .. import passwords, strangers
from ..attempts import Attempt
from ..models import User
from . import accounts

# A code of an app is right for three periods of half a minute, and must work once in all of them.
_CODE_LIVES = 120


class SignInForm(LoginForm):
    """Name and password; which of the two is wrong is not said."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].max_length = passwords.LONGEST

    def add_prefix(self, field_name: str) -> str:
        return "username" if field_name == "login" else str(super().add_prefix(field_name))


class _Throttled(forms.Form):
    """A second factor that can be guessed is throttled as a password is."""

    user: User

    def attempt(self) -> Attempt:
        attempt = accounts.attempt_of(context.request, self.user.get_username())
        accounts.refuse_if_throttled(attempt)
        return attempt

    def failed(self, attempt: Attempt) -> None:
        attempt.failed()
        strangers.note(strangers.Kind.FACTOR, attempt.ip, self.user)


class _Code(_Throttled):
    authenticator: Authenticator

    def clean_code(self) -> str:
        attempt = self.attempt()
        try:
            code = cast(str, super().clean_code())  # type: ignore[misc]
            self._use_up(code)
        except ValidationError:
            self.failed(attempt)
            raise
        return code

    def _use_up(self, code: str) -> None:
        """A recovery code is used up by itself."""
        if self.authenticator.type == Authenticator.Type.TOTP:
            key = f"code:{self.authenticator.pk}:{normalize_user_code(code)}"
            if not cache.add(key, "", timeout=_CODE_LIVES):
                raise ValidationError(_("This code was used already; wait for the next one."), code="used")


class CodeForm(_Code, AuthenticateForm):
    """A code of an authenticator app, or a recovery code."""


class CodeAgainForm(_Code, ReauthenticateForm):
    """The same, of somebody who is signed in."""


class _Passkey(_Throttled):
    def clean_credential(self) -> Authenticator:
        attempt = self.attempt()
        try:
            return super().clean_credential()  # type: ignore[misc]
        except ValidationError:
            self.failed(attempt)
            raise


class PasskeyForm(_Passkey, AuthenticateWebAuthnForm):
    """A passkey's answer."""


class PasskeyAgainForm(_Passkey, ReauthenticateWebAuthnForm):
    """The same, of somebody who is signed in."""
