"""One's own sign-in: password, second factors, sessions. Every change needs a proof that is minutes old at most."""

from contextlib import suppress
from typing import Any, cast

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.adapter import get_adapter as second_factors
from allauth.mfa.base.views import IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import SetPasswordForm
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django.views.generic.edit import FormView
from django.views.i18n import set_language

from .. import audit, moments, people, preferences, sessions
from ..audit import Action
from ..errors import Invalid
from ..models import User
from ..notices import inbox
from . import again
from .actor import actor_of, forget_actor

_KINDS = {
    Authenticator.Type.TOTP: "authenticator app",
    Authenticator.Type.WEBAUTHN: "passkey",
    Authenticator.Type.RECOVERY_CODES: "recovery codes",
}


class Profile(IndexView):
    template_name = "profile.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs)
        user = cast(User, self.request.user)
        factors = found["authenticators"]
        codes = factors.get(Authenticator.Type.RECOVERY_CODES)
        return found | {
            "totp": factors.get(Authenticator.Type.TOTP),
            "passkeys": factors.get(Authenticator.Type.WEBAUTHN, []),
            "codes_left": len(codes.get_unused_codes()) if codes else None,
            "must_set_up": sessions.lacks_second_factor(self.request),
            "sessions": sessions.listed(user),
            "sso_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
            "is_linked": SocialAccount.objects.filter(user=user).exists(),
            "themes": User.Theme.choices,
            "languages": settings.LANGUAGES,
            "zones": dict.fromkeys([*moments.choices(), user.time_zone]),
            "choices": inbox.choices(user),
            "is_host_name": not self.request.get_host().partition(":")[0].replace(".", "").isdigit(),
        }


@require_POST
def display(request: HttpRequest) -> HttpResponse:
    """How one sees the portal. The language also goes into its cookie, for pages before signing in."""
    given = {name: request.POST.get(name, "") for name in ("theme", "language", "time_zone")}
    answer = redirect("mfa_index")
    try:
        preferences.choose(cast(User, request.user), **given)
    except Invalid as error:
        for problem in error.problems:
            messages.error(request, problem.detail)
        return answer
    if given["language"]:
        answer.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            given["language"],
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite=settings.LANGUAGE_COOKIE_SAMESITE,
        )
    else:
        answer.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    messages.success(request, _("Saved."))
    return answer


@require_POST
def language(request: HttpRequest) -> HttpResponseBase:
    """The button on every page: whoever is signed in has chosen it on their profile as well."""
    if isinstance(request.user, User):
        with suppress(Invalid):
            preferences.choose_language(request.user, request.POST.get("language", ""))
    return set_language(request)


@method_decorator(sensitive_post_parameters(), name="dispatch")
class ChangePassword(FormView):  # type: ignore[type-arg]
    """Another password; every other session of the person ends."""

    template_name = "sign_in/change_password.html"
    form_class = SetPasswordForm
    success_url = reverse_lazy("mfa_index")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not sessions.recently_proved(request):
            return again.ask(request)
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"user": self.request.user}

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        person, key = cast(User, self.request.user), self.request.session.session_key
        with transaction.atomic():
            people.change_password(person, form.cleaned_data["new_password1"], by=actor_of(self.request))
            sessions.end(person, by=actor_of(self.request), but=key, why="password")
        update_session_auth_hash(self.request, person)
        # The session goes on under another key, and is listed under it.
        UserSession.objects.create_from_request(self.request)
        messages.success(self.request, _("The password is changed; you are signed out everywhere else."))
        return super().form_valid(form)


class _Told:
    """A change of second factors and its event are stored together or not at all."""

    request: HttpRequest

    def tell(self, action: Action, kind: str, **details: Any) -> None:
        by = actor_of(self.request)
        audit.record(action, by=by, person=by.id, factor=_KINDS[Authenticator.Type(kind)], **details)


class _Adds(_Told):
    """Whoever sets a factor up has proved that they have it."""

    kind: str

    def form_valid(self, form: Form) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)  # type: ignore[misc]
            added = Authenticator.objects.filter(user=self.request.user, type=self.kind).latest("pk")
            self.tell(Action.SECOND_FACTOR_ADDED, self.kind, number=added.pk)
        record_authentication(self.request, self.request.user, "mfa", id=added.pk, type=self.kind)
        forget_actor(self.request)
        return response


class AddAuthenticator(_Adds, totp.ActivateTOTPView):
    template_name = "sign_in/authenticator.html"
    kind = Authenticator.Type.TOTP


class AddPasskey(_Adds, passkeys.AddWebAuthnView):
    template_name = "sign_in/passkey.html"
    kind = Authenticator.Type.WEBAUTHN

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # The library's own leaves a form with errors out.
        return super().get_context_data() | kwargs


class RemoveAuthenticator(_Told, totp.DeactivateTOTPView):
    template_name = "sign_in/remove_factor.html"

    def form_valid(self, form: Form) -> HttpResponse:
        with transaction.atomic():
            self.tell(Action.SECOND_FACTOR_REMOVED, Authenticator.Type.TOTP, number=self.authenticator.pk)
            return super().form_valid(form)


class RemovePasskey(_Told, passkeys.RemoveWebAuthnView):
    template_name = "sign_in/remove_factor.html"
    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: Form) -> HttpResponse:
        if not second_factors().can_delete_authenticator(self.object):
            messages.error(self.request, second_factors().error_messages["cannot_delete_authenticator"])
            return redirect("mfa_index")
        with transaction.atomic():
            self.tell(Action.SECOND_FACTOR_REMOVED, Authenticator.Type.WEBAUTHN, number=self.object.pk)
            return super().form_valid(form)


class RecoveryCodes(recovery.ViewRecoveryCodesView):
    """Shows them, once."""

    template_name = "sign_in/recovery_codes.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not Authenticator.objects.filter(user=request.user, type=Authenticator.Type.RECOVERY_CODES).exists():
            return redirect("mfa_index")
        return cast(HttpResponse, super().dispatch(request, *args, **kwargs))


class NewRecoveryCodes(_Told, recovery.GenerateRecoveryCodesView):
    template_name = "sign_in/recovery_codes_new.html"

    def form_valid(self, form: Form) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            self.tell(Action.RECOVERY_CODES_MADE, Authenticator.Type.RECOVERY_CODES)
        return response


@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Ends one of one's own sessions, or all but this one."""
    person, by, given = cast(User, request.user), actor_of(request), request.POST.get("session", "")
    only = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    if given and only is None:
        return redirect("mfa_index")
    count = sessions.end(person, by=by, but=request.session.session_key, only=only)
    messages.success(request, _("Ended: %d.") % count)
    return redirect("mfa_index")
