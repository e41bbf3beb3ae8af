"""Exports as people ask for them, watch them and load them: of the trail, and of the list."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_http_methods

from .. import exporting, permissions
from ..audit import size
from ..errors import Invalid, Problem, TooManyOpen
from ..models import Export
from .actor import actor_of

SHOWN = 50
KINDS = {
    Export.Kind.ARCHIVE: gettext_noop("Archive that proves itself (zip)"),
    Export.Kind.EVIDENCE: gettext_noop("Evidence pack: the archive with cover sheets in words (zip)"),
    Export.Kind.CSV: gettext_noop("Table for a spreadsheet (CSV)"),
}
_LIST = {Export.Kind.LIST: gettext_noop("Tasks of the list (CSV)")}
_BEGUN = gettext_noop("A worker writes it now; it stands in the list below.")
_FILES = {
    Export.Kind.ARCHIVE: ("trail", "zip", "application/zip"),
    Export.Kind.EVIDENCE: ("evidence", "zip", "application/zip"),
    Export.Kind.CSV: ("trail", "csv", "text/csv; charset=utf-8"),
    Export.Kind.LIST: ("tasks", "csv", "text/csv; charset=utf-8"),
}


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Everybody's exports, newest first; posted to, it asks for another one."""
    if request.method == "GET":
        _require(request)
        values = {"kind": Export.Kind.ARCHIVE.value, "query": request.GET.get("q", ""), "zone": "UTC"}
        return _page(request, values | {name: request.GET[name] for name in ("kind",) if name in request.GET}, [])
    values = {name: request.POST.get(name, "") for name in ("kind", "query", "zone")}
    try:
        exporting.request(values["kind"], values["query"], values["zone"], by=actor_of(request))
    except Invalid as error:
        return _page(request, values, list(error.problems))
    except TooManyOpen as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _(_BEGUN))
    return redirect("exports")


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """The list alone, which asks for itself again while something is being written."""
    _require(request)
    return render(request, "components/exports.html", _listed(request))


@require_GET
def estimate(request: HttpRequest) -> HttpResponse:
    """How many events a query finds, as far as that is told quickly."""
    _require(request)
    return render(request, "components/export_estimate.html", _estimate(request.GET.get("query", "")))


@require_GET
def download(request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
    """The file, one part in memory at a time."""
    found, parts = exporting.hand_out(pk, by=actor_of(request))
    label, ending, content_type = _FILES[Export.Kind(found.kind)]
    name = f"koodrive-{label}-{found.requested_at:%Y%m%dT%H%M%SZ}-{found.pk.hex[:8]}.{ending}"
    response = StreamingHttpResponse(parts, content_type=content_type)
    response["Content-Length"] = str(found.size)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_http_methods(["GET", "POST"])
def tables(request: HttpRequest) -> HttpResponse:
    """Somebody's own tables of the list; posted to, it asks for another one."""
    if request.method == "GET":
        return render(request, "tables.html", _tables(request))
    try:
        exporting.request_list(request.POST.get("query", ""), by=actor_of(request))
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except TooManyOpen as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _(_BEGUN))
    return redirect("tables")


@require_GET
def tables_live(request: HttpRequest) -> HttpResponse:
    return render(request, "components/exports.html", _tables(request))


def _tables(request: HttpRequest) -> dict[str, Any]:
    by = actor_of(request)
    permissions.require(permissions.read_submissions(by), by=by, to="see tables of the list")
    own = Export.objects.filter(kind=Export.Kind.LIST, requested_by=by.key)
    return _shown(request, own) | {"names": _LIST, "live": reverse("tables-live")}


def _require(request: HttpRequest) -> None:
    by = actor_of(request)
    permissions.require(permissions.export(by), by=by, to="see exports")


def _page(request: HttpRequest, values: dict[str, str], problems: list[Problem]) -> HttpResponse:
    errors: dict[str, list[str]] = {}
    for problem in problems:
        place = problem.pointer.strip("/")
        errors.setdefault(place if place in ("kind", "zone") else "query", []).append(problem.detail)
    context = {"kinds": KINDS.items(), "fields": {"values": values}, "errors": errors}
    told = _listed(request) | _estimate(values["query"])
    return render(request, "exports.html", context | told, status=400 if problems else 200)


def _listed(request: HttpRequest) -> dict[str, Any]:
    rows = Export.objects.filter(kind__in=exporting.OF_THE_TRAIL)
    return _shown(request, rows) | {"names": KINDS, "live": reverse("exports-live")}


def _shown(request: HttpRequest, rows: "QuerySet[Export]") -> dict[str, Any]:
    ordered = rows.select_related("requested_by").order_by("-requested_at", "-pk")
    shown = Paginator(ordered, SHOWN).get_page(request.GET.get("page"))
    return {"exports": shown, "is_open": any(row.status in exporting.OPEN for row in shown)}


def _estimate(line: str) -> dict[str, Any]:
    try:
        query = exporting.read(line)
    except Invalid as error:
        return {"why_no_estimate": " ".join(problem.detail for problem in error.problems)}
    return {"estimate": size.quickly(query), "is_everything": query.is_everything}
