"""The policy: every person reads it, administrators change it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from .. import permissions, policies, policymaking, rulebook
from ..errors import Invalid, Problem, WrongState
from ..models import Policy, Proposal
from ..operations import OPERATIONS
from ..rulebook import SPACE, Rules
from . import proposals
from .actor import actor_of

SHOWN = 10
_NUMBER = re.compile(r"[0-9]{1,18}")
_WARNINGS = {
    "target_folder_missing": gettext_noop("no target folder is given"),
    "file_path_missing": gettext_noop("a file has no path, so that it may be impossible to restore it"),
}
_OWNERS = {"person": gettext_noop("A person"), "service": gettext_noop("A service")}


@dataclass(frozen=True)
class Version:
    """A policy of former times, and which rules it changed: name, before, after."""

    row: Policy
    changes: list[tuple[str, Any, Any]]


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """What is in force; posted to, it becomes what the form says, or part of that is proposed."""
    by = actor_of(request)
    permissions.require(permissions.see_policy(by), by=by, to="see the policy")
    if request.method == "GET":
        return _page(request, _texts(policies.current().rules), [])
    given = request.POST.dict() | {"refused_warnings": request.POST.getlist("refused_warnings")}
    version = request.POST.get("version", "")
    try:
        done = policymaking.change(
            given,
            version=int(version) if _NUMBER.fullmatch(version) else -1,
            reason=request.POST.get("reason", ""),
            by=by,
        )
    except Invalid as error:
        return _page(request, given, list(error.problems))
    except WrongState as error:
        messages.error(request, error.detail)
        return redirect("policy")
    if at_once := len(done.at_once):
        said = ngettext("%d rule holds from now on.", "%d rules hold from now on.", at_once)
        messages.success(request, said % at_once)
    if waits := len(done.proposed):
        said = ngettext(
            "%d rule would be looser and waits for another administrator.",
            "%d rules would be looser and wait for another administrator.",
            waits,
        )
        messages.warning(request, said % waits)
    return redirect("policy")


@require_POST
def end_set_up(request: HttpRequest) -> HttpResponse:
    try:
        policymaking.end_set_up(reason=request.POST.get("reason", ""), by=actor_of(request))
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except WrongState as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("The set-up phase is over: what is looser takes two administrators from now on."))
    return redirect("policy")


def _page(request: HttpRequest, values: Mapping[str, Any], problems: list[Problem]) -> HttpResponse:
    by = actor_of(request)
    errors: dict[str, list[str]] = {}
    for problem in problems:
        errors.setdefault(problem.pointer.strip("/"), []).append(problem.detail)
    context = {
        "in_force": policies.current(),
        "fields": {"values": values},
        "errors": errors,
        "operations": [(each.label, _names(each.name)) for each in OPERATIONS],
        "budgets": [(_OWNERS[owner], [f"budget.{owner}.{each}" for each in rulebook.BUDGETS]) for owner in _OWNERS],
        "warnings": list(_WARNINGS.items()),
        "may_change": permissions.change_policy(by) is None,
        "proposals": proposals.shown(Proposal.Kind.POLICY, by),
        "history": list(_history()),
    }
    return render(request, "policy.html", context, status=400 if problems else 200)


def _names(operation: str) -> list[str]:
    return [f"{kind}.{operation}" for kind in ("approvals", "above", "approvals_above")]


def _texts(rules: Rules) -> dict[str, Any]:
    """The rules as the form shows them; an empty field is no limit."""
    texts = {name: "" if value is None else value for name, value in rules.items()}
    spaces = [f"{name.removeprefix(SPACE)} {count}" for name, count in rules.items() if name.startswith(SPACE)]
    return texts | {"spaces": "\n".join(spaces)}


def _history() -> Iterator[Version]:
    rows = list(Policy.objects.select_related("by").order_by("-pk")[: SHOWN + 1])
    for n, row in enumerate(rows[:SHOWN]):
        before = rows[n + 1].rules if n + 1 < len(rows) else rulebook.DEFAULTS
        found = rulebook.changed({**rulebook.DEFAULTS, **before}, {**rulebook.DEFAULTS, **row.rules})
        yield Version(row, [(name, *pair) for name, pair in found.items()])
