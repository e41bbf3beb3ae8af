"""What the REST calls share: who calls, what they may see, and answers that several give."""

from typing import cast
from uuid import UUID

from django.http import QueryDict
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from .. import permissions
from ..actors import Actor
from ..errors import NotFound
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


def created(request: Request, made: Submission) -> Response:
    headers = {"Location": request.build_absolute_uri(f"/api/v1/submissions/{made.pk}/")}
    return Response(documents.submission(made), status=status.HTTP_201_CREATED, headers=headers)
