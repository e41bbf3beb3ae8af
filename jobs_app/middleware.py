"""What every request goes through, whichever door it came to."""

import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

_WELL_FORMED = re.compile(r"^[A-Za-z0-9._-]{8,128}$")
# Whoever has a link to set their password can't sign in yet.
_OPEN_PATHS = ("/healthz", "/readyz", "/people/set-password/", settings.STATIC_URL)
_OWN_DOOR = "/api/"  # the REST API answers strangers itself

Handler = Callable[[HttpRequest], HttpResponse]


def request_id(get_response: Handler) -> Handler:
    """Gives every request an id, the caller's own if it is well formed, and says it in the answer."""

    def handle(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if _WELL_FORMED.match(given) else uuid.uuid4().hex  # type: ignore[attr-defined]
        response = get_response(request)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response

    return handle


def sign_in_required(get_response: Handler) -> Handler:
    """Sends whoever isn't signed in to the sign-in page: a page that nobody thought about is closed, not open."""

    def handle(request: HttpRequest) -> HttpResponse:
        is_open = request.path.startswith((*_OPEN_PATHS, _OWN_DOOR)) or request.path == reverse(settings.LOGIN_URL)
        if is_open or request.user.is_authenticated:
            return get_response(request)
        return redirect_to_login(request.get_full_path(), reverse(settings.LOGIN_URL))

    return handle


def quota_headers(get_response: Handler) -> Handler:
    """Says in the answer what is left of the caller's quota, whatever the answer is."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if quota := getattr(request, "quota", None):
            for name, value in quota.headers.items():
                response[name] = value
        return response

    return handle
