"""How the portal shows KooDrive who is calling: with a user's token, or by signing each request as an application.

Both raise ValueError for a value that can't stand in a header, without naming it.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import parse_qsl, quote, unquote, urlsplit

SIGNED_HEADERS = "host;x-date;x-user-id"
_ALGORITHM = "HMAC-SHA256"
_UNRESERVED = "-_.~"
_HEADER_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")
# Tokens are issued with their scheme word ("Bearer 6ebb…", "AT 3b91…"); the vendor prints "+" where a space is meant.
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]* |(Bearer|AT)\+", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Credentials(Protocol):
    @property
    def id(self) -> str:
        """Names the credentials for the audit trail; two that differ have different ids, and it reveals neither."""

    def headers(self, method: str, url: str, body: bytes, now: datetime) -> dict[str, str]:
        """The headers that authorise this request; ``url`` and ``body`` must be exactly what is sent."""


@dataclass(frozen=True)
class Bearer:
    """A user's token, opaque; ``scheme`` is put before it unless it brings a scheme word of its own.

    With an empty token no Authorization is sent, so that KooDrive itself refuses the call.
    """

    token: str = field(repr=False)
    scheme: str = "Bearer "
    user_id: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "token", self.token.strip())
        _refuse_unsendable(token=self.token, scheme=self.scheme.strip(), user_id=self.user_id)

    @property
    def id(self) -> str:
        return f"bearer:{_short_hash(self.token)}" if self.token else "bearer:none"

    def headers(self, method: str, url: str, body: bytes, now: datetime) -> dict[str, str]:
        headers = {"X-User-Id": self.user_id, "X-Date": x_date(now)} if self.user_id else {}
        if self.token:
            headers["Authorization"] = self._authorization()
        return headers

    def _authorization(self) -> str:
        complete = _HAS_SCHEME.match(self.token) or self.token.startswith(self.scheme)
        return self.token if complete else f"{self.scheme}{self.token}"


@dataclass(frozen=True)
class AppSigning:
    """An application's key: every request is signed with it, and the signature is good for 15 minutes."""

    app_id: str
    app_secret: str = field(repr=False)
    user_id: str

    def __post_init__(self) -> None:
        if not (self.app_id and self.app_secret and self.user_id):
            raise ValueError("Signing needs an application's id, its secret and a user id; set all three.")
        _refuse_unsendable(app_id=self.app_id, user_id=self.user_id)

    @property
    def id(self) -> str:
        return f"app:{_short_hash(f'{self.app_id}:{self.app_secret}')}"

    def headers(self, method: str, url: str, body: bytes, now: datetime) -> dict[str, str]:
        signed = {"Host": host(url), "X-Date": x_date(now), "X-User-Id": self.user_id}
        to_sign = f"{_ALGORITHM}\n{_sha256(canonical_request(method, url, body, signed).encode())}"
        signature = hmac.new(self.app_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        authorization = f"{_ALGORITHM} AppId={self.app_id},SignedHeaders={SIGNED_HEADERS},Signature={signature}"
        return {**signed, "Authorization": authorization}


def canonical_request(method: str, url: str, body: bytes, signed: dict[str, str]) -> str:
    """The text that is signed: method, path (ended by a slash), sorted query, headers, their names, body hash."""
    parts = urlsplit(url)
    path = quote(unquote(parts.path), safe="/" + _UNRESERVED)
    pairs = sorted(parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join(f"{quote(name, safe=_UNRESERVED)}={quote(value, safe=_UNRESERVED)}" for name, value in pairs)
    lines = sorted(f"{name.lower()}:{value.strip()}\n" for name, value in signed.items())
    return "\n".join(
        [method, path if path.endswith("/") else f"{path}/", query, "".join(lines), SIGNED_HEADERS, _sha256(body)]
    )


def host(url: str) -> str:
    """The Host header of a request to ``url``: the port is named only when it isn't the scheme's own."""
    parts = urlsplit(url)
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return name if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{name}:{parts.port}"


def x_date(now: datetime) -> str:
    """``now`` in UTC as KooDrive wants it, such as 20251103T070140Z."""
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _refuse_unsendable(**values: str) -> None:
    for name, value in values.items():
        if value and not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"KooDrive's {name} has characters that no header can carry; copy it again.")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _short_hash(secret: str) -> str:
    return _sha256(secret.encode())[:12]
