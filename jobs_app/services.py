"""Services: what they are called, who answers for them, and what their submissions say by default."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from . import audit, permissions, validators
from .actors import Actor
from .audit import Action
from .documents import LONGEST_TEXT, Reader
from .errors import Invalid, Problem
from .models import Service, User

LONGEST_NAME = 100
FIELDS = ("name", "owner", "contact", "default_reason", "description")


def create(values: Mapping[str, str], *, reason: str, by: Actor) -> Service:
    """A new service of the owner whose name is given. Raises ``NotAllowed``, or ``Invalid`` with every problem."""
    permissions.require(permissions.manage_services(by), by=by, to="create a service", confirmed=True)
    checked, said = _check(values, reason)
    service = Service(**checked)
    with transaction.atomic():
        _save(service)
        audit.record(Action.SERVICE_CREATED, by=by, service=service.ref, after=told(service), reason=said)
    return service


def change(service: Service, values: Mapping[str, str], *, reason: str, by: Actor) -> None:
    """Gives the service these properties, with its event; nothing happens when they are what it has.

    Raises ``NotAllowed``, or ``Invalid`` with every problem.
    """
    permissions.require(permissions.manage_services(by), by=by, to="change a service", confirmed=True)
    checked, said = _check(values, reason)
    with transaction.atomic():
        current = Service.objects.select_for_update(of=("self",)).select_related("owner").get(pk=service.pk)
        before, contact = told(current), current.contact
        for name, value in checked.items():
            setattr(current, name, value)
        after, is_other = told(current), current.contact != contact
        if before == after and not is_other:
            return
        _save(current)
        changed = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
        audit.record(
            Action.SERVICE_CHANGED,
            by=by,
            service=service.ref,
            before={name: old for name, (old, _) in changed.items()},
            after={name: new for name, (_, new) in changed.items()},
            contactChanged=is_other or None,
            reason=said,
        )


def told(service: Service) -> dict[str, Any]:
    """What the trail keeps of it. Not the contact: an address names somebody, and a line can't be taken back."""
    return {
        "name": service.name,
        "owner": f"person:{service.owner_id}" if service.owner_id else None,
        "defaultReason": service.default_reason,
        "description": service.description,
    }


def _save(service: Service) -> None:
    try:
        with transaction.atomic():
            service.save()
    except IntegrityError as error:
        raise Invalid([Problem("/name", "taken", "Another service has this name; choose another one.")]) from error


def _check(values: Mapping[str, str], reason: str) -> tuple[dict[str, Any], str]:
    given = {name: values.get(name, "").strip() for name in FIELDS}
    reader = Reader()
    reader.text(given, "name", "", longest=LONGEST_NAME)
    for name in ("default_reason", "description"):
        if given[name]:
            reader.text(given, name, "", longest=LONGEST_TEXT)
    owner = User.objects.present().filter(username=given["owner"]).first()
    if owner is None:
        reader.add("/owner", "unknown_person", "Name a person of the portal who answers for it.")
    _check_contact(reader, given["contact"])
    said = validators.collect_reason(reader, reason)
    if reader.problems:
        raise Invalid(reader.problems)
    return {**given, "owner": owner}, said


def _check_contact(reader: Reader, contact: str) -> None:
    if not contact:
        return
    try:
        validate_email(contact)
    except ValidationError:
        reader.add("/contact", "wrong_format", "Give one address for mail, such as team@example.com, or none.")
