"""People: who has which role since when and from whom, and what administrators do about it."""

from collections.abc import Callable
from datetime import date, timedelta

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from .. import accounts, people, permissions, sessions, staffing
from .. import roles as member_roles
from ..actors import GUARDED_ROLES, Actor, Role
from ..errors import AlreadyErased, Invalid, LastAdministrator, NotFound, Problem, WrongState
from ..models import Proposal, RoleGrant, User
from . import proposals
from .actor import actor_of

ALARMED_FOR = timedelta(days=7)  # how long the page tells of roles that came from the command line


@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """Everybody, those who may sign in first."""
    by = _may_see(request)
    everybody = sorted(_people(), key=lambda person: (not person.is_present, person.get_username()))
    alarming = RoleGrant.objects.filter(
        role__in=GUARDED_ROLES, proposal=None, granted_at__gte=timezone.now() - ALARMED_FOR
    )
    context = {
        "people": everybody,
        "with_second_factor": sessions.with_second_factor(),
        "troubles": staffing.troubles(),
        "alarming": alarming.select_related("person").order_by("-granted_at"),
        "proposals": _proposals(by),
        "may_manage": permissions.manage_people(by) is None,
    }
    return render(request, "people.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The empty form; posted to, it adds the person."""
    by, posted = _may_manage(request, "add a person"), request.POST
    if request.method == "GET":
        return _new_form(request, [])
    try:
        person, proposal, link = people.add(
            posted.get("name", "").strip(),
            email=posted.get("email", ""),
            roles=_roles(request),
            last_day=_day(posted.get("last_day", "")),
            reason=posted.get("reason", ""),
            by=by,
        )
    except Invalid as error:
        return _new_form(request, list(error.problems))
    if proposal:
        messages.warning(request, _proposed())
    return _invited(request, person, link)


@require_GET
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """One person, and what can be done about them."""
    by, person = _may_see(request), _get(pk)
    context = {
        "person": person,
        "proposals": _proposals(by, person),
        "leaves": staffing.leaves(person),
        "has_second_factor": person.pk in sessions.with_second_factor(),
        "sessions": sessions.listed(person),
        "roles": [(role, role in person.granted_roles(), role in GUARDED_ROLES) for role in Role],
        "may_manage": permissions.manage_people(by) is None and not person.is_erased,
    }
    return render(request, "person.html", context)


@require_POST
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Does one thing about the person, and leads back with what was done or why it wasn't."""
    by, person = _may_manage(request, "change a person"), _get(pk)
    if verb not in _VERBS:
        raise NotFound
    try:
        answer = _VERBS[verb](request, person, by)
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except (WrongState, LastAdministrator, AlreadyErased) as error:
        messages.error(request, error.detail)
    else:
        if answer:
            return answer
    return redirect("person", pk=pk)


def _change_roles(request: HttpRequest, person: User, by: Actor) -> None:
    _say(request, member_roles.change(person, _roles(request), reason=_reason(request), by=by))


def _change_email(request: HttpRequest, person: User, by: Actor) -> None:
    accounts.change_email(person, request.POST.get("email", ""), reason=_reason(request), by=by)
    _say(request, None)


def _change_last_day(request: HttpRequest, person: User, by: Actor) -> None:
    day = _day(request.POST.get("last_day", ""))
    _say(request, accounts.set_last_day(person, day, reason=_reason(request), by=by))


def _deactivate(request: HttpRequest, person: User, by: Actor) -> None:
    accounts.deactivate(person, reason=_reason(request), by=by)
    _say(request, None)


def _reactivate(request: HttpRequest, person: User, by: Actor) -> None:
    _say(request, accounts.reactivate(person, reason=_reason(request), by=by))


def _reset(request: HttpRequest, person: User, by: Actor) -> HttpResponse | None:
    proposal, link = accounts.reset_sign_in(person, reason=_reason(request), by=by)
    if proposal:
        _say(request, proposal)
        return None
    return _invited(request, person, link)


def _end_sessions(request: HttpRequest, person: User, by: Actor) -> None:
    accounts.end_sessions(person, reason=_reason(request), by=by)
    _say(request, None)


def _invite(request: HttpRequest, person: User, by: Actor) -> HttpResponse:
    return _invited(request, person, accounts.invite(person, by=by))


_VERBS: dict[str, Callable[[HttpRequest, User, Actor], HttpResponse | None]] = {
    "roles": _change_roles,
    "email": _change_email,
    "last-day": _change_last_day,
    "deactivate": _deactivate,
    "reactivate": _reactivate,
    "reset": _reset,
    "end-sessions": _end_sessions,
    "invite": _invite,
}


def _say(request: HttpRequest, proposal: Proposal | None) -> None:
    if proposal:
        messages.warning(request, _proposed())
    else:
        messages.success(request, _("Done; it stands in the audit trail."))


def _proposed() -> str:
    return _("This takes two: another administrator has to confirm it. All administrators and auditors are told.")


def _invited(request: HttpRequest, person: User, link: str) -> HttpResponse:
    """The link goes into this answer and nowhere else: a redirect would have to keep it."""
    return render(request, "invited.html", {"person": person, "link": link})


def _may_see(request: HttpRequest) -> Actor:
    by = actor_of(request)
    permissions.require(permissions.see_people(by), by=by, to="see people")
    return by


def _may_manage(request: HttpRequest, to: str) -> Actor:
    by = actor_of(request)
    permissions.require(permissions.manage_people(by), by=by, to=to)
    return by


def _people() -> QuerySet[User]:
    return User.objects.prefetch_related("role_grants__granted_by", "role_grants__proposal__proposed_by")


def _get(pk: int) -> User:
    person = _people().filter(pk=pk).first()
    if person is None:
        raise NotFound
    return person


def _proposals(by: Actor, person: User | None = None) -> list[proposals.Shown]:
    subject = person.ref if person else ""
    kinds = (Proposal.Kind.ROLE, Proposal.Kind.SIGN_IN)
    return [each for kind in kinds for each in proposals.shown(kind, by, subject=subject)]


def _roles(request: HttpRequest) -> list[Role]:
    given = request.POST.getlist("roles")
    if not set(given) <= set(Role):
        raise Invalid([Problem("/roles", "unknown_value", "Choose among the roles that are shown.")])
    return [Role(role) for role in given]


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "")


def _day(text: str) -> date | None:
    """A day as browsers send it, or none; raises ``Invalid``."""
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError as error:
        raise Invalid([Problem("/last_day", "wrong_format", "Give a day such as 2030-01-31, or none.")]) from error


def _new_form(request: HttpRequest, problems: list[Problem]) -> HttpResponse:
    errors: dict[str, list[str]] = {}
    for problem in problems:
        errors.setdefault(problem.pointer.strip("/") or "name", []).append(problem.detail)
    chosen = request.POST.getlist("roles")
    context = {
        "fields": {"values": request.POST.dict()},
        "errors": errors,
        "roles": [(role, role in chosen, role in GUARDED_ROLES) for role in Role],
    }
    return render(request, "person_new.html", context, status=400 if problems else 200)
