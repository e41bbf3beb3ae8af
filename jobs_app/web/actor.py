"""Who is behind a page's request."""

from typing import cast

from django.http import HttpRequest

from .. import identities, sessions
from ..actors import Actor, Channel
from ..models import User


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person, with the roles that they have now; read once a request."""
    if not hasattr(request, "actor"):
        request.actor = sessions.actor(request, Channel.WEB)  # type: ignore[attr-defined]
    return cast(Actor, request.actor)  # type: ignore[attr-defined]


def forget_actor(request: HttpRequest) -> None:
    """They proved something more about themselves, so they are read anew."""
    request.__dict__.pop("actor", None)


def entering(request: HttpRequest, user: User, auth: str = "") -> Actor:
    """Somebody who isn't signed in yet, and has proved by now that they are ``user``."""
    return identities.person(
        user,
        channel=Channel.WEB,
        ip=identities.client_ip(request.META),
        request_id=str(request.request_id),  # type: ignore[attr-defined]
        auth=auth or sessions.auth(request, user),
    )
