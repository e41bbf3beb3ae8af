"""The limit of a token's calls: 429 beyond it, and on every answer what is left."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from .. import quotas
from ..errors import TooManyCalls
from .authentication import ServiceUser


class TokenThrottle(BaseThrottle):
    """People, and tokens without a limit, are never counted."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Raises ``TooManyCalls``."""
        user = request.user
        if not isinstance(user, ServiceUser) or not user.token.rate:
            return True
        quota = quotas.shared().take(user.token.ref, quotas.Rate.read(user.token.rate))
        request._request.quota = quota  # type: ignore[attr-defined]
        if not quota.allowed:
            raise TooManyCalls(quota.seconds or 1)
        return True
