"""The page of the tasks in KooDrive that the portal did not send, and what people note about them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from .. import foreign, permissions, spaces
from ..errors import Invalid, WrongState
from .actor import actor_of
from .pages import with_cursor


@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """All of them, what was found last first; with ``noted=no`` those into which nobody has looked."""
    by = actor_of(request)
    permissions.require(permissions.see_foreign(by), by=by, to="see foreign tasks")
    unnoted = request.GET.get("noted") == "no"
    page = foreign.page(unnoted=unnoted, cursor=request.GET.get("cursor", ""))
    context = {
        "tasks": page.rows,
        "space_names": spaces.names(row.space for row in page.rows),
        "older": with_cursor(request, page.older),
        "unnoted": unnoted,
        "last": foreign.last(),
        "may_note": permissions.note_foreign(by) is None,
    }
    return render(request, "foreign.html", context)


@require_POST
def note(request: HttpRequest) -> HttpResponse:
    """Keeps the note and leads back to the list."""
    try:
        foreign.note(request.POST.get("taskId", ""), text=request.POST.get("note", ""), by=actor_of(request))
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except WrongState as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("Noted; it stands in the audit trail."))
    return redirect("foreign")
