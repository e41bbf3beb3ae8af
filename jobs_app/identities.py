"""Turns who is behind a request into an ``Actor``."""

import ipaddress
from collections.abc import Mapping

from django.conf import settings

from .actors import Actor, Channel, Kind, Role, Scope
from .models import ApiToken, User


def person(
    user: User,
    *,
    channel: Channel,
    ip: str | None,
    request_id: str | None,
    auth: str = "session",
    confirmed: bool = True,
) -> Actor:
    """A signed-in person, with the roles that they have at this moment."""
    grants = list(user.role_grants.all())
    return Actor(
        kind=Kind.PERSON,
        key=user.pk,
        name=user.get_username(),
        channel=channel,
        auth=auth,
        accountable=user.pk,
        roles=frozenset(Role(grant.role) for grant in grants) if user.is_present else frozenset(),
        confirmed=confirmed,
        counting_from=frozenset((Role(grant.role), grant.counts_from) for grant in grants),
        ip=ip,
        request_id=request_id,
    )


def service(token: ApiToken, *, ip: str | None, request_id: str | None) -> Actor:
    """A service that calls with this token; its owner answers for what it does."""
    return Actor(
        kind=Kind.SERVICE,
        key=token.service_id,
        name=token.service.name,
        channel=Channel.API,
        auth=f"token:{token.pk}",
        accountable=token.service.owner_id,
        token=token.pk,
        scopes=frozenset(Scope(scope) for scope in token.scopes),
        operations=frozenset(token.operations),
        spaces=frozenset(token.spaces),
        default_reason=token.service.default_reason,
        ip=ip,
        request_id=request_id,
    )


def client_ip(meta: Mapping[str, str]) -> str | None:
    """The caller's address: as many proxies are believed as ``PORTAL_PROXIES`` counts, the last one first."""
    hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    trusted = settings.PORTAL_PROXIES
    found = hops[-trusted] if trusted and len(hops) >= trusted else meta.get("REMOTE_ADDR", "")
    try:
        return str(ipaddress.ip_address(found))
    except ValueError:
        return None
