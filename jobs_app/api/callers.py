"""What every call reads first: who calls, and the submission in its address if they may see it."""

from typing import cast
from uuid import UUID

from rest_framework.request import Request

from .. import permissions
from ..actors import Actor
from ..errors import NotFound
from ..models import Submission


def actor_of(request: Request) -> Actor:
    return cast(Actor, request.auth)


def visible(by: Actor, pk: UUID) -> Submission:
    """Raises ``NotFound`` also for what the caller may not see."""
    row = permissions.visible_to(by).with_people().filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row
