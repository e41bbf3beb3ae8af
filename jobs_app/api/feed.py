"""The REST call that a service reads instead of asking after each of its submissions."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import feed, listing, permissions
from ..errors import Invalid, Problem, TooManyWaiting
from . import documents
from .common import actor, neighbour
from .description import LIMIT, described, text


class Changes(APIView):
    """Changes of state, oldest first; ``next`` always says where to go on, also when there is nothing yet."""

    @described(
        "Changes of state, oldest first",
        gives="Change",
        is_list=True,
        errors=(TooManyWaiting,),
        parameters=[
            LIMIT,
            text("after", "A position as an answer gave it, or now.", pattern="^([0-9]{1,18}|now)$"),
            OpenApiParameter(
                "wait", {"type": "number", "minimum": 0, "maximum": feed.LONGEST_WAIT}, description="Seconds."
            ),
        ],
    )
    def get(self, request: Request) -> Response:
        by, parameters = actor(request), request.query_params
        permissions.require(permissions.read_submissions(by), by=by, to="read_submissions")
        limit, after = listing.limit(parameters.get("limit")), parameters.get("after", "0")
        if after == "now":
            return Response(documents.listed([], older=neighbour(request, feed.newest(), "after")))
        found = feed.changes(after=_position(after), limit=limit, wait=_wait(parameters.get("wait")), by=by)
        shown = [each.as_json() for each in found.changes]
        return Response(documents.listed(shown, older=neighbour(request, found.position, "after")))


def _position(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid([Problem("after", "invalid", "Give a position as an answer gave it, now, or leave it out.")])
    return int(text)


def _wait(text: str | None) -> float:
    try:
        seconds = float(text or 0) if "_" not in (text or "") else -1
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= feed.LONGEST_WAIT:
        raise Invalid([Problem("wait", "invalid", f"Give seconds between 0 and {feed.LONGEST_WAIT:g}.")])
    return seconds
