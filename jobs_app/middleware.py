"""What every request goes through, whichever door it came to."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from . import audit, meters, moments, sessions, tracing
from .actors import Channel
from .audit import Action
from .models import User

_WELL_FORMED = re.compile(r"^[A-Za-z0-9._-]{8,128}$")
_OPEN_PATHS = ("/healthz", "/readyz", "/metrics", "/sign-in/", settings.STATIC_URL)
# What somebody without the second factor that they need may do: get it, or leave.
_FIRST_PATHS = (*_OPEN_PATHS, "/sign-out/", "/profile/")
_LENT = ", ".join(f"{name}=()" for name in ("camera", "geolocation", "microphone", "payment", "serial", "usb"))
_METHODS = ("GET", "HEAD", "POST", "OPTIONS")  # of pages
_KNOWN_METHODS = {*_METHODS, "PUT", "PATCH", "DELETE"}  # those of the REST API, too
_OWN_DOOR = "/api/"  # the REST API answers strangers itself

_SUBMISSION = re.compile(r"/(api/v1/)?(submissions|unknowns)/<uuid:pk>/")

Handler = Callable[[HttpRequest], HttpResponse]

traffic = logging.getLogger("jobs_app.traffic")


def request_id(get_response: Handler) -> Handler:
    """Gives every request an id and a trace, the caller's own if well formed, and says the id in the answer."""

    def handle(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        id_ = given if _WELL_FORMED.match(given) else uuid.uuid4().hex
        request.request_id = id_  # type: ignore[attr-defined]
        with tracing.at_work(request=id_, trace=tracing.trace_of(request.headers.get("traceparent", ""))):
            response = get_response(request)
        response["X-Request-ID"] = id_
        return response

    return handle


def measured(get_response: Handler) -> Handler:
    """Counts every answer and logs it: by its route, since an address may hold a secret."""

    def handle(request: HttpRequest) -> HttpResponse:
        began = time.monotonic()
        response = get_response(request)
        seconds = time.monotonic() - began
        match = request.resolver_match
        route = f"/{match.route}" if match else "none"
        method = request.method if request.method in _KNOWN_METHODS else "other"
        meters.count(meters.REQUESTS, route, method, f"{response.status_code // 100}xx")
        meters.observe(meters.REQUEST_SECONDS, seconds, route, method)
        if match and _SUBMISSION.match(route) and "submission" not in tracing.ids():
            tracing.about(str(match.kwargs["pk"]))
        traffic.info("%s %s: %d in %d ms", method, route, response.status_code, 1000 * seconds)
        return response

    return handle


def language_and_zone(get_response: Handler) -> Handler:
    """Pages speak the person's language, and show and take times in their zone; the REST API speaks English and UTC."""

    def handle(request: HttpRequest) -> HttpResponse:
        is_call = request.path.startswith(_OWN_DOOR)
        language = settings.LANGUAGE_CODE if is_call else _language(request)
        with translation.override(language), timezone.override(None if is_call else _zone(request)):
            response = get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or settings.LANGUAGE_CODE)
        if not is_call:
            patch_vary_headers(response, ["Accept-Language"])
        return response

    return handle


def _language(request: HttpRequest) -> str:
    """What the person set on their profile, else what was chosen by the button, else what the browser asks for."""
    person = _person(request)
    chosen = person.language if person else ""
    return chosen if chosen in dict(settings.LANGUAGES) else translation.get_language_from_request(request)


def _zone(request: HttpRequest) -> ZoneInfo | None:
    person = _person(request)
    return moments.zone(person.time_zone) if person else None


def _person(request: HttpRequest) -> User | None:
    """Who is signed in; whoever brings no session isn't asked for one."""
    is_persons = settings.SESSION_COOKIE_NAME in request.COOKIES
    return request.user if is_persons and isinstance(request.user, User) else None


def session_limits(get_response: Handler) -> Handler:
    """Ends a session that is too old, or in which nobody did anything for too long."""

    def handle(request: HttpRequest) -> HttpResponse:
        # Whoever brings no session isn't asked for one: a call with a token stays as cheap as it is.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            is_activity = "HX-Request" not in request.headers
            if why := sessions.expired(request, is_activity=is_activity):
                _end(request, why)
        return get_response(request)

    return handle


def _end(request: HttpRequest, why: str) -> None:
    with transaction.atomic():
        audit.record(Action.SESSION_ENDED, by=sessions.actor(request, Channel.WEB), why=why)
        logout(request)


def sign_in_required(get_response: Handler) -> Handler:
    """Sends whoever isn't signed in to the sign-in page: a page that nobody thought about is closed, not open."""

    def handle(request: HttpRequest) -> HttpResponse:
        if request.path.startswith((*_OPEN_PATHS, _OWN_DOOR)) or request.user.is_authenticated:
            return get_response(request)
        return redirect_to_login(request.get_full_path(), reverse(settings.LOGIN_URL))

    return handle


def second_factor_required(get_response: Handler) -> Handler:
    """Leads whoever needs a second factor and gave none to where they set it up, whatever they asked for."""

    def handle(request: HttpRequest) -> HttpResponse:
        is_first = request.path.startswith((*_FIRST_PATHS, _OWN_DOOR))
        if is_first or not request.user.is_authenticated or not sessions.lacks_second_factor(request):
            return get_response(request)
        return redirect("mfa_index")

    return handle


def hardened(get_response: Handler) -> Handler:
    """Has no browser and no proxy keep an answer, or lend its page anything that the portal doesn't use."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Cache-Control"] = "no-store, private"
        response["Permissions-Policy"] = _LENT
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    return handle


def known_methods(get_response: Handler) -> Handler:
    """A page is read, or takes a form: no view of one has to think of other methods."""

    def handle(request: HttpRequest) -> HttpResponse:
        if request.method in _METHODS or request.path.startswith(_OWN_DOOR):
            return get_response(request)
        return HttpResponseNotAllowed(_METHODS)

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
