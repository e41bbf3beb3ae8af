"""Whether the token that a caller shows may be used, now and from there; the trail hears why a known one may not."""

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q
from django.db.models.functions import Now

from . import identities, statements, strangers, token_secrets
from .actors import Actor
from .audit import Action, Entry, record_with
from .errors import TokenPaused, TokenRefused, TokenStopped, TokenUnknown, TokenUsedElsewhere
from .models import ApiToken, Service, TokenState, User

NOTED_EVERY = timedelta(minutes=1)
_REFUSALS: dict[TokenState, type[TokenRefused]] = {
    TokenState.REVOKED: TokenUnknown,
    TokenState.ENDED: TokenUnknown,
    TokenState.PAUSED: TokenPaused,
    TokenState.STOPPED: TokenStopped,
}
_GONE = (TokenState.REVOKED, TokenState.ENDED)
_ELSEWHERE = "address"
# What most calls need of the token, the service and its owner; anything else is read when somebody asks for it.
_TOKEN = (
    *("id", "service_id", "scopes", "addresses", "operations", "spaces", "rate", "expires_at", "rotated_at"),
    *("retires_at", "first_used_at", "last_used_at", "paused_at", "revoked_at"),
)
_SERVICE = ("id", "name", "owner_id", "default_reason")
_OWNER = ("id", "is_active", "last_day")
_COLUMNS = [("token", _TOKEN), ("service", _SERVICE), ("owner", _OWNER)]
# Put together here because every call does it, and Django composes it longer than PostgreSQL carries it out.
_OF_DIGEST = f"""
    SELECT {", ".join(f"{table}.{column}" for table, columns in _COLUMNS for column in columns)}, statement_timestamp()
    FROM jobs_app_apitoken AS token JOIN jobs_app_service AS service ON service.id = token.service_id
    LEFT JOIN jobs_app_user AS owner ON owner.id = service.owner_id
    WHERE token.digest = %s
"""  # noqa: S608  (names of columns)
_FIRST_USE = (
    "UPDATE jobs_app_apitoken SET first_used_at = statement_timestamp() WHERE id = %s AND first_used_at IS NULL"
)
_NOTE_REFUSAL = """
    UPDATE jobs_app_apitoken SET refusals = refusals || jsonb_build_object(%s::text, statement_timestamp())
    WHERE id = %s AND coalesce((refusals->>%s)::timestamptz <= statement_timestamp() - interval '1 minute', true)
"""


def admit(secret: str, *, ip: str | None, request_id: str | None) -> tuple[ApiToken, Actor]:
    """The token with this secret, and who calls with it.

    Raises ``TokenRefused`` with what the caller may know about why not, or ``AuditUnavailable``. All web processes go
    by the database's clock.
    """
    try:
        token = _of(secret)
    except TokenUnknown:
        if secret:
            strangers.note(strangers.Kind.TOKEN, ip)
        raise
    by = identities.service(token, ip=ip, request_id=request_id)
    if refusal := _why_not(token, by):
        raise refusal
    if token.first_used_at is None:
        record_with(_FIRST_USE, [token.pk], Entry(Action.TOKEN_USED, by, details={"token": token.ref}))
    _note_use(token, ip)
    return token, by


def allows(networks: list[str], ip: str | None) -> bool:
    """Whether the address is in one of the networks; an IPv4 address in IPv6 clothes is one of IPv4."""
    if not networks:
        return True
    if ip is None:
        return False
    address = ipaddress.ip_address(ip.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in ipaddress.ip_network(network) for network in networks)


def _of(secret: str) -> ApiToken:
    if not secret or token_secrets.is_mistyped(secret):
        raise TokenUnknown
    found = statements.rows(_OF_DIGEST, [token_secrets.digest(secret)])
    if not found:
        raise TokenUnknown
    *of_token, now = found[0]
    return _token(of_token, now)


def _token(row: list[Any], now: datetime) -> ApiToken:
    ends = len(_TOKEN), len(_TOKEN) + len(_SERVICE)
    token = ApiToken.from_db(DEFAULT_DB_ALIAS, _TOKEN, row[: ends[0]])
    token.service = Service.from_db(DEFAULT_DB_ALIAS, _SERVICE, row[ends[0] : ends[1]])
    if token.service.owner_id:
        token.service.owner = User.from_db(DEFAULT_DB_ALIAS, _OWNER, row[ends[1] :])
    token.now = now  # type: ignore[attr-defined]
    return token


def _why_not(token: ApiToken, by: Actor) -> TokenRefused | None:
    """Where the caller is comes before what only those need to know who may be there."""
    state = token.state(token.now)  # type: ignore[attr-defined]
    if state not in _GONE and not allows(token.addresses, by.ip):
        return _refused(token, by, TokenUsedElsewhere, _ELSEWHERE)
    kind = _REFUSALS.get(state)
    return _refused(token, by, kind, state.value) if kind else None


def _refused(token: ApiToken, by: Actor, kind: type[TokenRefused], why: str) -> TokenRefused:
    """One event a minute for each reason: who goes on calling must neither fill the trail nor hide another reason."""
    entry = Entry(Action.ACCESS_REFUSED, by, outcome="denied", details={"token": token.ref, "why": why})
    record_with(_NOTE_REFUSAL, [why, token.pk, why], entry)
    return kind()


def _note_use(token: ApiToken, ip: str | None) -> None:
    """At most one write a minute: the row says when the last one was, and the guard keeps several to one."""
    used, now = token.last_used_at, token.now  # type: ignore[attr-defined]
    if used is not None and used > now - NOTED_EVERY:
        return
    # A link-local address may name an interface of this machine, which says nothing elsewhere and fits no column.
    address = ip and ip.partition("%")[0]
    stale = Q(last_used_at=None) | Q(last_used_at__lte=Now() - NOTED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=Now(), last_used_ip=address)
