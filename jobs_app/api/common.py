"""What the REST calls share: who calls, what they may see, and answers that several give."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from django.http import QueryDict
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from .. import batches, idempotency, permissions, submissions
from ..actors import Actor
from ..documents import LONGEST_TEXT, Reader
from ..errors import Invalid, NotFound, Problem
from ..idempotency import Call
from ..models import Batch, Submission
from . import documents

Made = TypeVar("Made", Submission, Batch)


def actor(request: Request) -> Actor:
    return cast(Actor, request.auth)


def visible(by: Actor, pk: UUID) -> Submission:
    row = permissions.visible_to(by).with_people().filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def neighbour(request: Request, cursor: str | int | None, parameter: str = "cursor") -> str | None:
    """The address of a neighbouring page: this one's, with its cursor."""
    if cursor is None:
        return None
    parameters: QueryDict = request.query_params.copy()
    parameters[parameter] = str(cursor)
    return request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")


def made_once(request: Request, what: str, make: Callable[[Call | None], Submission]) -> Response:
    """The answer to a call that makes a submission and may carry an ``Idempotency-Key``."""
    return _once(request, "submissions", (what, request.data), make, submissions.get, documents.submission)


def batch_made_once(request: Request, call: tuple[str, Any], make: Callable[[Call | None], Batch]) -> Response:
    """The same for a call that makes a batch; ``call`` is its name and all that it says."""
    return _once(request, "batches", call, make, batches.get, documents.results)


def _once(
    request: Request,
    kind: str,
    said: tuple[str, Any],
    make: Callable[[Call | None], Made],
    get: Callable[[UUID], Made],
    shown: Callable[[Made], dict[str, Any]],
) -> Response:
    call = idempotency.call(request.headers.get("Idempotency-Key"), *said, by=actor(request))
    made, is_replayed = idempotency.once(call, lambda: make(call), get)
    headers = {"Location": request.build_absolute_uri(f"/api/v1/{kind}/{made.pk}/")}
    if is_replayed:
        return Response(shown(made), headers=headers | {"Idempotency-Replayed": "true"})
    return Response(shown(made), status=status.HTTP_201_CREATED, headers=headers)


def decision_in(request: Request) -> tuple[str, str]:
    """The hash of what was looked at, and the comment."""
    reader = Reader()
    body = reader.mapping(request.data, "", {"comment", "requestSha256"}) or {}
    sha256 = reader.text(body, "requestSha256", "", required=True)
    comment = reader.text(body, "comment", "", nullable=True, longest=LONGEST_TEXT)
    if reader.problems:
        raise Invalid(reader.problems)
    return sha256 or "", comment or ""


def retry_in(request: Request) -> tuple[str, str | None]:
    """The reason, which may be the service's usual one, and the archive's password if there is one."""
    reader, usual = Reader(), actor(request).default_reason
    body = reader.mapping(request.data, "", {"reason", "password"}) or {}
    reason = reader.text(body, "reason", "", required=not usual, longest=LONGEST_TEXT)
    password = reader.text(body, "password", "", nullable=True)
    if reader.problems:
        raise Invalid(reader.problems)
    return reason or usual, password


def refuse_fields(request: Request) -> None:
    """A field that nothing reads was meant to do something."""
    if request.data or not isinstance(request.data, Mapping):
        raise Invalid([Problem("", "unknown_field", "Send no body here, or an empty object.")])
