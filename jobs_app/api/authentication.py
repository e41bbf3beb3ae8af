"""Who calls the REST API: a service with its token, or a person with a session and Django's CSRF token.

Both set ``request.auth`` to the ``Actor``.
"""

from dataclasses import dataclass

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from .. import identities, people, strangers
from ..actors import Actor, Channel
from ..models import ApiToken


@dataclass(frozen=True)
class ServiceUser:
    """What the framework takes for the user when a service calls."""

    actor: Actor
    is_authenticated: bool = True
    is_active: bool = True


class ServiceTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer <token>``."""

    def authenticate(self, request: Request) -> tuple[ServiceUser, Actor] | None:
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        secret, ip = secret.strip(), identities.client_ip(request.META)
        token = _alive(secret.decode("utf-8", "replace"))
        if token is None:
            if secret:
                strangers.note(strangers.Kind.TOKEN, ip)
            raise AuthenticationFailed("This token isn't known, has ended or was revoked; ask for a new one.")
        actor = identities.service(token, ip=ip, request_id=_request_id(request))
        if token.first_used_at is None:
            people.use_token(token, by=actor)
        return ServiceUser(actor), actor

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class PersonSessionAuthentication(SessionAuthentication):
    """The session of somebody who signed in on the pages; writing calls need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[object, Actor] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        user, _ = found
        ip = identities.client_ip(request.META)
        return user, identities.person(user, channel=Channel.API, ip=ip, request_id=_request_id(request))


def _alive(secret: str) -> ApiToken | None:
    return ApiToken.objects.alive(timezone.now()).of_secret(secret).select_related("service").first()


def _request_id(request: Request) -> str:
    return str(request._request.request_id)  # type: ignore[attr-defined]
