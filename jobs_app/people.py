"""People and services: making them, from the command line."""

from collections.abc import Collection
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from . import audit, services, token_secrets, tokens
from .actors import Actor, Role, Scope
from .audit import Action
from .errors import Invalid, Problem
from .models import RoleGrant, Service, User


def create_person(name: str, password: str, *, roles: Collection[Role], email: str = "", by: Actor) -> User:
    """A new person with these roles; raises ``Invalid`` when the name is taken or the password too weak."""
    person = User(username=name, email=email)
    try:
        person.clean_fields(exclude=["password"])
        person.validate_unique()
        validate_password(password, person)
    except ValidationError as error:
        raise Invalid([Problem("", "invalid", message) for message in error.messages]) from error
    person.set_password(password)
    with transaction.atomic():
        person.save()
        RoleGrant.objects.bulk_create(RoleGrant(person=person, role=role) for role in sorted(set(roles)))
        audit.record(Action.PERSON_CREATED, by=by, person=f"person:{person.pk}", roles=sorted(set(roles)))
    return person


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
