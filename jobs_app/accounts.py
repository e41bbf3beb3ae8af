"""What administrators do about a person's account: address, last day, deactivating, bringing back, a new sign-in.

What lets an approver or administrator do more again takes two of them: it is proposed here and done by ``carry_out``.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from . import audit, invitations, mail, permissions, proposals, roles, sessions, sign_in, staffing, validators
from .actors import Actor
from .audit import Action, Entry
from .errors import AlreadyErased, Invalid, Problem, WrongState
from .models import Proposal, User

_FURTHEST = date(2999, 12, 31)


def change_email(person: User, email: str, *, reason: str, by: Actor) -> None:
    """Another mail address, or none; overseers and the old address hear of it where it is an approver's or such.

    Raises ``NotAllowed``, ``Invalid`` or ``AlreadyErased``.
    """
    said, address = _said(person, reason, by), checked_email(email)
    with transaction.atomic():
        current = _usable(person)
        old = current.email
        if old == address:
            return
        current.email, current.email_since = address, timezone.now()
        current.save(update_fields=["email", "email_since"])
        audit.record(Action.PERSON_CHANGED, by=by, person=person.ref, emailChanged=True, reason=said)
        if current.is_guarded:
            proposals.tell_of(Action.PERSON_CHANGED, _(f"mail address ({person.ref})"), by=by, reason=said)
            transaction.on_commit(partial(_tell_old_address, old), robust=True)


def set_last_day(person: User, day: date | None, *, reason: str, by: Actor) -> Proposal | None:
    """The last day (UTC) on which they may sign in, or none. Prolonging an approver's or administrator's is proposed.

    Raises ``NotAllowed``, ``Invalid`` for a day that is over, ``LastAdministrator``, ``AlreadyErased`` or
    ``WrongState``.
    """
    if day is not None and not timezone.now().date() <= day <= _FURTHEST:
        raise Invalid([Problem("/last_day", "too_early", "Give a day from today on; to end it at once, deactivate.")])
    is_longer = person.last_day is not None and (day is None or day > person.last_day)
    return _change(person, {"lastDay": day and day.isoformat()}, reason=reason, by=by, is_more=is_longer)


def deactivate(person: User, *, reason: str, by: Actor) -> None:
    """Ends their sign-in at once; their roles, sessions and services' tokens count for nothing from now on.

    Raises ``NotAllowed``, ``Invalid``, ``LastAdministrator``, or ``WrongState`` when it was done already.
    """
    said = _said(person, reason, by)
    with transaction.atomic():
        current = roles.locked(person.pk)
        if not current.is_active:
            raise WrongState("This person is deactivated already.")
        staffing.keep_an_administrator(current)
        current.is_active = False
        current.save(update_fields=["is_active"])
        audit.record(Action.PERSON_DEACTIVATED, by=by, person=person.ref, reason=said)
        if current.is_guarded:
            proposals.tell_of(Action.PERSON_DEACTIVATED, person.ref, by=by, reason=said)


def reactivate(person: User, *, reason: str, by: Actor) -> Proposal | None:
    """Lets them sign in again; for an approver or administrator it is proposed.

    Raises ``NotAllowed``, ``Invalid``, ``AlreadyErased``, or ``WrongState`` when they are active.
    """
    _said(person, reason, by)
    if person.is_active:
        raise WrongState("This person is active already.")
    return _change(person, {"active": True}, reason=reason, by=by)


def reset_sign_in(person: User, *, reason: str, by: Actor) -> tuple[Proposal | None, str]:
    """Ends their password and sessions and makes the link to set another; an approver's or administrator's is proposed.

    The answer is the proposal or None, and the link if it has to be handed over. Raises ``NotAllowed``, ``Invalid``,
    ``AlreadyErased`` or ``WrongState``.
    """
    _said(person, reason, by)
    invitations.check_reachable(person)
    proposal = _change(person, {"signIn": "reset"}, reason=reason, by=by)
    return proposal, "" if proposal else invitations.invite(User.objects.get(pk=person.pk), by=by)


def end_sessions(person: User, *, reason: str, by: Actor) -> int:
    """Signs them out everywhere, and says of how many sessions; raises ``NotAllowed`` or ``Invalid``."""
    said = _said(person, reason, by)
    return sessions.end(person, by=by, why="administrator", reason=said)


def invite(person: User, *, by: Actor) -> str:
    """Another link for somebody who has not set a password; raises ``NotAllowed``, and what ``invitations`` raises."""
    permissions.require(permissions.manage_people(by), by=by, to="invite a person", person=person.ref, confirmed=True)
    return invitations.invite(_usable(person, lock=False), by=by)


def carry_out(proposal: Proposal, by: Actor) -> None:
    """Does what a confirmed proposal says; raises ``WrongState`` when the person isn't as it found them."""
    person = roles.locked(int(proposal.subject.removeprefix("person:")))
    if any(value != _standing(person)[name] for name, value in proposal.before.items()):
        raise WrongState("This person's account has changed since this was proposed; refuse it and propose anew.")
    _do(person, proposal.after, reason=proposal.reason, by=by, proposal=proposal)


def checked_email(text: str) -> str:
    """The address, or nothing; raises ``Invalid``."""
    address = text.strip()
    try:
        if address:
            validate_email(address)
    except ValidationError as error:
        detail = "Give one address for mail, such as ada@example.com, or none."
        raise Invalid([Problem("/email", "wrong_format", detail)]) from error
    return address


def _change(person: User, after: Mapping[str, Any], *, reason: str, by: Actor, is_more: bool = True) -> Proposal | None:
    """Does it, or proposes it where it lets an approver or administrator do more."""
    said = _said(person, reason, by)
    if is_more and person.is_guarded:
        permissions.require(permissions.strengthen(by, person), by=by, to="change a sign-in", person=person.ref)
    with transaction.atomic():
        current = _usable(person)
        before = {name: _standing(current)[name] for name in after}
        if before == after:
            return None
        if is_more and current.is_guarded:
            kind = Proposal.Kind.SIGN_IN
            return proposals.propose(kind, person.ref, before=before, after=after, reason=said, by=by)
        _do(current, after, reason=said, by=by)
    return None


def _do(person: User, after: Mapping[str, Any], *, reason: str, by: Actor, proposal: Proposal | None = None) -> None:
    told: list[tuple[Action, dict[str, Any]]] = []
    if after.get("active"):
        person.is_active = True
        told.append((Action.PERSON_REACTIVATED, {}))
    if "lastDay" in after:
        told.append((Action.PERSON_CHANGED, _last_day(person, after["lastDay"])))
    if after.get("signIn"):
        sign_in.take_away(person, by=by)
        told.append((Action.SIGN_IN_RESET, {}))
        if proposal:
            transaction.on_commit(partial(_invite, person.pk, by), robust=True)
    person.save(update_fields=["is_active", "last_day", "reminded"])
    said = {"person": person.ref, "reason": reason, "proposal": proposal.ref if proposal else None}
    audit.record_all([Entry(action, by, details=said | more) for action, more in told])


def _last_day(person: User, day: str | None) -> dict[str, Any]:
    """Sets it; the answer is what the trail keeps of it."""
    before = {"lastDay": _standing(person)["lastDay"]}
    person.last_day, person.reminded = date.fromisoformat(day) if day else None, None
    if person.last_day:
        staffing.keep_an_administrator(person, after=person.last_day)
    return {"before": before, "after": {"lastDay": day}}


def _standing(person: User) -> dict[str, Any]:
    """What a proposal may find and change, by the names that it has in the trail."""
    day = person.last_day
    return {"active": person.is_active, "lastDay": day and day.isoformat(), "signIn": None}


def _said(person: User, reason: str, by: Actor) -> str:
    permissions.require(permissions.manage_people(by), by=by, to="change a person", person=person.ref, confirmed=True)
    return validators.reason(reason)


def _usable(person: User, *, lock: bool = True) -> User:
    current = roles.locked(person.pk) if lock else User.objects.get(pk=person.pk)
    if current.is_erased:
        raise AlreadyErased
    return current


def _invite(pk: int, by: Actor) -> None:
    """Where it fails, the person's page says that no password is set and sends the link again."""
    with suppress(WrongState):
        invitations.invite(User.objects.get(pk=pk), by=by)


def _tell_old_address(old: str) -> None:
    if old:
        text = "An administrator has set another mail address for you. If you don't know why, tell the auditors.\n"
        mail.tell([old], _(f"{settings.PORTAL_BASE_URL}: your mail address was changed"), text)
