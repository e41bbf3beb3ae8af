"""Who is behind a page's request."""

from typing import cast

from django.http import HttpRequest

from .. import identities
from ..actors import Actor, Channel
from ..models import User


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person, with the roles that they have now; read once a request."""
    if not hasattr(request, "actor"):
        ip, request_id = identities.client_ip(request.META), str(request.request_id)  # type: ignore[attr-defined]
        user = cast(User, request.user)
        request.actor = identities.person(user, channel=Channel.WEB, ip=ip, request_id=request_id)  # type: ignore[attr-defined]
    return cast(Actor, request.actor)  # type: ignore[attr-defined]
