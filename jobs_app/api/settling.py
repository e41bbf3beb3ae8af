"""The REST calls about a submission whose outcome is unknown: the evidence, and a person's decision."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import evidence, permissions, resolving
from ..documents import LONGEST_TEXT, Reader
from ..errors import Invalid, NotFound, PeopleOnly, TaskTaken, WrongState
from . import documents
from .common import actor, visible
from .description import described

_NONE_YET: dict[str, Any] = {"checkedAt": None, "complete": False, "verdict": None, "candidates": []}
_DECISIONS = ("bind", "close")


class Evidence(APIView):
    """What the last look into KooDrive found."""

    @described("What was found in KooDrive about a doubt", gives="Evidence", errors=(NotFound,))
    def get(self, request: Request, pk: UUID) -> Response:
        found = evidence.of(visible(actor(request), pk)) or _NONE_YET
        return Response({name: found[name] for name in _NONE_YET})


class Resolve(APIView):
    """One person's decision: which task it is, or that nobody can tell."""

    @described(
        "Settle a doubt",
        takes="Resolution",
        gives="Submission",
        errors=(NotFound, PeopleOnly, WrongState, TaskTaken),
    )
    def post(self, request: Request, pk: UUID) -> Response:
        by = actor(request)
        row = visible(by, pk)
        permissions.require(permissions.settle(by, row), by=by, to="settle", submission=row)
        task_id, reason = _read(request.data)
        if task_id is None:
            return Response(documents.submission(resolving.close(row, reason=reason, by=by)))
        return Response(documents.submission(resolving.bind(row, task_id=task_id, reason=reason, by=by)))


def _read(values: object) -> tuple[str | None, str]:
    """The task to bind, None to close, and the reason; raises ``Invalid`` with everything that is wrong."""
    reader = Reader()
    body: Mapping[str, Any] = reader.mapping(values, "", {"decision", "taskId", "reason"}) or {}
    decision = reader.text(body, "decision", "", required=True)
    task_id = reader.text(body, "taskId", "", required=decision == "bind", nullable=decision == "close")
    reason = reader.text(body, "reason", "", required=True, longest=LONGEST_TEXT)
    if decision and decision not in _DECISIONS:
        reader.add("/decision", "invalid", f"Give one of {', '.join(_DECISIONS)}.")
    if decision == "close" and task_id:
        reader.add("/taskId", "unexpected", "Leave the task out to close the submission, or bind it.")
    if reader.problems:
        raise Invalid(reader.problems)
    return task_id if decision == "bind" else None, reason or ""
