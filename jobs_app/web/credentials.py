"""The portal's sign-in to KooDrive, as administrators see and change it. A token goes in and never comes out."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from .. import connection, credentials, permissions
from ..errors import Invalid, Problem
from ..health import in_words
from ..models import Credential, Pause, Submission
from .actor import actor_of

SHOWN = 10


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("token")
def page(request: HttpRequest) -> HttpResponse:
    """What is in use; posted to, it puts another token to use."""
    by = actor_of(request)
    permissions.require(permissions.set_credentials(by), by=by, to="see credentials")
    if request.method == "GET":
        return _page(request, [])
    try:
        credentials.replace(request.POST.get("token", ""), reason=request.POST.get("reason", ""), by=by)
    except Invalid as error:
        return _page(request, list(error.problems))
    messages.success(request, _("The new token is in use; it is tried now, and a pause ends when it works."))
    return redirect("credentials")


def _page(request: HttpRequest, problems: list[Problem]) -> HttpResponse:
    in_use = connection.in_use()
    context = {
        "in_use": in_use,
        "age": in_words(timezone.now() - in_use.set_at) if in_use.set_at else "",
        "user": settings.KOODRIVE_USER_ID if in_use.is_signing else Submission.objects.koodrive_user(),
        "base_url": settings.KOODRIVE_BASE_URL,
        "paused": Pause.objects.filter(cause=Pause.Cause.CREDENTIALS).first(),
        "former": []
        if in_use.is_signing
        else Credential.objects.select_related("set_by").order_by("-pk")[1 : SHOWN + 1],
        "errors": {problem.pointer.strip("/"): [problem.detail] for problem in problems},
        "fields": {"values": {"reason": request.POST.get("reason", "")}},
    }
    return render(request, "credentials.html", context, status=400 if problems else 200)
