"""Every error of the REST API in one shape: ``application/problem+json`` (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from ..errors import (
    AlreadySubmitted,
    AuditUnavailable,
    Gone,
    Invalid,
    KeyBusy,
    KeyReused,
    NotAllowed,
    NotFound,
    PortalError,
    Reauthenticate,
    RequestDiffers,
    SecondFactorNeeded,
    TooLarge,
    TooManyCalls,
    TooManyWaiting,
    UnreadableLine,
    WrongState,
)

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_SECONDS = "5"
_LATER = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)

_STATUS: dict[type[PortalError], HTTPStatus] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    NotAllowed: HTTPStatus.FORBIDDEN,
    Reauthenticate: HTTPStatus.FORBIDDEN,
    SecondFactorNeeded: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Gone: HTTPStatus.GONE,
    WrongState: HTTPStatus.CONFLICT,
    RequestDiffers: HTTPStatus.CONFLICT,
    AlreadySubmitted: HTTPStatus.CONFLICT,
    KeyBusy: HTTPStatus.CONFLICT,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    AuditUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooManyWaiting: HTTPStatus.TOO_MANY_REQUESTS,
    UnreadableLine: HTTPStatus.INTERNAL_SERVER_ERROR,
    TooManyCalls: HTTPStatus.TOO_MANY_REQUESTS,
}


def handler(error: Exception, context: dict[str, Any]) -> Response:
    """The answer for an exception that left a view; never a traceback."""
    set_rollback()
    request = context["request"]
    match error:
        case Invalid():
            return _problem(request, HTTPStatus.BAD_REQUEST, error.code, error.detail, error.problems)
        case TooManyCalls():
            response = _problem(request, HTTPStatus.TOO_MANY_REQUESTS, error.code, error.detail)
            response["Retry-After"] = str(error.retry_after)
            return response
        case PortalError():
            return _problem(request, _status_of(error), error.code, error.detail)
        case Http404():
            return _problem(request, HTTPStatus.NOT_FOUND, NotFound.code, NotFound().detail)
        case PermissionDenied():
            return _problem(request, HTTPStatus.FORBIDDEN, NotAllowed.code, NotAllowed().detail)
        case exceptions.APIException():
            response = _problem(request, HTTPStatus(error.status_code), _code_of(error), str(error.detail))
            if header := getattr(error, "auth_header", None):
                response["WWW-Authenticate"] = header
            return response
        case OperationalError() | InterfaceError():
            log.exception("the database failed a request")
            detail = "The database can't be reached, so nothing was stored; try again shortly."
            return _problem(request, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail)
    log.error("a request failed", exc_info=error)
    detail = "Something went wrong in the portal; tell the administrators this request's id."
    return _problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail)


def _status_of(error: PortalError) -> HTTPStatus:
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), HTTPStatus.BAD_REQUEST)


def _code_of(error: exceptions.APIException) -> str:
    return "malformed" if isinstance(error, exceptions.ParseError) else str(error.default_code)


def _problem(request: Any, status: HTTPStatus, code: str, detail: str, problems: Any = ()) -> Response:
    document = {
        "type": f"urn:koodrive-portal:problem:{code}",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "instance": request.path,
        "requestId": request._request.request_id,
        "errors": [problem.as_json() for problem in problems],
    }
    response = Response(document, status=status, content_type=CONTENT_TYPE)
    if status in _LATER or code == KeyBusy.code:
        response["Retry-After"] = RETRY_SECONDS
    return response
