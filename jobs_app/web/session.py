"""Signing in, by password and second factor; signing out; setting a password by a link."""

from typing import Any, cast

from allauth.account.views import LoginView, LogoutView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from .. import identities, sign_in, strangers
from ..models import User
from .accounts import answer_to
from .actor import entering


class SignIn(LoginView):
    template_name = "sign_in.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        sso_name = settings.OIDC_NAME if settings.OIDC_ISSUER else ""
        return super().get_context_data(**kwargs) | {"sso_name": sso_name}

    def form_invalid(self, form: Form) -> HttpResponse:
        malformed = form.errors.keys() - {"__all__"}
        if malformed and form.data.get("username") and form.data.get("password"):
            strangers.note(strangers.Kind.SIGN_IN, identities.client_ip(self.request.META))
        return answer_to(form, super().form_invalid(form))


class SecondStep(AuthenticateView):
    """Asks for the second factor after the right password; nothing is open before it was given."""

    template_name = "sign_in/second_step.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        passkeys = Authenticator.objects.filter(user=self.stage.login.user, type=Authenticator.Type.WEBAUTHN)
        return super().get_context_data(**kwargs) | {"has_passkey": passkeys.exists()}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "cancel" in request.POST:
            return self.stage.abort()
        with transaction.atomic():
            return super().post(request, *args, **kwargs)

    def form_invalid(self, form: Form) -> HttpResponse:
        return answer_to(form, super().form_invalid(form))


class SignOut(LogoutView):
    http_method_names = ["post"]


class SetPassword(PasswordResetConfirmView):
    """Where the link of a reset leads; it is used up by the password that is set."""

    template_name = "sign_in/set_password.html"
    success_url = reverse_lazy("account_login")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"gone": sign_in.LINK_GONE}

    def get_user(self, uidb64: str) -> User | None:
        user = super().get_user(uidb64)
        return user if isinstance(user, User) and user.is_present else None

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        person = cast(User, self.user)
        token = self.request.session.pop(INTERNAL_RESET_SESSION_TOKEN, "")
        by = entering(self.request, person, "link")
        sign_in.set_password(person, token, form.cleaned_data["new_password1"], by=by)
        messages.success(self.request, _("The password is set; sign in with it."))
        return redirect(self.get_success_url())
