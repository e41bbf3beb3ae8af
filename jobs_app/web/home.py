"""Home: what needs the person who looks, what runs now, and how it goes."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from .. import figures, health, permissions, set_up
from ..actors import Actor, Role
from ..audit import read
from ..figures import Figures
from ..models import ApiToken, ForeignTask, Proposal, Submission
from ..models.submissions import WITHHELD
from ..states import FINAL, LABELS, OPEN, State
from .actor import actor_of

SHOWN = 8
FRESH = 60  # seconds
LATELY = timedelta(days=7)
WENT_WRONG = (State.REFUSED, State.FAILED, State.PARTIALLY_FAILED)
_PAGE_OF = {
    Proposal.Kind.POLICY: "policy",
    Proposal.Kind.ROLE: "people",
    Proposal.Kind.SIGN_IN: "people",
    Proposal.Kind.SPACE: "spaces",
}


@dataclass(frozen=True)
class Need:
    """Something that somebody has to see to: how it reads, and where."""

    text: str
    address: str


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    by = actor_of(request)
    if permissions.read_submissions(by):
        return render(request, "home.html", {"has_no_role": True})
    visible = permissions.visible_to(by).for_rows().order_by("-created_at", "-id")
    counted = figures.now()
    shared: Any = cache.get_or_set("home", _shared, FRESH)
    context = {
        "needs": _needs(by, shared),
        "went_wrong": _went_wrong(by),
        "open": visible.filter(status__in=OPEN - {State.UNKNOWN})[:SHOWN],
        "latest": visible.filter(status__in=FINAL)[:SHOWN],
        "figures": counted,
        "today": [(each, label, counted.today.ended[each]) for each, label in _labels(counted.today.ended)],
        "under_way": [(each, label, counted.open[each]) for each, label in _labels(counted.open)],
        "ages": [label for _name, label, _most in figures.AGES],
        "charts": _charts(counted),
        "signs": shared["signs"] if permissions.pause(by) is None else [],
        "is_auditor": permissions.read_trail(by) is None,
        **shared["trail"],
    }
    return render(request, "home.html", context)


def _shared() -> dict[str, Any]:
    """What is the same for everybody, asked once a minute."""
    withheld = Submission.objects.filter(status=State.QUEUED, due_at=None, hold=WITHHELD).values_list("pk", flat=True)
    return {
        "withheld": list(withheld[:SHOWN]),
        "steps": sum(not is_done for _step, is_done in set_up.steps()),
        "signs": health.sending(),
        "trail": {"proof": read.last_proof(), "extent": read.extent(), "is_stale": health.is_proof_stale()},
    }


def _needs(by: Actor, shared: dict[str, Any]) -> list[Need]:
    """Beside what the navigation counts on every page."""
    found = [*_of_tokens(by), *_of_administrators(by, shared["steps"])]
    if Role.OPERATOR in by.roles:
        said = _("A submission can't be sent as it stands; see why, and cancel it or have the cause mended")
        found += [Need(said, reverse("submission", args=[pk])) for pk in shared["withheld"]]
    foreign = 0 if permissions.see_foreign(by) else ForeignTask.objects.unnoted().count()
    if foreign:
        said = ngettext(
            "%d task in KooDrive was not sent by the portal, and nobody has noted why",
            "%d tasks in KooDrive were not sent by the portal, and nobody has noted why",
            foreign,
        )
        found.append(Need(said % foreign, f"{reverse('foreign')}?noted=no"))
    return found


def _of_tokens(by: Actor) -> list[Need]:
    tokens = ApiToken.objects.ending(timezone.now())
    is_keeper = permissions.manage_services(by) is None
    count = (tokens if is_keeper else tokens.filter(service__owner=by.key)).count()
    said = ngettext("%d token of a service ends within 14 days", "%d tokens of services end within 14 days", count)
    return [Need(said % count, reverse("tokens") if is_keeper else "")] if count else []


def _of_administrators(by: Actor, left: int) -> list[Need]:
    if permissions.propose(by):
        return []
    others = Proposal.objects.open(timezone.now()).exclude(proposed_by=by.key)
    found = [
        Need(_("Another administrator proposes a change; confirm or refuse it"), reverse(_PAGE_OF[Proposal.Kind(kind)]))
        for kind in dict.fromkeys(others.values_list("kind", flat=True))
    ]
    if left:
        said = ngettext("%d step of the set-up is open", "%d steps of the set-up are open", left)
        found.append(Need(said % left, reverse("set-up")))
    return found


def _went_wrong(by: Actor) -> Any:
    """Of their own lately, unless it was submitted again."""
    own = Submission.objects.for_rows().filter(person=by.key, created_at__gte=timezone.now() - LATELY)
    return own.filter(status__in=WENT_WRONG, retries=None).order_by("-created_at", "-id")[:SHOWN]


def _labels(counted: dict[str, int]) -> list[tuple[str, str]]:
    return [(state.value, LABELS[state]) for state in State if state in counted]


def _charts(counted: Figures) -> dict[str, Any]:
    """What the charts draw, in the reader's language; the tables beside them say the same."""
    return {
        "ended": {
            "labels": [f"{day.date:%m-%d}" for day in counted.days],
            "series": [
                {"name": name, "label": _(label), "values": [day.ended.get(name, 0) for day in counted.days]}
                for name, label in counted.outcomes
            ],
        },
        "waiting": {
            "labels": [_(label) for _name, label, _most in figures.AGES],
            "series": [
                {"name": name.value, "label": _(LABELS[name]), "values": counted.waiting[name]}
                for name in figures.WAITING
                if name in counted.waiting
            ],
        },
    }
