"""Composing a submission: choose the operation, fill in its fields, review the exact request, submit it."""

import json
import uuid
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from .. import encryption, permissions, policies, submissions
from ..errors import Invalid, Problem
from ..operations import BY_NAME, OPERATIONS
from ..validators import Request
from .actor import actor_of
from .fields import Fields


@require_GET
def new(request: HttpRequest) -> HttpResponse:
    """The operations to choose from, or the empty form of the chosen one."""
    by = actor_of(request)
    permissions.require(permissions.submit(by), by=by, to="submit")
    operation = BY_NAME.get(request.GET.get("operation", ""))
    if operation is None:
        rules = policies.current().rules
        approved = [each.name for each in OPERATIONS if rules[f"approvals.{each.name}"]]
        return render(request, "compose_operation.html", {"operations": OPERATIONS, "approved": approved})
    return _form(request, Fields.empty(operation), [])


@require_POST
@sensitive_post_parameters("password", "sealed")
@never_cache
def review(request: HttpRequest) -> HttpResponse:
    """The exact request before it is submitted; the form again when something is wrong, or on the way back."""
    if "back" in request.POST:
        fields, _ = _unseal(request)
        return _form(request, fields, [])
    fields = Fields.posted(request.POST)
    try:
        checked = submissions.check(fields.document(), by=actor_of(request))
    except Invalid as error:
        return _form(request, fields, list(error.problems))
    return _review(request, fields, checked, uuid.uuid4())


@require_POST
@sensitive_post_parameters("sealed")
@never_cache
def submit(request: HttpRequest) -> HttpResponse:
    """Submits what was reviewed, once: its id was chosen at the review."""
    fields, id_ = _unseal(request)
    try:
        checked = submissions.check(fields.document(), by=actor_of(request))
        if checked.warnings and "acknowledged" not in request.POST:
            return _review(request, fields, checked, id_, must_acknowledge=True)
        made = submissions.submit(fields.document(), by=actor_of(request), as_id=id_)
    except Invalid as error:
        return _form(request, fields, list(error.problems))
    return redirect("submission", pk=made.pk)


def _form(request: HttpRequest, fields: Fields, problems: list[Problem]) -> HttpResponse:
    context = {"fields": fields, "operation": fields.operation, "errors": fields.errors(problems)}
    return render(request, "compose.html", context, status=400 if problems else 200)


def _review(
    request: HttpRequest, fields: Fields, checked: Request, id_: uuid.UUID, *, must_acknowledge: bool = False
) -> HttpResponse:
    [applies] = policies.applies([checked], by=actor_of(request))
    context = {
        "checked": checked,
        "applies": applies,
        "operation": checked.operation,
        "body": json.dumps(checked.body, ensure_ascii=False, indent=2),
        "sealed": _seal(request, fields, id_),
        "must_acknowledge": must_acknowledge,
    }
    return render(request, "review.html", context, status=400 if must_acknowledge else 200)


def _seal(request: HttpRequest, fields: Fields, id_: uuid.UUID) -> str:
    """The composed fields, encrypted: the page may carry an archive's password, but nobody can read it there."""
    content = {"person": request.user.pk, "id": str(id_), "fields": fields.values}
    return encryption.encrypt(json.dumps(content)).decode()


def _unseal(request: HttpRequest) -> tuple[Fields, uuid.UUID]:
    try:
        content: dict[str, Any] = json.loads(encryption.decrypt(request.POST.get("sealed", "").encode()))
    except (ImproperlyConfigured, ValueError):
        content = {}
    if content.get("person") != request.user.pk:
        raise Invalid([Problem("", "invalid", "The reviewed request can't be read any more; compose it again.")])
    return Fields(BY_NAME[content["fields"]["operation"]], content["fields"]), uuid.UUID(content["id"])
