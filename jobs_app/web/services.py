"""The pages of one service: a new one, and its properties."""

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from .. import permissions, services
from ..errors import Invalid, NotFound, Problem
from ..models import Service, User
from .actor import actor_of


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The empty form; posted to, it makes the service and leads to its first token."""
    by = actor_of(request)
    permissions.require(permissions.manage_services(by), by=by, to="create a service")
    if request.method == "GET":
        return _form(request, None, {}, [])
    try:
        made = services.create(request.POST.dict(), reason=request.POST.get("reason", ""), by=by)
    except Invalid as error:
        return _form(request, None, request.POST.dict(), list(error.problems))
    messages.success(request, _("The service is made; now it needs a token."))
    return redirect("new-token", pk=made.pk)


@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """The service as it is; posted to, it becomes what the form says."""
    by = actor_of(request)
    permissions.require(permissions.manage_services(by), by=by, to="change a service")
    service = get(pk)
    if request.method == "GET":
        return _form(request, service, _values(service), [])
    try:
        services.change(service, request.POST.dict(), reason=request.POST.get("reason", ""), by=by)
    except Invalid as error:
        return _form(request, service, request.POST.dict(), list(error.problems))
    messages.success(request, _("The service is as you said; it stands in the audit trail."))
    return redirect("tokens")


def get(pk: int) -> Service:
    """Raises ``NotFound``."""
    service = Service.objects.select_related("owner").filter(pk=pk).first()
    if service is None:
        raise NotFound
    return service


def _values(service: Service) -> dict[str, str]:
    values = {name: getattr(service, name) for name in services.FIELDS if name != "owner"}
    return values | {"owner": service.owner.get_username() if service.owner else ""}


def _form(
    request: HttpRequest, service: Service | None, values: Mapping[str, str], problems: list[Problem]
) -> HttpResponse:
    context = {
        "service": service,
        "people": User.objects.present().exclude(role_grants=None).order_by("username"),
        "fields": {"values": values},
        "errors": {problem.pointer.strip("/"): [problem.detail] for problem in problems},
    }
    return render(request, "service.html", context, status=400 if problems else 200)
