"""The page of everything whose outcome is unknown, and what a person decides about it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from .. import permissions, resolving, settling
from ..errors import Invalid, WrongState
from ..states import State
from .actor import actor_of
from .doubts import doubt_of
from .pages import visible_or_404

SHOWN = 50


@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """Still looked for or waiting for a person, the oldest first."""
    by = actor_of(request)
    rows = permissions.visible_to(by).with_people().named().filter(status=State.UNKNOWN).order_by("created_at", "id")
    context = {
        "doubts": [doubt_of(row, by=by) for row in rows[:SHOWN]],
        "more": max(rows.count() - SHOWN, 0),
        "looks": len(settling.LOOKS),
        "minutes": settling.LOOKS[-1].seconds // 60,
    }
    return render(request, "unknowns.html", context)


@require_POST
def resolve(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Binds the task that was named, or closes the submission without one."""
    row, by, reason = visible_or_404(request, pk), actor_of(request), request.POST.get("reason", "")
    try:
        if request.POST.get("decision") == "bind":
            resolving.bind(row, task_id=request.POST.get("taskId", "").strip(), reason=reason, by=by)
            said = _("The task is bound; the portal follows it from now on.")
        else:
            resolving.close(row, reason=reason, by=by)
            said = _("Closed. To have it done after all, submit it anew.")
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except WrongState as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, said)
    return redirect("submission", pk=row.pk)


@require_POST
def look_again(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Has the worker look into KooDrive once more."""
    row = visible_or_404(request, pk)
    try:
        resolving.look_again(row, by=actor_of(request))
    except WrongState as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("The portal looks into KooDrive again within seconds; then load the page again."))
    return redirect("submission", pk=row.pk)
