"""Roles of people: taking them and giving the lighter ones takes one administrator, approver and administrator two."""

from collections.abc import Collection

from django.db import transaction

from . import audit, permissions, proposals, staffing, validators
from .actors import GUARDED_ROLES, Actor, Role
from .audit import Action
from .errors import NotFound, WrongState
from .models import Proposal, RoleGrant, User


def change(person: User, roles: Collection[Role], *, reason: str, by: Actor) -> Proposal | None:
    """Gives the person these roles and takes all others, each with its event.

    What takes two administrators is only proposed: that is the answer, None when nothing was left to propose. Raises
    ``NotAllowed`` (also for giving oneself what takes two), ``Invalid``, ``LastAdministrator``, or ``WrongState`` while
    another change of their roles waits; nothing is done then.
    """
    permissions.require(permissions.manage_people(by), by=by, to="change roles", person=person.ref, confirmed=True)
    said, wanted = validators.reason(reason), frozenset(roles)
    if (wanted - person.granted_roles()) & GUARDED_ROLES:
        permissions.require(permissions.strengthen(by, person), by=by, to="give roles", person=person.ref)
    with transaction.atomic():
        current = locked(person.pk)
        has = current.granted_roles()
        more = (wanted - has) & GUARDED_ROLES
        _take(current, has - wanted, reason=said, by=by)
        _give(current, wanted - has - GUARDED_ROLES, reason=said, by=by)
        if not more:
            return None
        now = (has & wanted) | (wanted - GUARDED_ROLES)
        before, after = {"roles": sorted(now)}, {"roles": sorted(now | more)}
        return proposals.propose(Proposal.Kind.ROLE, person.ref, before=before, after=after, reason=said, by=by)


def carry_out(proposal: Proposal, by: Actor) -> None:
    """Gives the roles of a confirmed proposal; raises ``WrongState`` when the person has others than it found."""
    person = locked(int(proposal.subject.removeprefix("person:")))
    if sorted(person.granted_roles()) != proposal.before["roles"]:
        raise WrongState("The roles of this person have changed since this was proposed; refuse it and propose anew.")
    more = frozenset(map(Role, proposal.after["roles"])) - person.granted_roles()
    _give(person, more, reason=proposal.reason, by=by, proposal=proposal)


def locked(pk: int) -> User:
    """The person, whom nobody else changes until the transaction ends; raises ``NotFound``."""
    person = User.objects.select_for_update().filter(pk=pk).first()
    if person is None:
        raise NotFound
    return person


def _take(person: User, roles: Collection[Role], *, reason: str, by: Actor) -> None:
    if not roles:
        return
    if Role.ADMINISTRATOR in roles:
        staffing.keep_an_administrator(person)
    person.role_grants.filter(role__in=roles).delete()
    audit.record(Action.ROLE_TAKEN, by=by, person=person.ref, roles=sorted(roles), reason=reason)


def _give(person: User, roles: Collection[Role], *, reason: str, by: Actor, proposal: Proposal | None = None) -> None:
    if not roles:
        return
    given = [RoleGrant(person=person, role=role, granted_by_id=by.key, proposal=proposal) for role in sorted(roles)]
    RoleGrant.objects.bulk_create(given)
    audit.record(
        Action.ROLE_GIVEN,
        by=by,
        person=person.ref,
        roles=sorted(roles),
        proposal=proposal.ref if proposal else None,
        reason=reason,
    )
