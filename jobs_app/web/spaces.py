"""The pages of the directory of spaces: all of them, one of them, and the whole directory as a table."""

from collections.abc import Mapping

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from .. import directory, directory_table, permissions
from ..documents import FORBIDDEN
from ..errors import Invalid, NotFound, Problem, TooLarge, WrongState
from ..models import Proposal, Space, User
from . import proposals, tables
from .actor import actor_of

SHOWN = 200
PROBLEMS_SHOWN = 100


@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """The directory by name; ``q`` narrows it by a part of name or id, ``rule`` to those for which one stands."""
    return _list(request)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The empty form; posted to, it adds the space and leads to it."""
    by = actor_of(request)
    permissions.require(permissions.manage_spaces(by), by=by, to="add a space")
    if request.method == "GET":
        return _form(request, None, {"spaceId": request.GET.get("id", "")}, [])
    values, reason = _posted(request), request.POST.get("reason", "")
    try:
        made = directory.add(request.POST.get("spaceId", "").strip(), values, reason=reason, by=by)
    except Invalid as error:
        return _form(request, None, request.POST.dict(), list(error.problems))
    except WrongState as error:
        messages.error(request, error.detail)
        return redirect("spaces")
    messages.success(request, _("The space is in the directory."))
    return redirect("space", pk=made.pk)


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """One space; posted to, it becomes what the form says, or what loosens it is proposed."""
    by = actor_of(request)
    permissions.require(permissions.see_spaces(by), by=by, to="see spaces")
    space = _get(pk)
    if request.method == "GET":
        return _form(request, space, _values(space), [])
    values = _posted(request)
    if values.get("hold") == "" and "lift" not in request.POST:
        unnamed = Problem("/hold", "required", _("Name the matter that asks for the hold."))
        return _form(request, space, _values(space), [unnamed])
    try:
        proposal = directory.change(space, values, reason=request.POST.get("reason", ""), by=by)
    except Invalid as error:
        return _form(request, space, _values(space) | request.POST.dict(), list(error.problems))
    except WrongState as error:
        messages.error(request, error.detail)
        return redirect("space", pk=pk)
    if proposal:
        messages.warning(request, _("What loosens a rule waits for another administrator; the rest is done."))
    else:
        messages.success(request, _("The space is as you said; it stands in the audit trail."))
    return redirect("space", pk=pk)


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        directory.remove(_get(pk), reason=request.POST.get("reason", ""), by=actor_of(request))
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except WrongState as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("The space isn't in the directory any more."))
        return redirect("spaces")
    return redirect("space", pk=pk)


@require_POST
def take_over(request: HttpRequest) -> HttpResponse:
    """Takes a table over, or shows everything that is wrong with it."""
    by, table = actor_of(request), request.FILES.get("table")
    permissions.require(permissions.manage_spaces(by), by=by, to="import spaces")
    try:
        content = table.read(directory_table.LARGEST + 1) if table else b""
        added, changed = directory_table.take_over(content, reason=request.POST.get("reason", ""), by=by)
    except Invalid as error:
        return _list(request, list(error.problems))
    except (TooLarge, WrongState) as error:
        return _list(request, [Problem("", error.code, error.detail)])
    said = ngettext("%(n)s space was added", "%(n)s spaces were added", added) % {"n": added}
    rest = ngettext("%(n)s was there already.", "%(n)s were there already.", changed) % {"n": changed}
    messages.success(request, f"{said}; {rest}")
    return redirect("spaces")


@require_GET
def table(request: HttpRequest) -> StreamingHttpResponse:
    by = actor_of(request)
    permissions.require(permissions.see_spaces(by), by=by, to="see spaces")
    return tables.answer(directory_table.lines(), "koodrive-spaces.csv")


def _list(request: HttpRequest, problems: list[Problem] | None = None) -> HttpResponse:
    by = actor_of(request)
    permissions.require(permissions.see_spaces(by), by=by, to="see spaces")
    wanted, rule = FORBIDDEN.sub("", request.GET.get("q", "")).strip(), request.GET.get("rule", "")
    rows = Space.objects.select_related("owner").order_by("name", "space_id")
    if wanted:
        rows = rows.filter(Q(name__icontains=wanted) | Q(space_id__icontains=wanted))
    if rule:
        held = ~Q(hold="") & (Q(hold_until=None) | Q(hold_until__gt=timezone.now()))
        rows = rows.filter(Q(protected=True) | Q(approval_always=True) | held)
    found = list(rows[: SHOWN + 1])
    context = {
        "spaces": [(space, space.is_held(timezone.now())) for space in found[:SHOWN]],
        "has_more": len(found) > SHOWN,
        "shown": SHOWN,
        "q": wanted,
        "rule": rule,
        "may_manage": permissions.manage_spaces(by) is None,
        "proposals": proposals.shown(Proposal.Kind.SPACE, by),
        "columns": directory_table.COLUMNS,
        "problems": (problems or [])[:PROBLEMS_SHOWN],
        "more_problems": max(len(problems or []) - PROBLEMS_SHOWN, 0),
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "spaces.html", context, status=400 if problems else 200)


def _form(
    request: HttpRequest, space: Space | None, values: Mapping[str, str], problems: list[Problem]
) -> HttpResponse:
    by, errors = actor_of(request), dict[str, list[str]]()
    for problem in problems:
        errors.setdefault(problem.pointer.strip("/"), []).append(problem.detail)
    context = {
        "space": space,
        "is_held": space is not None and space.is_held(timezone.now()),
        "may_manage": permissions.manage_spaces(by) is None,
        "people": User.objects.present().exclude(role_grants=None).order_by("username"),
        "fields": {"values": values},
        "errors": errors,
        "proposals": proposals.shown(Proposal.Kind.SPACE, by, subject=space.ref) if space else [],
    }
    return render(request, "space.html", context, status=400 if problems else 200)


def _posted(request: HttpRequest) -> dict[str, str]:
    """What the form says: of those that it has, and of its boxes whether they are ticked."""
    values = {name: request.POST[name].strip() for name in directory.FIELDS if name in request.POST}
    boxes = [name for name in ("protected", "approvalAlways") if name in request.POST.getlist("boxes")]
    return values | {name: directory.YES if name in request.POST else directory.NO for name in boxes}


def _values(space: Space) -> dict[str, str]:
    """As the form has them; the last day of a hold that ends with a day."""
    told = {name: value for name, value in directory.told(space).items() if isinstance(value, str) and value}
    flags = {"protected": space.protected, "approvalAlways": space.approval_always}
    owner = {"owner": space.owner.get_username() if space.owner else "", "spaceId": space.space_id}
    return told | {name: directory.YES for name, is_set in flags.items() if is_set} | owner


def _get(pk: int) -> Space:
    found = Space.objects.select_related("owner").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found
