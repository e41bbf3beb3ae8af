"""Looking at submissions: the list, one submission and its live part."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from .. import drafting, explain, listing, permissions
from ..errors import NotFound
from ..models import Submission
from ..operations import OPERATIONS
from ..states import LABELS
from .actions import actions
from .actor import actor_of
from .doubts import doubt_of
from .timeline import timeline


@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """The list, as the address narrows it; the same filters as the API's."""
    by = actor_of(request)
    parameters = {name: values for name, values in request.GET.lists() if any(values)}
    if request.GET.get("mine"):
        parameters["createdBy"] = [by.id]
    rows = listing.filtered(permissions.visible_to(by).for_rows(), parameters)
    page = listing.page(rows, cursor=request.GET.get("cursor", ""))
    context = {
        "page": page,
        "older": with_cursor(request, page.older),
        "newer": with_cursor(request, page.newer),
        "operations": OPERATIONS,
        "states": list(LABELS.items()),
        "is_filtered": bool(parameters.keys() - {"cursor"}),
    }
    return render(request, "submissions.html", context)


@require_GET
def submission(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "submission.html", context_of(request, pk))


@require_GET
def live(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The part of the page that changes, which asks for itself again until the end."""
    return render(request, "components/live.html", context_of(request, pk))


def context_of(request: HttpRequest, pk: UUID) -> dict[str, Any]:
    row = visible_or_404(request, pk)
    refusal = permissions.decide(actor_of(request), row)
    return {
        "row": row,
        "why": explain.explain(row),
        "timeline": timeline(row),
        "files": row.files.all(),
        "doubt": doubt_of(row, by=actor_of(request)),
        "may_decide": refusal is None,
        "why_not_decide": refusal.detail if refusal else "",
        "may_export": permissions.export(actor_of(request)) is None,
        "actions": actions(actor_of(request), row),
        "may_submit": permissions.submit(actor_of(request)) is None,
        "drafts": drafting.offered(actor_of(request), row),
        "entries": listing.entries(row).rows if row.operation == "preview_archive" else [],
    }


def visible_or_404(request: HttpRequest, pk: UUID) -> Submission:
    row = permissions.visible_to(actor_of(request)).with_people().named().filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def with_cursor(request: HttpRequest, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    parameters = request.GET.copy()
    parameters["cursor"] = cursor
    return f"?{parameters.urlencode()}"
