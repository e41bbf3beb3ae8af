"""The approvers' inbox, and their decisions."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from .. import approvals, permissions
from ..errors import Invalid, RequestDiffers, WrongState
from ..states import State
from .actor import actor_of
from .pages import visible_or_404

SHOWN = 100


@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """Waiting for me, my own, and what was decided; a batch is one row, whatever the number of its members."""
    by = actor_of(request)
    visible = permissions.visible_to(by).with_people().named().filter(batch=None)
    batches = permissions.batches_visible_to(by).select_related("person", "service")
    undecided = batches.filter(members__status=State.AWAITING_APPROVAL)
    open_ones = undecided.annotate(waiting=Count("members"), until=Min("members__due_at")).order_by("until")
    waiting = visible.filter(status=State.AWAITING_APPROVAL).order_by("due_at")
    context = {
        "for_me": permissions.may_decide(by, list(waiting[:SHOWN])),
        "batches_for_me": permissions.may_decide(by, list(open_ones[:SHOWN])),
        "my_batches": open_ones.filter(accountable=by.key)[:SHOWN],
        "decided_batches": batches.filter(members__approvals__isnull=False).order_by("-created_at").distinct()[:SHOWN],
        "mine": waiting.filter(accountable=by.key)[:SHOWN],
        "decided": visible.filter(approvals__isnull=False).order_by("-updated_at").distinct()[:SHOWN],
    }
    return render(request, "approvals.html", context)


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
