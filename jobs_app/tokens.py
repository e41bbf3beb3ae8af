"""Tokens of services: making, limiting, pausing, resuming and revoking them. Only ``make`` tells a secret, once."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from . import audit, permissions, token_secrets, validators
from .actors import Actor, Kind, Scope
from .audit import Action
from .documents import Reader
from .errors import Invalid, WrongState
from .models import ApiToken, Service, TokenState
from .token_limits import NO_LIMITS, Limits, check_limits

LONGEST_DAYS = 365
USUAL_DAYS = 90
NOT_ANY_MORE = "This token has ended or was revoked; make a new one."


def make(
    service: Service, *, scopes: Collection[str], days: int, limits: Limits, reason: str, by: Actor
) -> tuple[ApiToken, str]:
    """A new token and its secret, which is kept nowhere.

    Raises ``NotAllowed``, or ``Invalid`` with every problem.
    """
    permissions.require(permissions.manage_services(by), by=by, to="create a token", confirmed=True)
    reader = Reader()
    if not scopes or not set(scopes) <= set(Scope):
        reader.add("/scopes", "required", "Choose at least one right for the token.")
    if not 1 <= days <= LONGEST_DAYS:
        reader.add("/days", "out_of_range", f"Give a number of days between 1 and {LONGEST_DAYS}.")
    checked, said = check_limits(reader, limits), validators.collect_reason(reader, reason)
    if reader.problems:
        raise Invalid(reader.problems)
    secret = token_secrets.new()
    with transaction.atomic():
        lifetime = timedelta(days=days)
        token = store(service, secret, scopes=scopes, lifetime=lifetime, limits=checked, by=by, reason=said)
    return token, secret


def store(
    service: Service,
    secret: str,
    *,
    scopes: Collection[str],
    lifetime: timedelta,
    limits: Limits = NO_LIMITS,
    by: Actor,
    replaces: ApiToken | None = None,
    reason: str | None = None,
) -> ApiToken:
    """The row of a token and its event, in the caller's transaction; whether it may be, the caller has checked."""
    token = ApiToken.objects.create(
        service=service,
        digest=token_secrets.digest(secret),
        scopes=sorted(set(scopes)),
        expires_at=timezone.now() + lifetime,
        created_by_id=_person(by),
        replaces=replaces,
        **limits.fields(),
    )
    audit.record(
        Action.TOKEN_CREATED,
        by=by,
        service=service.ref,
        token=token.ref,
        scopes=token.scopes,
        until=token.expires_at.isoformat(),
        limits=limits.told(),
        replaces=replaces and replaces.ref,
        reason=reason,
    )
    return token


def change(token: ApiToken, limits: Limits, *, reason: str, by: Actor) -> None:
    """Other limits for the token, from its next call on; nothing happens when they are those that it has.

    Raises ``NotAllowed``, ``Invalid`` with every problem, or ``WrongState`` when it has ended.
    """
    permissions.require(permissions.manage_services(by), by=by, to="change a token", token=token.ref, confirmed=True)
    reader = Reader()
    checked, said = check_limits(reader, limits), validators.collect_reason(reader, reason)
    if reader.problems:
        raise Invalid(reader.problems)
    with transaction.atomic():
        current = locked(token)
        before = Limits.of(current).told()
        if before == checked.told():
            return
        _set(token, **checked.fields())
        audit.record(Action.TOKEN_CHANGED, by=by, token=token.ref, before=before, after=checked.told(), reason=said)


def pause(token: ApiToken, *, reason: str, by: Actor) -> None:
    """It doesn't work until it is resumed. Raises ``NotAllowed``, ``Invalid`` without a reason, or ``WrongState``."""
    with _switching(token, "pause a token", by) as current:
        said = validators.reason(reason)
        if current.paused_at:
            raise WrongState("This token is paused already; load the page again to see by whom.")
        _set(token, paused_at=Now(), paused_by_id=_person(by), pause_reason=said)
        audit.record(Action.TOKEN_PAUSED, by=by, token=token.ref, reason=said)


def resume(token: ApiToken, *, reason: str, by: Actor) -> None:
    """A paused token works again. Raises ``NotAllowed``, ``Invalid`` without a reason, or ``WrongState``."""
    with _switching(token, "resume a token", by) as current:
        said = validators.reason(reason)
        if not current.paused_at:
            raise WrongState("This token isn't paused, so there is nothing to resume.")
        _set(token, paused_at=None, paused_by_id=None, pause_reason="")
        audit.record(Action.TOKEN_RESUMED, by=by, token=token.ref, reason=said)


def revoke(token: ApiToken, *, reason: str, by: Actor) -> None:
    """Ends it for good. Raises ``NotAllowed``, ``Invalid`` without a reason, or ``WrongState`` when it has ended."""
    with _switching(token, "revoke a token", by):
        end(token, reason=validators.reason(reason), by=by)


def end(token: ApiToken, *, reason: str, by: Actor) -> None:
    """Revokes it in the caller's transaction; whether it may be, the caller has checked."""
    _set(token, revoked_at=Now(), revoked_by_id=_person(by), revoke_reason=reason)
    audit.record(Action.TOKEN_REVOKED, by=by, token=token.ref, reason=reason)


def locked(token: ApiToken) -> ApiToken:
    """Its row as it is now, kept from others to the end of the transaction; raises ``WrongState`` when it has ended."""
    current = ApiToken.objects.select_for_update(of=("self",)).select_related("service__owner").get(pk=token.pk)
    if current.state(timezone.now()) in (TokenState.ENDED, TokenState.REVOKED):
        raise WrongState(NOT_ANY_MORE)
    return current


@contextmanager
def _switching(token: ApiToken, to: str, by: Actor) -> Iterator[ApiToken]:
    permissions.require(permissions.manage_services(by), by=by, to=to, token=token.ref, confirmed=True)
    with transaction.atomic():
        yield locked(token)


def _set(token: ApiToken, **values: Any) -> None:
    ApiToken.objects.filter(pk=token.pk).update(**values)


def _person(by: Actor) -> int | None:
    return by.key if by.kind is Kind.PERSON else None
