"""People and services: making them, their passwords, erasing a name."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from . import audit, services, sign_in, token_secrets, tokens
from .actors import Actor, Role, Scope
from .audit import Action, names
from .errors import AlreadyErased, Invalid, LastAdministrator, NotFound, Problem
from .models import RoleGrant, Service, User

_ERASED = re.compile(r"erased-\d+", re.IGNORECASE)


def create_person(name: str, password: str | None, *, roles: Collection[Role], email: str = "", by: Actor) -> User:
    """A new person with these roles; raises ``Invalid`` when the name is taken or the password too weak.

    Without a password they sign in through the organisation's identity provider, or set one by a link.
    """
    person = User(username=name, email=email)
    with _in_words():
        if _ERASED.fullmatch(name):
            raise ValidationError("Names of this form stand for people whose name was erased; choose another one.")
        person.clean_fields(exclude=["password"])
        person.validate_unique()
        if password is not None:
            validate_password(password, person)
    person.set_password(password)
    with transaction.atomic():
        person.save()
        RoleGrant.objects.bulk_create(RoleGrant(person=person, role=role) for role in sorted(set(roles)))
        audit.record(Action.PERSON_CREATED, by=by, person=f"person:{person.pk}", roles=sorted(set(roles)))
    return person


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
    if _ERASED.fullmatch(person.username):
        raise AlreadyErased
    with _in_words():
        validate_password(password, person)
    person.set_password(password)
    with transaction.atomic():
        person.save(update_fields=["password"])
        audit.record(Action.PASSWORD_CHANGED, by=by, person=f"person:{person.pk}")


def erase_name(person: User, *, reason: str, by: Actor) -> None:
    """Erases what names the person, in the trail and in their row, for good, and ends their access.

    Raises ``Invalid`` for a reason that is empty or names them, ``AlreadyErased``, ``LastAdministrator``, and
    ``OwnerNeeded`` unless the database's owner does it.
    """
    actor = f"person:{person.pk}"
    with transaction.atomic(using=names.OWNER):
        old = names.erase(actor, person.username)
        person = User.objects.using(names.OWNER).select_for_update().get(pk=person.pk)
        _check_reason(reason, [*old, person.username, person.first_name, person.last_name, person.email])
        if _is_last_administrator(person):
            raise LastAdministrator
        person.username, person.first_name, person.last_name, person.email = f"erased-{person.pk}", "", "", ""
        person.is_active = False
        person.set_unusable_password()
        person.save(using=names.OWNER)
        sign_in.forget(person, using=names.OWNER)
        audit.record(Action.NAME_ERASED, by=by, using=names.OWNER, person=actor, reason=reason)


def _is_last_administrator(person: User) -> bool:
    able = User.objects.using(names.OWNER).filter(is_active=True, role_grants__role=Role.ADMINISTRATOR)
    return set(able.values_list("pk", flat=True)) == {person.pk}


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
