"""What people do with a submission under way or ended: cancel, retry, get a package."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from .. import cancelling, links, submissions
from ..errors import AlreadySubmitted, Invalid, WrongState
from ..states import State
from .actor import actor_of
from .pages import visible_or_404


@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = visible_or_404(request, pk)
    try:
        done = cancelling.cancel(row, by=actor_of(request))
    except WrongState as error:
        messages.error(request, error.detail)
    else:
        was_unsent = done.state is State.CANCELLED
        said = _("Cancelled; nothing was sent.") if was_unsent else _("Your wish is kept; KooDrive is asked to stop.")
        messages.success(request, said)
    return redirect("submission", pk=pk)


@require_POST
@sensitive_post_parameters("password")
def retry(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Submits what is left of it; the same form sent twice makes one submission."""
    row = visible_or_404(request, pk)
    reason, password = request.POST.get("reason", ""), request.POST.get("password") or None
    try:
        made = submissions.retry(
            row,
            reason=reason,
            password=password,
            by=actor_of(request),
            as_id=_id(request),
            phrase=request.POST.get("phrase", ""),
        )
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except (WrongState, AlreadySubmitted) as error:
        messages.error(request, error.detail)
    else:
        return redirect("submission", pk=made.pk)
    return redirect("submission", pk=pk)


@require_POST
def download_link(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The address of the package, on a page that no browser keeps."""
    row = visible_or_404(request, pk)
    link = links.hand_out(row, by=actor_of(request))
    return render(request, "download_link.html", {"row": row, "link": link})


def _id(request: HttpRequest) -> UUID:
    """The id that the page chose for the new submission."""
    try:
        return UUID(request.POST.get("id", ""))
    except ValueError:
        return uuid4()
