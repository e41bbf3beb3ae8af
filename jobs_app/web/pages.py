"""Looking at one submission, and its part that changes."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from .. import drafting, explain, listing, permissions
from ..errors import NotFound
from ..models import Submission, SubmissionFile
from ..states import State
from .actions import actions
from .actor import actor_of
from .doubts import doubt_of
from .timeline import timeline

# What can be done in these states stands beside the part that changes, so that nobody's typing is lost.
_BESIDE = {State.AWAITING_APPROVAL, State.UNKNOWN}


@require_GET
def submission(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "submission.html", context_of(request, pk))


@require_GET
def live(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The part of the page that changes, which asks for itself again until the end."""
    context = context_of(request, pk)
    answer = render(request, "components/live.html", context)
    shown, now = request.GET.get("shown", ""), context["row"].status
    if shown and shown != now and _BESIDE & {shown, now}:
        answer["HX-Refresh"] = "true"
    return answer


def context_of(request: HttpRequest, pk: UUID) -> dict[str, Any]:
    row = visible_or_404(request, pk)
    refusal = permissions.decide(actor_of(request), row)
    return {
        "row": row,
        "live_query": _live_query(request, row),
        "why": explain.explain(row),
        "timeline": timeline(row),
        **_files(request, row),
        "doubt": doubt_of(row, by=actor_of(request)),
        "may_decide": refusal is None,
        "why_not_decide": refusal.detail if refusal else "",
        "may_export": permissions.export(actor_of(request)) is None,
        "actions": actions(actor_of(request), row),
        "may_submit": permissions.submit(actor_of(request)) is None,
        "drafts": drafting.offered(actor_of(request), row),
        "entries": listing.entries(row).rows if row.operation == "preview_archive" else [],
    }


def _live_query(request: HttpRequest, row: Submission) -> str:
    query = request.GET.copy()
    query["shown"] = row.status
    return query.urlencode()


def _files(request: HttpRequest, row: Submission) -> dict[str, Any]:
    """A page of its files, and the addresses of the other pages."""
    status = request.GET.get("result", "")
    status = status if status in SubmissionFile.Status.values else ""
    found = listing.files(row, status=status, cursor=request.GET.get("file", ""))
    steps = {name: f"?{urlencode({'result': status, 'file': cursor})}#files" for name, cursor in _cursors(found)}
    return {"files": found.rows, "file_status": status, **steps}


def _cursors(page: listing.Part[SubmissionFile]) -> list[tuple[str, str]]:
    named = [("files_before", page.preceding), ("files_after", page.following)]
    return [(name, cursor) for name, cursor in named if cursor is not None]


def visible_or_404(request: HttpRequest, pk: UUID) -> Submission:
    row = permissions.visible_to(actor_of(request)).with_decisions().named().filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def with_cursor(request: HttpRequest, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    parameters = request.GET.copy()
    parameters["cursor"] = cursor
    return f"?{parameters.urlencode()}"
