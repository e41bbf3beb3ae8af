"""The REST call by which a service changes its own token for another one."""

from datetime import timedelta
from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import permissions, rotation
from ..documents import Reader
from ..errors import Invalid, ServicesOnly, WrongState
from . import documents
from .common import actor
from .description import described


class RotateToken(APIView):
    """The answer holds the new secret, this one time."""

    @described("Change the token", takes="Rotation", gives={201: "NewToken"}, errors=(ServicesOnly, WrongState))
    def post(self, request: Request) -> Response:
        by = actor(request)
        permissions.require(permissions.rotate_own_token(by), by=by, to="rotate a token")
        rotated = rotation.rotate_own(overlap=_overlap(request.data), by=by)
        return Response(documents.rotated(rotated), status=status.HTTP_201_CREATED)


def _overlap(values: Any) -> timedelta:
    reader = Reader()
    body = reader.mapping(values, "", {"overlapSeconds"}) or {}
    seconds = reader.integer(body, "overlapSeconds")
    if reader.problems:
        raise Invalid(reader.problems)
    # More than a timedelta can hold is out of range like anything beyond a day.
    return rotation.USUAL_OVERLAP if seconds is None else timedelta(seconds=max(-1, min(seconds, 10**6)))
