"""People and services: making them, their passwords, the first use of a token."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from . import audit
from .actors import Actor, Role, Scope
from .audit import Action, Entry
from .errors import Invalid, NotFound, Problem
from .models import ApiToken, RoleGrant, Service, User


def create_person(name: str, password: str, *, roles: Collection[Role], email: str = "", by: Actor) -> User:
    """A new person with these roles; raises ``Invalid`` when the name is taken or the password too weak."""
    person = User(username=name, email=email)
    with _in_words():
        person.clean_fields(exclude=["password"])
        person.validate_unique()
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
    """Another password; whoever signed in with the old one is signed out. Raises ``Invalid`` when it is too weak."""
    with _in_words():
        validate_password(password, person)
    person.set_password(password)
    with transaction.atomic():
        person.save(update_fields=["password"])
        audit.record(Action.PASSWORD_CHANGED, by=by, person=f"person:{person.pk}")


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        raise Invalid([Problem("", "invalid", message) for message in error.messages]) from error


def create_token(
    service_name: str, *, scopes: Collection[Scope], days: int, by: Actor, secret: str = "", owner: User | None = None
) -> str:
    """A new token of the service, which is made if it is new; the result is the secret, which is kept nowhere."""
    secret = secret or ApiToken.new_secret()
    with transaction.atomic():
        service, is_new = Service.objects.get_or_create(name=service_name, defaults={"owner": owner})
        if is_new:
            audit.record(Action.SERVICE_CREATED, by=by, service=f"service:{service.pk}")
        token = ApiToken.objects.create(
            service=service,
            digest=ApiToken.digest_of(secret),
            scopes=sorted(set(scopes)),
            expires_at=timezone.now() + timedelta(days=days),
        )
        audit.record(
            Action.TOKEN_CREATED,
            by=by,
            service=f"service:{service.pk}",
            token=f"token:{token.pk}",
            scopes=token.scopes,
            until=token.expires_at.isoformat(),
        )
    return secret


_FIRST_USE = (
    "UPDATE jobs_app_apitoken SET first_used_at = statement_timestamp() WHERE id = %s AND first_used_at IS NULL"
)


def use_token(token: ApiToken, *, by: Actor) -> None:
    """Notes that the token is used for the first time; of several at once one does. Raises ``AuditUnavailable``."""
    audit.record_with(_FIRST_USE, [token.pk], Entry(Action.TOKEN_USED, by, details={"token": f"token:{token.pk}"}))
