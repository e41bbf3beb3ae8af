"""The tokens of services, as administrators see, make, limit, pause, rotate and revoke them. A secret is shown once."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from .. import permissions, rotation, tokens
from ..actors import Actor, Scope
from ..errors import Invalid, NotFound, Problem, WrongState
from ..models import ApiToken, Service
from ..operations import OPERATIONS
from ..token_limits import Limits
from . import services
from .actor import actor_of
from .token_rows import Row

_ITEMS = re.compile(r"[\s,]+")


@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """Every service with its tokens; with ``ended=yes`` also those that don't work any more."""
    _allowed(request, "see tokens")
    now, ended = timezone.now(), request.GET.get("ended") == "yes"
    shown = ApiToken.objects.all() if ended else ApiToken.objects.alive(now)
    rows = Service.objects.select_related("owner").order_by("name")
    rows = rows.prefetch_related(Prefetch("tokens", shown.newest_end_first()), "owner__role_grants")
    context = {
        "services": [(service, [Row(token, now) for token in service.tokens.all()]) for service in rows],
        "ended": ended,
    }
    return render(request, "tokens.html", context)


@require_http_methods(["GET", "POST"])
def make(request: HttpRequest, pk: int) -> HttpResponse:
    """The empty form; posted to, it makes the token and shows its secret."""
    by = _allowed(request, "create a token")
    service = services.get(pk)
    if request.method == "GET":
        return _make_form(request, service, [])
    posted = request.POST
    try:
        token, secret = tokens.make(
            service,
            scopes=posted.getlist("scopes"),
            days=_number(posted.get("days", "")),
            limits=_limits(posted),
            reason=posted.get("reason", ""),
            by=by,
        )
    except Invalid as error:
        return _make_form(request, service, list(error.problems))
    return _made(request, token, secret)


@require_GET
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One token, and what can be done with it."""
    _allowed(request, "see tokens")
    return _one(request, _get(pk), [])


@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Gives it other limits."""
    by, token = _allowed(request, "change a token"), _get(pk)
    try:
        tokens.change(token, _limits(request.POST), reason=request.POST.get("reason", ""), by=by)
    except Invalid as error:
        return _one(request, token, list(error.problems))
    except WrongState as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("The token has these limits from its next call on."))
    return redirect("token", pk=pk)


@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    return _switched(request, pk, tokens.pause, _("The token is paused: calls with it get 401 until it is resumed."))


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    return _switched(request, pk, tokens.resume, _("The token works again."))


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    return _switched(request, pk, tokens.revoke, _("The token is revoked, for good."))


@require_POST
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes the token that takes its place, and shows its secret."""
    by, token = _allowed(request, "rotate a token"), _get(pk)
    overlap = timedelta(minutes=min(_number(request.POST.get("overlap", "")), 10**6))
    try:
        rotated = rotation.rotate(token, overlap=overlap, reason=request.POST.get("reason", ""), by=by)
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except WrongState as error:
        messages.error(request, error.detail)
    else:
        return _made(request, rotated.token, rotated.secret, old=token, old_ends=rotated.old_ends)
    return redirect("token", pk=pk)


def _allowed(request: HttpRequest, to: str) -> Actor:
    by = actor_of(request)
    permissions.require(permissions.manage_services(by), by=by, to=to)
    return by


def _get(pk: int) -> ApiToken:
    people = ("created_by", "paused_by", "revoked_by", "replaces", "service__owner")
    token = ApiToken.objects.select_related(*people).filter(pk=pk).first()
    if token is None:
        raise NotFound
    return token


def _switched(request: HttpRequest, pk: int, verb: Callable[..., None], said: str) -> HttpResponse:
    """Back to the token, with what was done or why it wasn't."""
    try:
        verb(_get(pk), reason=request.POST.get("reason", ""), by=actor_of(request))
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except WrongState as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, said)
    return redirect("token", pk=pk)


def _made(request: HttpRequest, token: ApiToken, secret: str, **more: Any) -> HttpResponse:
    """The secret goes into this answer and nowhere else: a redirect would have to keep it."""
    return render(request, "token_made.html", {"token": token, "secret": secret, **more})


def _make_form(request: HttpRequest, service: Service, problems: list[Problem]) -> HttpResponse:
    values: dict[str, Any] = request.POST.dict() or {"days": str(tokens.USUAL_DAYS)}
    values |= {"scopes": request.POST.getlist("scopes"), "operations": request.POST.getlist("operations")}
    context = {"service": service, "scopes": list(Scope), **_fields(values, problems)}
    return render(request, "token_new.html", context, status=400 if problems else 200)


def _one(request: HttpRequest, token: ApiToken, problems: list[Problem]) -> HttpResponse:
    values: dict[str, Any] = Limits.of(token).fields()
    values |= {name: "\n".join(values[name]) for name in ("addresses", "spaces")}
    if problems:
        values = request.POST.dict() | {"operations": request.POST.getlist("operations")}
    context = {
        "row": Row(token, timezone.now()),
        "successor": token.successors.order_by("-pk").first(),
        "usual_overlap": int(rotation.USUAL_OVERLAP.total_seconds() // 60),
        **_fields(values, problems),
    }
    return render(request, "token.html", context, status=400 if problems else 200)


def _fields(values: dict[str, Any], problems: list[Problem]) -> dict[str, Any]:
    errors: dict[str, list[str]] = {}
    for problem in problems:
        errors.setdefault(problem.pointer.strip("/"), []).append(problem.detail)
    return {"fields": {"values": values}, "errors": errors, "operations": OPERATIONS}


def _limits(posted: QueryDict) -> Limits:
    return Limits(
        name=posted.get("name", ""),
        addresses=_items(posted.get("addresses", "")),
        operations=posted.getlist("operations"),
        spaces=_items(posted.get("spaces", "")),
        rate=posted.get("rate", ""),
    )


def _items(text: str) -> list[str]:
    return [item for item in _ITEMS.split(text) if item]


def _number(text: str) -> int:
    """0, which is never allowed, for what isn't one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
