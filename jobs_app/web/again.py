"""Proving once more who one is, before what weighs most; afterwards it goes on with what was begun."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import suspend_request
from allauth.account.views import BaseReauthenticateView, ReauthenticateView
from allauth.mfa.base import views as codes
from allauth.mfa.webauthn import views as passkeys
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from .accounts import answer_to


def ask(request: HttpRequest) -> HttpResponse:
    """Leads there and, when it was proved, back: what was typed is done then, unless a secret was typed."""
    methods = get_adapter().get_reauthentication_methods(request.user)
    where = methods[0]["url"] if methods else reverse("mfa_index")
    if getattr(request, "sensitive_post_parameters", None):
        return redirect(f"{where}?{urlencode({'next': request.get_full_path()})}")
    return suspend_request(request, where)


class _Again(BaseReauthenticateView):
    template_name = "sign_in/again.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():
            form = self.get_form()
            if not form.is_valid():
                return self.form_invalid(form)
            self.proved(form)
        # Beyond the transaction: what was begun is done here, in transactions of its own.
        return BaseReauthenticateView.form_valid(self, form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # The library's own leaves a form with errors out.
        return super().get_context_data(**kwargs) | kwargs

    def proved(self, form: Any) -> None:
        form.save()

    def form_invalid(self, form: Form) -> HttpResponse:
        return answer_to(form, self.render_to_response(self.get_context_data(form=form)))


class Password(_Again, ReauthenticateView):
    """For whoever has no second factor."""

    def proved(self, form: Any) -> None:
        record_authentication(self.request, self.request.user, method="password", reauthenticated=True)


class Code(_Again, codes.ReauthenticateView):
    """By a code of an authenticator app, or a recovery code."""


class Passkey(_Again, passkeys.ReauthenticateWebAuthnView):
    """By a passkey."""
