"""What the tests of people share: administrators who confirm, and what only the database's owner can change."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from jobs_app import confirming
from jobs_app.models import Proposal, RoleGrant, User
from tests.doors import operator_actor as acting

REASON = "the new team starts on Monday"


def confirm(proposal: Proposal | None, by: User) -> Proposal:
    assert proposal is not None
    return confirming.settle(proposal.pk, Proposal.State.CONFIRMED, comment="", by=acting(by))


def given_long_ago(person: User, hours: float = 25) -> None:
    """As if the person's roles had been given then, and not as the first of an installation."""
    RoleGrant.objects.using("owner").filter(person_id=person.pk).update(
        granted_at=timezone.now() - timedelta(hours=hours), is_first=False
    )


def past_the_guards(person: User, **columns: Any) -> None:
    """Sets what takes two administrators, as only the database's owner can."""
    User.objects.using("owner").filter(pk=person.pk).update(**columns)


def anew(person: User) -> User:
    return User.objects.get(pk=person.pk)
