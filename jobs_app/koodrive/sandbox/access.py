"""Who may call: whoever has a token that isn't dead, or signs as the app that the sandbox knows."""

import hmac
import math
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ..credentials import AppSigning
from . import messages
from .http import Answer, Request

TOKEN_LIFE = 20 * 60.0  # seconds of idleness
SIGNATURE_LIFE = timedelta(minutes=15)

_SCHEME = re.compile(r"(?:Bearer|AT)[ +]")


class Tokens:
    """Bearer tokens; each use gives one its whole ``life`` again. ``now`` gives seconds since 1970."""

    def __init__(self, now: Callable[[], float], *, life: float = TOKEN_LIFE) -> None:
        self._now, self._life = now, life
        self._used: dict[str, float] = {}

    def add(self, token: str) -> None:
        """Lets this token live from now on; a scheme word before it is no part of it."""
        self._used[bare(token)] = self._now()

    def new(self) -> str:
        token = secrets.token_hex(24)
        self.add(token)
        return token

    def accepts(self, authorization: str) -> bool:
        """Whether the header's token lives; it lives on if so."""
        token, now = bare(authorization), self._now()
        if now - self._used.get(token, -math.inf) > self._life:
            return False
        self._used[token] = now
        return True

    def expire(self) -> None:
        self._used.clear()


def bare(authorization: str) -> str:
    """The token without its scheme word: ``Bearer x``, ``Bearer+x``, ``AT x`` and ``x`` are the same."""
    return _SCHEME.sub("", authorization, count=1) if _SCHEME.match(authorization) else authorization


@dataclass(frozen=True)
class App:
    """The application whose signatures KooDrive knows."""

    app_id: str
    app_secret: str = field(repr=False)

    def signed(self, request: Request, now: float) -> bool:
        """Whether the request bears this app's signature, made within the last 15 minutes."""
        sent = request.headers
        try:
            at = datetime.strptime(sent.get("x-date", ""), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            signing = AppSigning(self.app_id, self.app_secret, sent.get("x-user-id", ""))
        except ValueError:
            return False
        if not timedelta(0) <= datetime.fromtimestamp(now, UTC) - at <= SIGNATURE_LIFE:
            return False
        address = f"http://{sent.get('host', '')}{request.target}"
        expected = signing.headers(request.method, address, request.body, at)["Authorization"]
        return hmac.compare_digest(expected.encode(), sent["authorization"].encode())


def refusal(request: Request, tokens: Tokens, app: App | None, now: float) -> Answer | None:
    """The gateway's answer to a stranger; None for those who may call."""
    authorization = request.headers.get("authorization", "")
    if app and authorization.startswith("HMAC-SHA256 "):
        wrong = not app.signed(request, now)
        return messages.gateway(401, "APIGW.0303", "Incorrect app authentication information.") if wrong else None
    if tokens.accepts(authorization):
        return None
    return messages.gateway(401, "APIGW.0301", "Incorrect IAM authentication information.")
