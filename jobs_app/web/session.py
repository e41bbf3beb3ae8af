"""Signing in and out."""

from django.contrib import auth
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from .. import audit, identities, strangers
from ..audit import Action
from ..models import User
from .actor import actor_of


class SignIn(LoginView):
    template_name = "sign_in.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        audit.record(Action.SESSION_STARTED, by=actor_of(self.request))
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        if form.data.get("username") and form.data.get("password"):
            # Never the name as it was typed: people type their password there.
            person = User.objects.filter(username=form.cleaned_data.get("username", "")).first()
            strangers.note(strangers.Kind.SIGN_IN, identities.client_ip(self.request.META), person)
        return super().form_invalid(form)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    audit.record(Action.SESSION_ENDED, by=actor_of(request))
    auth.logout(request)
    return redirect("sign-in")
