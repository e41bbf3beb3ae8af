"""What a person sees instead of a traceback: which kind of trouble it is, and what to do."""

import sys
from collections.abc import Callable
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext_noop as _

from ..errors import AuditUnavailable, Gone, Invalid, NotAllowed, NotFound, PortalError, Reauthenticate
from . import again

_STATUS = {NotAllowed: HTTPStatus.FORBIDDEN, NotFound: HTTPStatus.NOT_FOUND, Gone: HTTPStatus.GONE}
# What somebody may do who has come there.
_HELP = {
    HTTPStatus.BAD_REQUEST: _("Nothing was stored. Go back, load the page again and repeat what you did."),
    HTTPStatus.FORBIDDEN: _(
        "Nothing was done. Your roles stand in the menu of your name; an administrator gives others."
    ),
    HTTPStatus.NOT_FOUND: _(
        "The address may be mistyped, or it may be of something that you may not see: then nobody says that it exists."
    ),
    HTTPStatus.GONE: _("Its time is over, so it can't be had any more."),
    HTTPStatus.CONFLICT: _("It has changed meanwhile, or can't be done now. Load its page again to see how it stands."),
    HTTPStatus.INTERNAL_SERVER_ERROR: _(
        "What you did was stored as a whole or not at all. See under Tasks whether it is there before you repeat it."
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: _("Nothing is lost: what was stored before stays, and goes on by itself."),
}
_UNAVAILABLE = "The database can't be reached just now, so nothing was stored; try again shortly."


class PortalErrors:
    """Middleware: an error of the domain that leaves a page's view becomes a page in words."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if later := _later(request, error):
            return later
        if isinstance(error, Reauthenticate):
            return again.ask(request)
        if isinstance(error, Invalid):
            return _page(request, HTTPStatus.BAD_REQUEST, " ".join(problem.detail for problem in error.problems))
        if isinstance(error, PortalError):
            found = (status for kind, status in _STATUS.items() if isinstance(error, kind))
            return _page(request, next(found, HTTPStatus.CONFLICT), error.detail)
        return None


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(
        request, HTTPStatus.BAD_REQUEST, "The request can't be understood; go back, load the page again, retry."
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, HTTPStatus.FORBIDDEN, NotAllowed().detail)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(
        request, HTTPStatus.FORBIDDEN, "The page was open for too long; load it again and repeat what you did."
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, HTTPStatus.NOT_FOUND, NotFound().detail)


def server_error(request: HttpRequest) -> HttpResponse:
    """Also for what fails in front of the views, as where a session is ended: ``PortalErrors`` doesn't see that."""
    later = _later(request, sys.exc_info()[1])
    said = "Something went wrong; tell the administrators this id."
    return later or _bare(request, HTTPStatus.INTERNAL_SERVER_ERROR, said)


def _later(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """The page for what will be over soon, when it is that."""
    if isinstance(error, AuditUnavailable):
        return _unavailable(request, error.detail)
    if isinstance(error, OperationalError | InterfaceError):
        return _unavailable(request, _UNAVAILABLE)
    return None


def _page(request: HttpRequest, status: HTTPStatus, detail: str) -> HttpResponse:
    return render(
        request, "error.html", {"status": status, "detail": detail, "help": _HELP.get(status, "")}, status=status
    )


def _unavailable(request: HttpRequest, detail: str) -> HttpResponse:
    response = _bare(request, HTTPStatus.SERVICE_UNAVAILABLE, detail)
    response["Retry-After"] = "5"
    return response


def _bare(request: HttpRequest, status: HTTPStatus, detail: str) -> HttpResponse:
    """Without the context processors, which need the database."""
    context = {
        "status": status,
        "detail": detail,
        "help": _HELP.get(status, ""),
        "request_id": getattr(request, "request_id", ""),
    }
    return HttpResponse(render_to_string("error_bare.html", context), status=status)
