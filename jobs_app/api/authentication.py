"""Who calls the REST API: a service with its token, or a person with a session and Django's CSRF token.

Both set ``request.auth`` to the ``Actor``.
"""

from dataclasses import dataclass

from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from .. import admission, identities, sessions
from ..actors import Actor, Channel
from ..errors import SecondFactorNeeded, TokenRefused
from ..models import ApiToken


@dataclass(frozen=True)
class ServiceUser:
    """What the framework takes for the user when a service calls."""

    actor: Actor
    token: ApiToken
    is_authenticated: bool = True
    is_active: bool = True


class ServiceTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer <token>``."""

    def authenticate(self, request: Request) -> tuple[ServiceUser, Actor] | None:
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        secret, ip = secret.strip(), identities.client_ip(request.META)
        try:
            token, by = admission.admit(secret.decode("utf-8", "replace"), ip=ip, request_id=_request_id(request))
        except TokenRefused as error:
            raise AuthenticationFailed(error.detail) from error
        return ServiceUser(by, token), by

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class PersonSessionAuthentication(SessionAuthentication):
    """The session of somebody who signed in on the pages; writing calls need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[object, Actor] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        user, _ = found
        if sessions.lacks_second_factor(request._request):
            raise SecondFactorNeeded
        return user, sessions.actor(request._request, Channel.API)


def _request_id(request: Request) -> str:
    return str(request._request.request_id)  # type: ignore[attr-defined]
