"""Signing in and out."""

from django.contrib import auth
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from .. import audit
from ..audit import Action
from .actor import actor_of


class SignIn(LoginView):
    template_name = "sign_in.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        audit.record(Action.SESSION_STARTED, by=actor_of(self.request))
        return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    audit.record(Action.SESSION_ENDED, by=actor_of(request))
    auth.logout(request)
    return redirect("sign-in")
