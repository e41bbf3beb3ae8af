"""What administrators decide about one another's proposals; each stands on the page of what it changes."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from .. import confirming, permissions
from ..actors import Actor
from ..errors import Invalid, WrongState
from ..models import Proposal, User
from .actor import actor_of

_SAID = {
    Proposal.State.CONFIRMED: gettext_noop("Confirmed and done."),
    Proposal.State.REFUSED: gettext_noop("Refused; nothing has changed."),
    Proposal.State.WITHDRAWN: gettext_noop("Withdrawn; nothing has changed."),
}


@dataclass(frozen=True)
class Shown:
    """An open proposal and what this person may do about it; ``why_not`` says why they can't confirm it.

    ``about`` is the person whom it concerns, if it does.
    """

    proposal: Proposal
    changes: list[tuple[str, object, object]]
    is_own: bool
    why_not: str
    about: User | None


def shown(kind: Proposal.Kind, by: Actor, *, subject: str = "") -> list[Shown]:
    """The open proposals of a kind, or about one subject, for ``components/proposals.html``."""
    rows = Proposal.objects.open(timezone.now()).filter(kind=kind).select_related("proposed_by")
    return [_shown(row, by) for row in (rows.filter(subject=subject) if subject else rows)]


def _shown(row: Proposal, by: Actor) -> Shown:
    refusal = permissions.confirm(by, row)
    names = dict.fromkeys([*row.before, *row.after])
    changes = [(name, _words(row.before.get(name)), _words(row.after.get(name))) for name in names]
    number = row.subject.removeprefix("person:")
    about = User.objects.select_related("invited_by").filter(pk=number).first() if number != row.subject else None
    return Shown(row, changes, row.proposed_by_id == by.key, refusal.detail if refusal else "", about)


def _words(value: object) -> object:
    """A list as people write one, and nothing for an empty one."""
    return (", ".join(map(str, value)) or None) if isinstance(value, list) else value


@require_POST
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirms, refuses or withdraws, and leads back to where the person came from."""
    decision = next((each for each in _SAID if each == request.POST.get("decision")), Proposal.State.REFUSED)
    try:
        confirming.settle(pk, decision, comment=request.POST.get("comment", ""), by=actor_of(request))
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except WrongState as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _(_SAID[decision]))
    back = request.POST.get("next", "")
    is_own = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return HttpResponseRedirect(back if is_own else reverse("home"))
