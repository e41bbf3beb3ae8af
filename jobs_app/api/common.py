"""What the REST calls share: who calls, what they may see, and answers that several give."""

from collections.abc import Callable
from typing import cast
from uuid import UUID

from django.http import QueryDict
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from .. import idempotency, permissions, submissions
from ..actors import Actor
from ..errors import NotFound
from ..idempotency import Call
from ..models import Submission
from . import documents


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
    call = idempotency.call(request.headers.get("Idempotency-Key"), what, request.data, by=actor(request))
    made, is_replayed = idempotency.once(call, lambda: make(call), submissions.get)
    headers = {"Location": request.build_absolute_uri(f"/api/v1/submissions/{made.pk}/")}
    if is_replayed:
        return Response(documents.submission(made), headers=headers | {"Idempotency-Replayed": "true"})
    return Response(documents.submission(made), status=status.HTTP_201_CREATED, headers=headers)
