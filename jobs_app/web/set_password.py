"""Setting one's own password by the link that an administrator had made; nobody else ever knows it."""

from dataclasses import replace

from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from .. import identities, people
from ..actors import Channel
from ..models import User


class SetPassword(PasswordResetConfirmView):
    """The link moves into the session at once, so that the address that is shown can be used by nobody."""

    template_name = "set_password.html"

    def get_user(self, uidb64: str) -> User | None:
        person = super().get_user(uidb64)
        return person if isinstance(person, User) and person.is_present else None

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        person, ip = form.user, identities.client_ip(self.request.META)
        request_id = str(self.request.request_id)  # type: ignore[attr-defined]
        by = replace(identities.person(person, channel=Channel.WEB, ip=ip, request_id=request_id), auth="link")
        people.change_password(person, form.cleaned_data["new_password1"], by=by)
        del self.request.session[INTERNAL_RESET_SESSION_TOKEN]
        messages.success(self.request, _("Your password is set; sign in with it."))
        return redirect("sign-in")
