"""The REST calls that read the whole audit trail."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import listing, searching
from ..audit import read
from ..audit.read import Line
from ..audit.search import Query
from ..errors import Invalid, Problem, UnreadableLine
from . import documents
from .common import actor, neighbour
from .description import CURSOR, LIMIT, described, qualifiers, text
from .schemas import one_of

_OWN = ("cursor", "limit", "order", "afterSeq", "text")  # parameters that are no qualifiers of the search


class AuditEvents(APIView):
    """Newest first; or, with ``order=seq``, the sealed ones oldest first, for whoever copies the trail."""

    @described(
        "Search the audit trail",
        gives="AuditEvent",
        is_list=True,
        errors=(UnreadableLine,),
        parameters=[
            CURSOR,
            LIMIT,
            OpenApiParameter("order", one_of(["seq"]), description="Oldest first, sealed events only."),
            text("afterSeq", "With order=seq: events beyond this number.", pattern="^[0-9]{1,18}$"),
            text("text", "What must stand in the line."),
            text("since", "At this time or later; a day counts whole."),
            text("until", "Before this time; a day counts whole."),
            OpenApiParameter(
                "reads", one_of(["yes", "no", "true", "false"]), description="Also events that only tell of searching."
            ),
            *qualifiers(),
        ],
    )
    def get(self, request: Request) -> Response:
        by, parameters = actor(request), request.query_params
        searching.require(by)
        words = [word for word in parameters.getlist("text") if word]
        query = Query.of({name: values for name, values in parameters.lists() if name not in _OWN}, words)
        limit = listing.limit(parameters.get("limit"))
        if _is_onwards(request):
            lines, last = searching.onwards(query, after=_after(request), limit=limit, by=by)
            return Response(documents.listed(_shown(lines), older=neighbour(request, last, "afterSeq")))
        page = searching.search(query, cursor=parameters.get("cursor", ""), limit=limit, by=by)
        older, newer = neighbour(request, page.older), neighbour(request, page.newer)
        return Response(documents.listed(_shown(page.lines), older=older, newer=newer))


def _shown(lines: list[Line]) -> list[dict[str, Any]]:
    seals = read.seals([line.seq for line in lines])
    return [line.parsed | {"hash": line.hash, "seal": seals.get(line.seq), "line": line.text} for line in lines]


def _is_onwards(request: Request) -> bool:
    order, after = request.query_params.get("order", ""), request.query_params.get("afterSeq")
    if order not in ("", "seq"):
        raise Invalid([Problem("order", "invalid", "Give seq, or leave it out for the newest first.")])
    if after is not None and not order:
        raise Invalid([Problem("afterSeq", "unexpected", "Give order=seq with it.")])
    if order and "cursor" in request.query_params:
        raise Invalid([Problem("cursor", "unexpected", "With order=seq, go on by afterSeq.")])
    return bool(order)


def _after(request: Request) -> int:
    text = request.query_params.get("afterSeq") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid([Problem("afterSeq", "invalid", "Give the number of an event.")])
    return int(text)
