"""Rotation: another token takes a token's place, and both work for a while, so that a service changes over in peace.

A lost answer locks nobody out. As long as the new token was never used, the old one may be rotated once more: that
revokes the new one, whose secret nobody seems to have, and makes another. The old one doesn't live longer for it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from . import audit, permissions, token_secrets, tokens, validators
from .actors import Actor
from .audit import Action
from .errors import Invalid, Problem, WrongState
from .models import ApiToken, TokenState
from .token_limits import Limits

SHORTEST_OVERLAP = timedelta(minutes=1)  # in which a lost answer can be asked for again
LONGEST_OVERLAP = timedelta(days=1)
USUAL_OVERLAP = timedelta(hours=1)
_LONGEST_LIFE = timedelta(days=tokens.LONGEST_DAYS)


@dataclass(frozen=True)
class Rotated:
    """The new token and its secret, which is kept nowhere; until when the old one works."""

    token: ApiToken
    secret: str
    old_ends: datetime


def rotate(token: ApiToken, *, overlap: timedelta, reason: str, by: Actor) -> Rotated:
    """Puts another token in this one's place, which lives as long as this one did, with the same rights and limits.

    Raises ``NotAllowed``, ``Invalid``, or ``WrongState`` when it has ended, is paused or was rotated for good.
    """
    permissions.require(permissions.manage_services(by), by=by, to="rotate a token", token=token.ref, confirmed=True)
    return _rotate(token, overlap, validators.reason(reason), by)


def rotate_own(*, overlap: timedelta, by: Actor) -> Rotated:
    """The same by a service, for the token that it calls with."""
    permissions.require(permissions.rotate_own_token(by), by=by, to="rotate a token")
    return _rotate(ApiToken.objects.get(pk=by.token or 0), overlap, None, by)


def _rotate(token: ApiToken, overlap: timedelta, reason: str | None, by: Actor) -> Rotated:
    if not SHORTEST_OVERLAP <= overlap <= LONGEST_OVERLAP:
        least, most = (int(each.total_seconds()) for each in (SHORTEST_OVERLAP, LONGEST_OVERLAP))
        detail = f"Give an overlap between {least} and {most} seconds."
        raise Invalid([Problem("/overlapSeconds", "out_of_range", detail)])
    with transaction.atomic():
        old = tokens.locked(token)
        if old.state(timezone.now()) not in (TokenState.ACTIVE, TokenState.ROTATED):
            raise WrongState("Only a token that works can be rotated; see how it stands first.")
        _take_back(old, by)
        retires_at = _retire(old, overlap)
        secret = token_secrets.new()
        new = tokens.store(
            old.service,
            secret,
            scopes=old.scopes,
            lifetime=min(old.expires_at - old.created_at, _LONGEST_LIFE),
            limits=Limits.of(old),
            by=by,
            replaces=old,
            reason=reason,
        )
        until = retires_at.isoformat()
        audit.record(Action.TOKEN_ROTATED, by=by, token=old.ref, successor=new.ref, until=until, reason=reason)
    return Rotated(new, secret, min(old.expires_at, retires_at))


def _take_back(old: ApiToken, by: Actor) -> None:
    """Revokes the successors that still live, all unused; raises ``WrongState`` when one was used."""
    for successor in old.successors.select_for_update(of=("self",)).order_by("pk"):
        if successor.was_used or successor.rotated_at:
            raise WrongState("This token was rotated, and the new one is in use; rotate that one.")
        if not successor.revoked_at:
            tokens.end(successor, reason="Replaced before its first use.", by=by)


def _retire(old: ApiToken, overlap: timedelta) -> datetime:
    """When the old token ceases; a second rotation doesn't put that off."""
    now = timezone.now()
    retires_at = min(now + overlap, old.retires_at or now + overlap)
    rotated_at = old.rotated_at or now
    ApiToken.objects.filter(pk=old.pk).update(rotated_at=rotated_at, retires_at=retires_at)
    return retires_at
