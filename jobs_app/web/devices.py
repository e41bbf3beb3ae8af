"""With which browser somebody signed in before: a signed cookie, so that strangers' failures don't keep them out."""

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from ..models import User

_SALT = "portal.device"
_SECONDS = 180 * 24 * 60 * 60
_MOST_PEOPLE = 8


def known(request: HttpRequest, person: User | None) -> str | None:
    """What stands for this browser, if this person has signed in with it; else None."""
    device = _read(request)
    return device["id"] if person and device and person.pk in device["people"] else None


def remember(request: HttpRequest, response: HttpResponse, person: User) -> None:
    device = _read(request) or {"id": secrets.token_urlsafe(16), "people": []}
    others = [each for each in device["people"] if each != person.pk]
    device["people"] = [person.pk, *others][:_MOST_PEOPLE]
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(device, salt=_SALT),
        max_age=_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> dict[str, Any] | None:
    try:
        device: dict[str, Any] = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=_SALT, max_age=_SECONDS
        )
    except signing.BadSignature:
        return None
    return device
