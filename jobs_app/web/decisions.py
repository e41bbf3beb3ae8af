"""The approvers' inbox, and their decisions."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Exists, Min, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from .. import approvals, permissions
from ..actors import Actor, Role
from ..errors import Invalid, RequestDiffers, WrongState
from ..models import Approval, Batch
from ..models.submissions import SubmissionQuerySet
from ..states import State
from .actor import actor_of
from .pages import visible_or_404

Shown = tuple[list[Any], list[Any]]  # submissions and batches

SHOWN = 100
TABS = {
    "waiting": gettext_noop("Waiting for me"),
    "mine": gettext_noop("My requests"),
    "decided": gettext_noop("Decided"),
}


@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """Waiting for me, my own, or what was decided; a batch is one row, whatever the number of its members."""
    by = actor_of(request)
    usual = "waiting" if Role.APPROVER in by.roles else "mine"
    tab = request.GET.get("tab", usual)
    tab = tab if tab in TABS else usual
    shown = {"waiting": _waiting, "mine": _mine, "decided": _decided}[tab](by)
    context = {"tab": tab, "tabs": TABS.items(), "rows": shown[0], "batches": shown[1]}
    return render(request, "approvals.html", context)


def _waiting(by: Actor) -> Shown:
    """What may be decided about first, each in the order of the time that is left; then the rest, with why not."""
    rows = _told(by, _open_rows(by)[:SHOWN])
    return sorted(rows, key=lambda row: bool(row.why_not)), _told(by, _open_batches(by)[:SHOWN])


def _mine(by: Actor) -> Shown:
    own = {"accountable": by.key}
    return _told(by, _open_rows(by).filter(**own)[:SHOWN]), _told(by, _open_batches(by).filter(**own)[:SHOWN])


def _decided(by: Actor) -> Shown:
    """The latest decisions first."""
    latest = Approval.objects.filter(submission__batch=None).order_by("-pk").values_list("submission", flat=True)
    ids = list(dict.fromkeys(latest[: 2 * SHOWN]))[:SHOWN]
    found = {row.pk: row for row in permissions.visible_to(by).for_rows().filter(pk__in=ids)}
    of_members = Exists(Approval.objects.filter(submission__batch=OuterRef("pk")))
    batches = permissions.batches_visible_to(by).select_related("person", "service").filter(of_members)
    return [found[pk] for pk in ids if pk in found], list(batches.order_by("-created_at")[:SHOWN])


def _open_rows(by: Actor) -> SubmissionQuerySet:
    rows = permissions.visible_to(by).for_rows()
    return rows.filter(status=State.AWAITING_APPROVAL, batch=None).order_by("due_at")


def _open_batches(by: Actor) -> "QuerySet[Batch]":
    rows = permissions.batches_visible_to(by).select_related("person", "service")
    undecided = rows.filter(members__status=State.AWAITING_APPROVAL)
    return undecided.annotate(waiting=Count("members"), until=Min("members__due_at")).order_by("until")


def _told(by: Actor, rows: Iterable[Any]) -> list[Any]:
    """Each with why this person may not decide about it, in ``why_not``; empty when they may."""
    found = list(rows)
    for row, refusal in zip(found, permissions.decide_each(by, found), strict=True):
        row.why_not = refusal.detail if refusal else ""
    return found


@require_POST
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Approves or rejects the request whose hash the page showed."""
    row = visible_or_404(request, pk)
    verb = approvals.approve if request.POST.get("decision") == "approve" else approvals.reject
    shown, comment = request.POST.get("requestSha256", ""), request.POST.get("comment", "")
    try:
        decided = verb(row, by=actor_of(request), request_sha256=shown, comment=comment)
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except (RequestDiffers, WrongState) as error:
        messages.error(request, error.detail)
    else:
        said = _("Approved; it is sent next.") if decided.state is State.QUEUED else _("Your decision is recorded.")
        messages.success(request, said)
    return redirect("submission", pk=row.pk)
