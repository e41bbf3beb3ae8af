"""The pages of a batch: how it stands, one decision about all of it, cancelling, trying the rest again."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from .. import batches, idempotency, listing, permissions
from ..errors import Invalid, NotFound, PortalError, RequestDiffers, WrongState
from ..models import Batch
from ..operations import BY_NAME, OPERATIONS, Use
from ..permissions import Refusal
from .actor import actor_of
from .pages import with_cursor


@require_GET
def page(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = _visible_or_404(request, pk)
    by = actor_of(request)
    members = listing.page(row.members.for_rows(), cursor=request.GET.get("cursor", ""))
    live, why_not_change = _live(row), _why_not(permissions.change(by, row))
    may_retry = not why_not_change and live["standing"].can_be_retried
    context = live | {
        "page": members,
        "older": with_cursor(request, members.older),
        "newer": with_cursor(request, members.newer),
        "why_not_decide": _why_not(permissions.decide(by, row)),
        "why_not_change": why_not_change,
        "may_retry": may_retry,
        "needs_password": may_retry and _has_password(row),
        "retry_key": idempotency.new_key(),
        "phrase": batches.retry_phrase(row, by=by) if may_retry else "",
    }
    return render(request, "batch.html", context)


@require_GET
def live(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The counts, which ask for themselves again until the end."""
    return render(request, "components/batch_live.html", _live(_visible_or_404(request, pk)))


@require_POST
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Approves or rejects the batch whose hash the page showed."""
    row = _visible_or_404(request, pk)
    verb = batches.approve if request.POST.get("decision") == "approve" else batches.reject
    shown, comment = request.POST.get("requestSha256", ""), request.POST.get("comment", "")
    try:
        verb(row, by=actor_of(request), request_sha256=shown, comment=comment)
    except (Invalid, RequestDiffers, WrongState) as error:
        messages.error(request, _said(error))
    else:
        messages.success(request, _("Your decision about the whole batch is recorded."))
    return redirect("batch", pk=row.pk)


@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = _visible_or_404(request, pk)
    try:
        results = batches.cancel(row, by=actor_of(request))
    except WrongState as error:
        messages.error(request, error.detail)
    else:
        _tell(request, _("Cancelled, or KooDrive is asked to stop"), results)
    return redirect("batch", pk=row.pk)


@require_POST
@sensitive_post_parameters("password")
def retry(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Submits what is left of it as a new batch; the same form sent twice makes one."""
    row, by = _visible_or_404(request, pk), actor_of(request)
    reason, password = request.POST.get("reason", ""), request.POST.get("password") or None
    key, phrase = request.POST.get("key") or idempotency.new_key(), request.POST.get("phrase", "")
    try:
        call = idempotency.call(key, f"retry batch {pk}", [reason, password], by=by)
        made, _again = idempotency.once(
            call,
            lambda: batches.retry(row, reason=reason, password=password, by=by, call=call, phrase=phrase),
            batches.get,
        )
    except PortalError as error:
        if not isinstance(error, Invalid | WrongState):
            raise
        messages.error(request, _said(error))
        return redirect("batch", pk=row.pk)
    _tell(request, _("Submitted again"), [{"status": 201}] * made.total + made.refused)
    return redirect("batch", pk=made.pk)


def _has_password(row: Batch) -> bool:
    takers = [operation.name for operation in OPERATIONS if operation.password is not Use.NO]
    return any(
        "password" in each.document for each in row.members.filter(operation__in=takers).only("request", "batch")
    )


def _live(row: Batch) -> dict[str, Any]:
    operation = BY_NAME.get(row.operation or "")
    return {"batch": row, "standing": batches.standing(row), "operation": operation}


def _visible_or_404(request: HttpRequest, pk: UUID) -> Batch:
    by = actor_of(request)
    row = permissions.batches_visible_to(by).select_related("person", "service").filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def _why_not(refusal: Refusal) -> str:
    return refusal.detail if refusal else ""


def _said(error: PortalError) -> str:
    if isinstance(error, Invalid):
        return " ".join(dict.fromkeys(problem.detail for problem in error.problems))
    return error.detail


def _tell(request: HttpRequest, done: str, results: list[dict[str, Any]]) -> None:
    """How many were dealt with, and of the others how many and why."""
    refused = [each for each in results if each["status"] >= 400]
    count = len(results) - len(refused)
    messages.success(request, f"{done}: {count}.")
    if refused:
        left = ngettext("%d submission was left as it is:", "%d submissions were left as they are:", len(refused))
        why = dict.fromkeys(problem["detail"] for each in refused for problem in each["errors"])
        messages.warning(request, f"{left % len(refused)} {' '.join(why)}")
