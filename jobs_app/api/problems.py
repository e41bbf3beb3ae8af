"""Every error of the REST API in one shape: ``application/problem+json`` (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import set_rollback

from ..errors import Invalid, KeyBusy, NotAllowed, NotFound, PortalError, TooManyCalls
from .refusals import DatabaseAway, Unexpected, of_framework, status_of

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_SECONDS = 5
TYPE = "urn:koodrive-portal:problem:{}"
# What a caller repeats after Retry-After: these statuses, and these errors.
LATER, REPEATABLE = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS), (KeyBusy,)


def handler(error: Exception, context: dict[str, Any]) -> Response:
    """The answer for an exception that left a view; never a traceback."""
    set_rollback()
    request = context["request"]
    # Whatever the view answers with otherwise, and whatever the caller accepts.
    request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    own = _own(error)
    status = status_of(type(own))
    response = Response(document(own, request.path, request._request.request_id), status, content_type=CONTENT_TYPE)
    if status in LATER or isinstance(own, REPEATABLE):
        response["Retry-After"] = str(own.retry_after if isinstance(own, TooManyCalls) else RETRY_SECONDS)
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    return response


def document(error: PortalError, path: str, request_id: str) -> dict[str, Any]:
    """The problem as it is shown."""
    status = status_of(type(error))
    return {
        "type": TYPE.format(error.code),
        "title": status.phrase,
        "status": status.value,
        "detail": error.detail,
        "instance": path,
        "requestId": request_id,
        "errors": [problem.as_json() for problem in error.problems] if isinstance(error, Invalid) else [],
    }


def _own(error: Exception) -> PortalError:
    match error:
        case PortalError():
            return error
        case Http404():
            return NotFound()
        case PermissionDenied():
            return NotAllowed()
        case exceptions.APIException():
            return of_framework(error)
        case OperationalError() | InterfaceError():
            log.exception("the database failed a request")
            return DatabaseAway()
    log.error("a request failed", exc_info=error)
    return Unexpected()
