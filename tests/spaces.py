"""Spaces of the directory for tests, made and loosened as administrators do it."""

from datetime import timedelta

from django.db import connections
from django.utils import timezone

from jobs_app import confirming, directory
from jobs_app.models import Proposal, Space, User
from tests.doors import operator_actor as acting
from tests.examples import SPACE

MATTER = "MATTER-7"


def add_space(by: User, space_id: str = SPACE, **values: str) -> Space:
    """A space in the directory, called Archive unless told."""
    return directory.add(space_id, {"name": "Archive"} | values, reason="it is there", by=acting(by))


def change_space(space: Space, by: User, **values: str) -> Proposal | None:
    return directory.change(space, values, reason="it has to be", by=acting(by))


def confirm(proposal: Proposal | None, by: User) -> Proposal:
    assert proposal is not None
    return confirming.settle(proposal.pk, Proposal.State.CONFIRMED, comment="", by=acting(by))


def past_the_end(space: Space) -> None:
    """Lets the hold of the space end, as time does."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_app_space DISABLE TRIGGER USER")
        ended = timezone.now() - timedelta(seconds=1)
        cursor.execute("UPDATE jobs_app_space SET hold_until = %s WHERE id = %s", [ended, space.pk])
        cursor.execute("ALTER TABLE jobs_app_space ENABLE TRIGGER USER")
