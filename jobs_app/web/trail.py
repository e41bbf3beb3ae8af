"""The trail as auditors read it: the search, one event with its proof, and having the whole checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from .. import health, searching, spaces, verifying
from ..audit import read
from ..audit.actions import Action, meaning
from ..audit.qualifiers import OUTCOMES
from ..audit.read import Line
from ..audit.search import Query
from ..errors import Invalid, Problem, WrongState
from ..operations import OPERATIONS
from .actor import actor_of
from .pages import with_cursor

FIELDS = (
    *("action", "actor", "outcome", "operation", "submission", "file", "task", "reference", "space", "batch"),
    *("token", "request", "ip", "since", "until", "reads"),
)
FILES_SHOWN = 20


@dataclass(frozen=True)
class Row:
    """An event as a line of the list."""

    seq: int
    at: str
    action: str
    meaning: str
    outcome: str
    actor: str
    channel: str
    object: str
    submission: str


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """The search; filled-in fields are written into its line first, so that the line is all that an address holds."""
    searching.require(actor_of(request))
    if "fields" in request.GET:
        return _line_of_fields(request)
    line = request.GET.get("q", "")
    try:
        query = Query.read(line)
        page = searching.search(query, cursor=request.GET.get("cursor", ""), by=actor_of(request))
    except Invalid as error:
        return _page(request, line, {}, problems=error.problems)
    found = {
        "query": query,
        "page": page,
        "rows": _rows(page.lines),
        "older": with_cursor(request, page.older),
        "newer": with_cursor(request, page.newer),
    }
    return _page(request, line, found)


@require_GET
def event(request: HttpRequest, seq: int) -> HttpResponse:
    """One event: its exact line, its hash, its seal, and where to go on from it. Into the list it comes as a part."""
    line = searching.event(seq, by=actor_of(request))
    about = line.parsed["event"]
    context = {
        "space_names": spaces.names(about[name] for name in ("space", "sourceSpace") if name in about),
        "row": _rows([line])[0],
        "line": line,
        "document": line.parsed,
        "seal": read.seal_of(seq),
        "onwards": _onwards(about),
    }
    return render(request, "components/event.html" if "HX-Request" in request.headers else "event.html", context)


@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Has the whole trail checked now, by a worker."""
    try:
        verifying.have_verified(by=actor_of(request))
    except WrongState as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("A worker checks the whole trail now; load this page again for the result."))
    return redirect("audit")


def _page(
    request: HttpRequest, line: str, found: Mapping[str, Any], problems: tuple[Problem, ...] = ()
) -> HttpResponse:
    proof = read.last_proof()
    query = found.get("query", Query())
    context = {
        "line": line,
        "problems": problems,
        "proof": proof,
        "is_stale": proof is not None and health.is_proof_stale(),
        "extent": read.extent(),
        "actions": list(Action),
        "operations": OPERATIONS,
        "outcomes": OUTCOMES,
        "values": {name: ",".join(values) for name, values in query.filters.items()},
        "words": " ".join(query.words),
        **found,
    }
    return render(request, "audit.html", context, status=400 if problems else 200)


def _line_of_fields(request: HttpRequest) -> HttpResponse:
    given = {name: values for name, values in request.GET.lists() if name in FIELDS and any(values)}
    words = request.GET.get("text", "")
    try:
        line = Query.of(given, Query.read(words).words).line
    except Invalid as error:
        line = " ".join([*(f"{name}:{value}" for name, values in given.items() for value in values), words])
        return _page(request, line, {}, problems=error.problems)
    return redirect(f"{reverse('audit')}?{urlencode({'q': line})}" if line else "audit")


def _rows(lines: list[Line]) -> list[Row]:
    documents = [line.parsed for line in lines]
    names = read.names({document["event"]["actor"]["id"] for document in documents})
    return [_row(document, names) for document in documents]


def _row(document: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    event = document["event"]
    actor = event["actor"]["id"]
    return Row(
        seq=document["seq"],
        at=document["at"],
        action=event["action"],
        meaning=meaning(event["action"]),
        outcome=event["outcome"],
        actor=f"{names[actor]} ({actor})" if names.get(actor, actor) not in actor else actor,
        channel=event["channel"],
        object=_object(event),
        submission=event.get("submission", ""),
    )


def _object(event: Mapping[str, Any]) -> str:
    """What the event is about, where that isn't a submission."""
    told = (event.get(name) for name in ("person", "service", "token", "cause", "query", "export", "to", "space"))
    return next((str(each) for each in told if each is not None), "")


def _onwards(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Searches for all that has to do with an event: a label and the address of each."""
    files = event.get("request", {}).get("taskInfo", {}).get("fileInfo", [])
    wanted = [
        (_("this request"), "request", event.get("requestId")),
        (_("this submission"), "submission", event.get("submission")),
        (_("this batch"), "batch", event.get("batch")),
        (_("this space"), "space", event.get("space")),
        (_("this KooDrive task"), "task", event.get("task")),
        (_("this actor"), "actor", event["actor"]["id"]),
        *((_("the file %s") % _label(event, file), "file", file["fileId"]) for file in files[:FILES_SHOWN]),
    ]
    return [(label, _address(name, value)) for label, name, value in wanted if value]


def _label(event: Mapping[str, Any], file: Mapping[str, str]) -> str:
    return str(event.get("labels", {}).get(file["fileId"], file["fileId"]))


def _address(name: str, value: str) -> str:
    return f"{reverse('audit')}?{urlencode({'q': Query({name: (value,)}).line})}"
