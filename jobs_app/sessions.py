"""What a session says: who acts in it, how they signed in, how long ago, and whether that is enough for their roles."""

import time
from datetime import timedelta
from typing import Any, cast

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from . import audit, identities
from .actors import Actor, Channel, Role
from .audit import Action
from .models import User

IDLE = timedelta(minutes=60)
LONGEST = timedelta(hours=12)
# How long a second factor counts for what weighs most, such as an approval.
FRESH = timedelta(minutes=10)
# Whose word is enough to delete files or to let others do it.
NEED_SECOND_FACTOR = frozenset({Role.APPROVER, Role.ADMINISTRATOR})
# Of whom the identity provider said that it asked for a second factor, and when.
SSO_FACTOR = "sso_factor"
_FACTORS = {
    Authenticator.Type.TOTP: "totp",
    Authenticator.Type.WEBAUTHN: "passkey",
    Authenticator.Type.RECOVERY_CODES: "recovery",
}
_STARTED_AT, _SEEN_AT = "started_at", "seen_at"
_TOUCH = timedelta(minutes=1)


def actor(request: HttpRequest, channel: Channel) -> Actor:
    """The signed-in person behind the request, with the roles that they have now and the way they signed in."""
    user = cast(User, request.user)
    return identities.person(
        user,
        channel=channel,
        ip=identities.client_ip(request.META),
        request_id=str(request.request_id),  # type: ignore[attr-defined]
        auth=auth(request, user),
        confirmed=not needs_second_factor(user) or is_fresh(_second_factor_at(request, user)),
    )


def auth(request: HttpRequest, user: User) -> str:
    """How ``user`` signed in, as the trail says it: ``session``, ``session+totp``, ``session+sso+passkey``, …"""
    records = get_authentication_records(request, user)
    sso = ["sso"] if is_by_sso(request, user) else []
    factors = [_FACTORS[record["type"]] for record in records if record["method"] == "mfa"]
    if not factors and _sso_factor_at(request, user) is not None:
        factors = ["mfa"]
    return "+".join(["session", *sso, *factors[-1:]])


def is_by_sso(request: HttpRequest, user: User) -> bool:
    """Whether the identity provider's word is what opened the session."""
    return any(record["method"] == "socialaccount" for record in get_authentication_records(request, user))


def needs_second_factor(person: User) -> bool:
    return settings.MFA_REQUIRED and not NEED_SECOND_FACTOR.isdisjoint(person.current_roles())


def lacks_second_factor(request: HttpRequest) -> bool:
    """Whether the signed-in person may do nothing yet but set a second factor up, or sign in with it."""
    user = cast(User, request.user)
    return needs_second_factor(user) and _second_factor_at(request, user) is None


def recently_proved(request: HttpRequest) -> bool:
    """Whether they proved a moment ago who they are: by a second factor, or by whatever they have if they have none."""
    user = cast(User, request.user)
    if Authenticator.objects.filter(user=user).exists():
        return is_fresh(_second_factor_at(request, user))
    records = get_authentication_records(request, user)
    return is_fresh(records[-1]["at"] if records else None)


def with_second_factor() -> set[int]:
    """The numbers of the people who have set a second factor up."""
    factors = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    return set(factors.values_list("user_id", flat=True))


def _second_factor_at(request: HttpRequest, user: User) -> float | None:
    """When a second factor was last given in this session."""
    times = [record["at"] for record in get_authentication_records(request, user) if record["method"] == "mfa"]
    if (at := _sso_factor_at(request, user)) is not None:
        times.append(at)
    return max(times, default=None)


def _sso_factor_at(request: HttpRequest, user: User) -> float | None:
    person, at = request.session.get(SSO_FACTOR, (None, None))
    return at if person == user.pk else None


def is_fresh(at: float | None) -> bool:
    """Whether a proof of this time, in seconds since 1970, is still enough for what weighs most."""
    return at is not None and time.time() - at < FRESH.total_seconds()


def expired(request: HttpRequest, *, is_activity: bool) -> str:
    """Why the session is over, ``idle`` or ``age``, else an empty text; notes that it lives, once a minute at most.

    A page that asks for news by itself is no activity of a person.
    """
    session, now = request.session, time.time()
    started, seen = session.get(_STARTED_AT, now), session.get(_SEEN_AT, now)
    if now - started > LONGEST.total_seconds():
        return "age"
    if now - seen > IDLE.total_seconds():
        return "idle"
    if _STARTED_AT not in session or (is_activity and now - seen > _TOUCH.total_seconds()):
        session[_STARTED_AT], session[_SEEN_AT] = started, now
        UserSession.objects.filter(session_key=session.session_key).update(last_seen_at=timezone.now())
    return ""


def end(
    person: User, *, by: Actor, but: str | None = None, only: int | None = None, why: str = "ended", **told: Any
) -> int:
    """Ends the person's sessions, or the one with the number ``only``, but not that with the key ``but``; how many."""
    rows = UserSession.objects.filter(user_id=person.pk).exclude(session_key=but)
    ended = list(rows if only is None else rows.filter(pk=only))
    with transaction.atomic():
        for row in ended:
            row.end()
        if ended:
            audit.record(Action.SESSION_ENDED, by=by, person=person.ref, why=why, count=len(ended), **told)
    return len(ended)


def forget_old() -> None:
    """Deletes the rows of sessions that are over."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    UserSession.objects.filter(created_at__lt=timezone.now() - LONGEST).delete()


def listed(person: User) -> list[UserSession]:
    """The person's open sessions, the newest first; those that ended by themselves are forgotten."""
    rows: list[Any] = UserSession.objects.purge_and_list(person)
    return sorted(rows, key=lambda row: row.created_at, reverse=True)
