"""People and services: making them, their passwords, erasing a name."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction

from . import (
    accounts,
    audit,
    invitations,
    permissions,
    services,
    sign_in,
    staffing,
    token_secrets,
    tokens,
    validators,
)
from . import roles as member_roles
from .actors import GUARDED_ROLES, Actor, Role, Scope
from .audit import Action, names
from .errors import AlreadyErased, Invalid, NotFound, Problem
from .models import Proposal, RoleGrant, Service, User
from .notices import inbox


def create_person(name: str, password: str | None, *, roles: Collection[Role], email: str = "", by: Actor) -> User:
    """A new person with these roles; the database's owner gives those that else take two, from the command line.

    Without a password they sign in through the organisation's identity provider, or set one by a link. Raises
    ``Invalid`` when the name is taken or the password too weak, and ``OwnerNeeded``.
    """
    person, given = _new(name, email), sorted(set(roles))
    if password is not None:
        with _in_words():
            validate_password(password, person)
    person.set_password(password)
    guarded = GUARDED_ROLES.intersection(given)
    using = names.OWNER if guarded else DEFAULT_DB_ALIAS
    with names.owners_only(), transaction.atomic(using=using):
        _store(person, given, using=using)
        audit.record(Action.PERSON_CREATED, by=by, using=using, person=person.ref, roles=given)
    return User.objects.get(pk=person.pk)


def add(
    name: str, *, email: str, roles: Collection[Role], last_day: date | None, reason: str, by: Actor
) -> tuple[User, Proposal | None, str]:
    """A new person who sets their own password; roles that take two administrators are proposed.

    The answer is the person, the proposal or None, and the link to hand over if it could not be mailed. Raises
    ``NotAllowed`` or ``Invalid``.
    """
    permissions.require(permissions.manage_people(by), by=by, to="add a person", confirmed=True)
    said, wanted = validators.reason(reason), set(roles)
    person = _new(name, accounts.checked_email(email))
    person.set_unusable_password()
    light = sorted(wanted - GUARDED_ROLES)
    with transaction.atomic():
        _store(person, light, granted_by=by.key)
        audit.record(Action.PERSON_CREATED, by=by, person=person.ref, roles=light, reason=said)
        accounts.set_last_day(person, last_day, reason=said, by=by)
        proposal = member_roles.change(person, wanted, reason=said, by=by)
    return person, proposal, invitations.invite(person, by=by)


def _new(name: str, email: str) -> User:
    person = User(username=name, email=email)
    with _in_words():
        if person.is_erased:
            raise ValidationError("Names of this form stand for people whose name was erased; choose another one.")
        person.clean_fields(exclude=["password"])
        person.validate_unique()
    return person


def _store(
    person: User, roles: Collection[Role], *, granted_by: int | None = None, using: str = DEFAULT_DB_ALIAS
) -> None:
    """Raises ``Invalid`` when somebody else took the name meanwhile."""
    try:
        with transaction.atomic(using=using):
            person.save(using=using)
    except IntegrityError as error:
        raise Invalid([Problem("/name", "taken", "Somebody has this name already; choose another one.")]) from error
    grants = [RoleGrant(person=person, role=role, granted_by_id=granted_by) for role in roles]
    RoleGrant.objects.using(using).bulk_create(grants)


def find(text: str) -> User:
    """The person with this user name, or with this id, such as ``person:7``; raises ``NotFound``."""
    number = text.removeprefix("person:")
    wanted = {"pk": int(number)} if number != text and number.isdecimal() else {"username": text}
    person = User.objects.filter(**wanted).first()
    if person is None:
        raise NotFound(f"There is nobody called {text!r}; give a user name, or an id such as person:7.")
    return person


def change_password(person: User, password: str, *, by: Actor) -> None:
    """Another password; whoever signed in with the old one is signed out.

    Raises ``Invalid`` when it is too weak, ``AlreadyErased`` for somebody who can't sign in any more.
    """
    if person.is_erased:
        raise AlreadyErased
    with _in_words(), transaction.atomic():
        sign_in.change_password(person, password, by=by)


def reset_sign_in(person: User, *, by: Actor) -> str:
    """Takes away whatever the person signs in by and gives a link to begin anew, by a command on the server."""
    return sign_in.reset(person, by=by)


def erase_name(person: User, *, reason: str, by: Actor) -> None:
    """Erases what names the person, in the trail and in their row, for good, and ends their access.

    Raises ``Invalid`` for a reason that is empty or names them, ``AlreadyErased``, ``LastAdministrator``, and
    ``OwnerNeeded`` unless the database's owner does it.
    """
    actor = person.ref
    with transaction.atomic(using=names.OWNER):
        old = names.erase(actor, person.username)
        person = User.objects.using(names.OWNER).select_for_update().get(pk=person.pk)
        _check_reason(reason, [*old, person.username, person.first_name, person.last_name, person.email])
        staffing.keep_an_administrator(person, using=names.OWNER)
        person.username, person.first_name, person.last_name, person.email = f"erased-{person.pk}", "", "", ""
        person.is_active = False
        person.set_unusable_password()
        person.save(using=names.OWNER)
        sign_in.forget(person, using=names.OWNER)
        inbox.forget(person, using=names.OWNER)
        audit.record(Action.NAME_ERASED, by=by, using=names.OWNER, person=actor, reason=reason)


def _check_reason(reason: str, old: Collection[str]) -> None:
    """The reason stands in the trail for good, so it must not bring back what is erased."""
    if not reason.strip():
        raise Invalid([Problem("", "required", "Give a reason; it stands in the trail.")])
    if any(name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", reason, re.IGNORECASE) for name in old):
        raise Invalid([Problem("", "invalid", "The reason holds the name that is to be erased; leave it out.")])


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        raise Invalid([Problem("", "invalid", message) for message in error.messages]) from error


def create_token(
    service_name: str, *, scopes: Collection[Scope], days: int, by: Actor, secret: str = "", owner: User | None = None
) -> str:
    """A new token of the service, which is made if it is new; the result is the secret, which is kept nowhere.

    Raises ``Invalid`` when the service is there already with another owner than ``owner``.
    """
    secret = secret or token_secrets.new()
    with transaction.atomic():
        service, is_new = Service.objects.get_or_create(name=service_name, defaults={"owner": owner})
        if is_new:
            audit.record(Action.SERVICE_CREATED, by=by, service=service.ref, after=services.told(service))
        elif owner and owner.pk != service.owner_id:
            detail = "The service is there already and has another owner; an administrator changes that on its page."
            raise Invalid([Problem("/owner", "other_owner", detail)])
        tokens.store(service, secret, scopes=scopes, lifetime=timedelta(days=days), by=by)
    return secret
