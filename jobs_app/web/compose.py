"""Composing a submission: choose the operation, fill in its fields, review the exact request, submit it."""

import json
import re
import uuid
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from .. import care, drafting, effects, encryption, permissions, policies, spaces, submissions
from ..care import Review
from ..errors import Invalid, NotFound, NotReviewed, Problem
from ..models import Submission
from ..operations import BY_NAME, OPERATIONS
from ..validators import Request
from .actor import actor_of
from .fields import Fields
from .pages import visible_or_404


@require_GET
def new(request: HttpRequest) -> HttpResponse:
    """The operations to choose from, or the form of the chosen one: empty, or filled in ``from`` a submission."""
    by = actor_of(request)
    permissions.require(permissions.submit(by), by=by, to="submit")
    if "from" in request.GET:
        return _drafted(request)
    operation = BY_NAME.get(request.GET.get("operation", ""))
    if operation is None:
        rules = policies.current().rules
        approved = [each.name for each in OPERATIONS if rules[f"approvals.{each.name}"]]
        return render(request, "compose_operation.html", {"operations": OPERATIONS, "approved": approved})
    return _form(request, Fields.empty(operation), [])


@require_POST
@sensitive_post_parameters("password", "sealed")
def review(request: HttpRequest) -> HttpResponse:
    """The exact request before it is submitted; the form again when something is wrong, or on the way back."""
    if "back" in request.POST:
        fields, *_ = _unseal(request)
        return _form(request, fields, [])
    fields = Fields.posted(request.POST)
    try:
        checked = submissions.check(fields.document(), by=actor_of(request))
    except Invalid as error:
        return _form(request, fields, list(error.problems))
    return _review(request, fields, checked, uuid.uuid4())


@require_POST
@sensitive_post_parameters("sealed")
def submit(request: HttpRequest) -> HttpResponse:
    """Submits what was reviewed, once: its id was chosen at the review."""
    fields, id_, shown = _unseal(request)
    by, document = actor_of(request), fields.document()
    try:
        made = submissions.submit(document, by=by, as_id=id_, review=_said(request, fields, shown))
    except NotReviewed as error:
        return _review(request, fields, submissions.check(document, by=by), id_, missing=error)
    except Invalid as error:
        return _form(request, fields, list(error.problems))
    return redirect("submission", pk=made.pk)


def _drafted(request: HttpRequest) -> HttpResponse:
    """A clone, with ``files=none`` without its files; with ``as``, a draft that undoes it or goes on with its files."""
    try:
        row = visible_or_404(request, uuid.UUID(request.GET["from"]))
    except ValueError:
        raise NotFound from None
    is_clone = "as" not in request.GET
    if is_clone:
        draft = drafting.clone(row, with_files=request.GET.get("files") != "none")
    elif request.GET["as"] == "extract_some":
        rows = [int(each) for each in request.GET.getlist("entry") if re.fullmatch("[0-9]{1,9}", each)]
        draft = drafting.extract(row, rows, by=actor_of(request))
    else:
        draft = drafting.follow(row, request.GET["as"], by=actor_of(request))
    origin = f"{'clone' if is_clone else 'follow'}:{row.pk}"
    return _form(request, Fields.of(draft.operation, draft.values, origin=origin), [], notes=draft.notes)


def _said(request: HttpRequest, fields: Fields, shown: frozenset[uuid.UUID]) -> Review:
    """What the person did on the page of the review."""
    return Review(
        acknowledged="acknowledged" in request.POST,
        shown=shown,
        phrase=request.POST.get("phrase", ""),
        clone_of=_origin(request, fields.clone_of),
        follows=_origin(request, fields.follows),
    )


def _origin(request: HttpRequest, pk: uuid.UUID | None) -> Submission | None:
    return visible_or_404(request, pk) if pk else None


def _form(request: HttpRequest, fields: Fields, problems: list[Problem], *, notes: Sequence[str] = ()) -> HttpResponse:
    context = {
        "fields": fields,
        "operation": fields.operation,
        "errors": fields.errors(problems),
        "notes": notes,
        "known_spaces": spaces.to_choose(),
    }
    return render(request, "compose.html", context, status=400 if problems else 200)


def _review(
    request: HttpRequest, fields: Fields, checked: Request, id_: uuid.UUID, *, missing: NotReviewed | None = None
) -> HttpResponse:
    by = actor_of(request)
    same = effects.same(checked, by=by, but=id_)
    [applies] = policies.applies([checked], by=by)
    context = {
        "fields": fields,
        "checked": checked,
        "applies": applies,
        "operation": checked.operation,
        "body": json.dumps(checked.body, ensure_ascii=False, indent=2),
        "same": same,
        "phrase": care.phrase_of([checked]),
        "sealed": _seal(request, fields, id_, [str(each.row.pk) for each in same if each.row]),
        "missing": {problem.pointer: problem.detail for problem in missing.problems} if missing else {},
        "space_names": spaces.names([checked.source, checked.target]),
    }
    return render(request, "review.html", context, status=400 if missing else 200)


def _seal(request: HttpRequest, fields: Fields, id_: uuid.UUID, shown: list[str]) -> str:
    """The composed fields, encrypted: the page may carry an archive's password, but nobody can read it there."""
    content = {"person": request.user.pk, "id": str(id_), "fields": fields.values, "shown": shown}
    return encryption.encrypt(json.dumps(content)).decode()


def _unseal(request: HttpRequest) -> tuple[Fields, uuid.UUID, frozenset[uuid.UUID]]:
    """The fields, the id that was chosen at the review, and the submissions with the same effect that it showed."""
    try:
        content: dict[str, Any] = json.loads(encryption.decrypt(request.POST.get("sealed", "").encode()))
    except (ImproperlyConfigured, ValueError):
        content = {}
    if content.get("person") != request.user.pk:
        raise Invalid([Problem("", "invalid", "The reviewed request can't be read any more; compose it again.")])
    fields = Fields(BY_NAME[content["fields"]["operation"]], content["fields"])
    return fields, uuid.UUID(content["id"]), frozenset(map(uuid.UUID, content["shown"]))
