"""Composing a submission: choose the operation, fill in its fields, review the exact request, submit it."""

import copy
import json
import re
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from .. import batches, bulk, care, demo, drafting, effects, encryption, permissions, policies, spaces, submissions
from ..care import Review
from ..errors import Invalid, NotFound, NotReviewed, Problem
from ..models import Batch, Submission
from ..operations import BY_NAME, OPERATIONS
from ..validators import Request
from .actor import actor_of
from .fields import Fields, by_field, by_line, labels
from .pages import visible_or_404
from .panel import Panel, check, problems_of, taken_in

SHOWN = 20  # files of the table on the review, unless all are asked for
PREVIEWED = 10  # files in the preview of the request
PLACES = 5  # lines that are named with a warning


@require_GET
def new(request: HttpRequest) -> HttpResponse:
    """The operations to choose from, or the form of the chosen one: empty, or filled in ``from`` a submission.

    A demo fills it in with an ``example``, too.
    """
    by = actor_of(request)
    permissions.require(permissions.submit(by), by=by, to="submit")
    if "from" in request.GET:
        return _drafted(request)
    operation = BY_NAME.get(request.GET.get("operation", ""))
    if operation is None:
        rules = policies.current().rules
        approved = [each.name for each in OPERATIONS if rules[f"approvals.{each.name}"]]
        return render(request, "compose_operation.html", {"operations": OPERATIONS, "approved": approved})
    if settings.IS_DEMO and "example" in request.GET:
        return form(request, Panel(Fields.of(operation, demo.example(operation), origin="")))
    return form(request, Panel(Fields.empty(operation)))


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password", "sealed")
def review(request: HttpRequest) -> HttpResponse:
    """The exact request before it is submitted; the form again when something is wrong, or on the way back.

    Whoever had to sign in on the way here begins with what their browser kept of the form.
    """
    if request.method == "GET":
        return redirect("compose")
    if "back" in request.POST:
        fields, *_rest = _unseal(request)
        return form(request, Panel(fields))
    by, notes, id_ = actor_of(request), list[str](), None
    permissions.require(permissions.submit(by), by=by, to="submit")
    if "show" in request.POST:
        fields, id_, _shown = _unseal(request)
    else:
        fields = Fields.posted(request.POST)
    try:
        if upload := request.FILES.get("table"):
            fields, notes = taken_in(fields, upload, adding=False, by=by)
        checked = check(fields, by=by)
    except Invalid as error:
        in_rows = "in_rows" in request.POST
        panel = Panel(fields, error.problems, notes=notes, edits=in_rows, only_bad=in_rows)
        return form(request, panel, problems=list(error.problems))
    if not fields.targets.is_sure and not id_:
        notes.append(_("Look whether the columns are the right ones, then go on."))
        return form(request, Panel(fields, notes=notes))
    return _review(request, fields, checked, id_ or fields.review_id(by.key), notes=notes)


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("sealed")
def submit(request: HttpRequest) -> HttpResponse:
    """Submits what was reviewed, once: its id was chosen at the review."""
    if request.method == "GET":
        return redirect("compose")
    by = actor_of(request)
    permissions.require(permissions.submit(by), by=by, to="submit")
    fields, id_, shown = _unseal(request)
    said = _said(request, fields, shown)
    try:
        if len(fields.table.parts) > 1:
            return redirect("batch", pk=bulk.submit_reviewed(fields.table, by=by, as_id=id_, review=said).pk)
        made = submissions.submit(fields.table.parts[0].body, by=by, as_id=id_, review=said)
    except NotReviewed as error:
        return _review(request, fields, check(fields, by=by), id_, missing=error)
    except Invalid as error:
        found = problems_of(fields, by=by) or list(error.problems)
        return form(request, Panel(fields, found), problems=found)
    return redirect("submission", pk=made.pk)


@require_POST
@sensitive_post_parameters("password")
def preview(request: HttpRequest) -> HttpResponse:
    """What the form asks for so far, made by the same code as the review."""
    by = actor_of(request)
    permissions.require(permissions.submit(by), by=by, to="submit")
    return render(request, "components/preview.html", _preview(request, Fields.posted(request.POST)))


def form(
    request: HttpRequest, panel: Panel, *, problems: Sequence[Problem] = (), notes: Sequence[str] = ()
) -> HttpResponse:
    """The page of the form; ``problems`` are those that stand in the way, ``notes`` what the person has to know."""
    fields = panel.fields
    context = _preview(request, fields) | {
        "panel": panel,
        "fields": fields,
        "operation": fields.operation,
        "errors": by_field(problems),
        "has_problems": bool(problems),
        "is_posted": request.method == "POST",
        "notes": notes,
        "known_spaces": spaces.to_choose(),
    }
    return render(request, "compose.html", context, status=400 if problems else 200)


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
    return form(request, Panel(Fields.of(draft.operation, draft.values, origin=origin)), notes=draft.notes)


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


# --- The preview -----------------------------------------------------------------------------------------------------
def _preview(request: HttpRequest, fields: Fields) -> dict[str, Any]:
    by, found = actor_of(request), list[Problem]()
    context: dict[str, Any] = {}
    try:
        requests = [each for _row, each in check(fields, by=by).good]
    except Invalid as error:
        found, requests = list(error.problems), []
    if requests:
        context = {"applies": policies.applies(requests, by=by)[0], "warnings": _warnings(requests, fields)}
    files = len(fields.targets.rows)
    absent = [each for each in found if each.code == "required" or each.pointer == "/fileInfo"]
    others = [each for each in found if each not in absent]
    body = copy.deepcopy(requests[0].body if requests else fields.table.parts[0].sent if fields.table.parts else {})
    listed = body.get("taskInfo", {}).get("fileInfo", [])
    more = len(listed[PREVIEWED:])
    del listed[PREVIEWED:]
    return context | {
        "files_count": files,
        "parts_count": len(fields.table.parts) if files else 0,
        "is_complete": bool(requests),
        "lacking": [label for name, label in labels().items() if name in by_field(absent)],
        "wrong": dict.fromkeys(detail for said in by_field(others).values() for detail in said),
        "bad_count": len(by_line(found)),
        "body": _pretty(body),
        "more": more,
        "source": fields.values["source"].strip(),
        "target": fields.values["target"].strip(),
        "named": spaces.names([fields.values["source"].strip(), fields.values["target"].strip()]),
        "changes": _changes(request, fields),
        "is_clone": fields.clone_of is not None,
    }


def _changes(request: HttpRequest, fields: Fields) -> list[drafting.Change]:
    """What of a clone isn't as in its original; of one that may not be seen, nothing."""
    try:
        original = _origin(request, fields.clone_of)
    except NotFound:
        return []
    if original is None:
        return []
    return list(drafting.changes(original, fields.base(), [row for _number, row in fields.targets.rows]))


# --- The review ------------------------------------------------------------------------------------------------------
def _review(
    request: HttpRequest,
    fields: Fields,
    checked: bulk.Checked,
    id_: uuid.UUID,
    *,
    notes: Sequence[str] = (),
    missing: NotReviewed | None = None,
) -> HttpResponse:
    by, requests = actor_of(request), [each for _row, each in checked.good]
    first, applies = requests[0], policies.applies(requests, by=by, policy=checked.policy)[0]
    same = effects.same(requests, by=by, but=id_)
    context = _shown(request, checked) | {
        "fields": fields,
        "notes": notes,
        "checked": first,
        "files_count": sum(len(each.files) for each in requests),
        "applies": applies,
        "until": min(filter(None, [timezone.now() + applies.open_for, first.not_after])),
        "operation": first.operation,
        "same": same,
        "warnings": _warnings(requests, fields),
        "phrase": care.phrase_of(requests),
        "sealed": _seal(request, fields, id_, [str(each.row.pk) for each in same if each.row]),
        "missing": {problem.pointer: problem.detail for problem in missing.problems} if missing else {},
        "space_names": spaces.names([first.source, first.target]),
        "changes": _changes(request, fields),
        "made": _made(request, id_),
    }
    return render(request, "review.html", context, status=400 if missing else 200)


def _shown(request: HttpRequest, checked: bulk.Checked) -> dict[str, Any]:
    """The files, the first or all of them (``show=all``), and one of the requests (``part``, counted from 1)."""
    rows, requests = zip(*checked.good, strict=True)
    files = [
        (number, file)
        for row, each in zip(rows, requests, strict=True)
        for number, file in zip(row.lines, each.files, strict=True)
    ]
    asked = request.POST.get("part", "")
    part = min(max(int(asked[:5]), 1), len(requests)) if asked.isascii() and asked.isdigit() else 1
    return {
        "files": files if request.POST.get("show") == "all" else files[:SHOWN],
        "parts_count": len(requests),
        "part": part,
        "part_lines": (rows[part - 1].lines[0], rows[part - 1].lines[-1]),
        "part_files": len(requests[part - 1].files),
        "body": _pretty(requests[part - 1].body),
        "sha256": requests[part - 1].sha256,
        "batch_sha256": batches.sha256([each.sha256 for each in requests]) if len(requests) > 1 else "",
    }


def _warnings(requests: Sequence[Request], fields: Fields) -> list[tuple[str, int, list[int]]]:
    """Each text once: how often it was given, and the first lines that it is about, if it is about files."""
    counts = Counter[str]()
    lines: dict[str, list[int]] = {}
    for part, checked in zip(fields.table.parts, requests, strict=True):
        found = part.problems(checked.warnings)
        for problem in found:
            counts[problem.detail] += 1
            at, places = problem.pointer.split("/"), lines.setdefault(problem.detail, [])
            if at[1:2] == ["lines"] and len(places) < PLACES:
                places.append(int(at[2]))
    return [(detail, count, lines[detail]) for detail, count in counts.items()]


def _made(request: HttpRequest, id_: uuid.UUID) -> Submission | Batch | None:
    """What was submitted already by this review, as somebody sees it who comes back to its page."""
    kinds: tuple[type[Submission] | type[Batch], ...] = (Submission, Batch)
    found = (kind.objects.filter(pk=id_, person_id=request.user.pk).first() for kind in kinds)
    return next((each for each in found if each), None)


def _pretty(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, indent=2)


# --- The seal --------------------------------------------------------------------------------------------------------
def _seal(request: HttpRequest, fields: Fields, id_: uuid.UUID, shown: list[str]) -> str:
    """The composed fields, encrypted: the page may carry an archive's password, but nobody can read it there."""
    content = {"person": request.user.pk, "id": str(id_), "fields": fields.values, "shown": shown}
    return encryption.encrypt(json.dumps(content, ensure_ascii=False)).decode()


def _unseal(request: HttpRequest) -> tuple[Fields, uuid.UUID, frozenset[uuid.UUID]]:
    """The fields, the id that was chosen at the review, and the submissions with the same effect that it showed."""
    try:
        content: dict[str, Any] = json.loads(encryption.decrypt(request.POST.get("sealed", "").encode()))
    except (ImproperlyConfigured, ValueError):
        content = {}
    if content.get("person") != request.user.pk:
        raise Invalid([Problem("", "invalid", _("The reviewed request can't be read any more; compose it again."))])
    fields = Fields(BY_NAME[content["fields"]["operation"]], content["fields"])
    return fields, uuid.UUID(content["id"]), frozenset(map(uuid.UUID, content["shown"]))
