"""Erases the names behind an actor's hashes: the lines stay as they are, and nobody can tell any more who it was."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import ProgrammingError, connections
from psycopg.errors import InsufficientPrivilege

from ..errors import AlreadyErased, OwnerNeeded

# Only the owner of the database may touch a name that was stored, and give a role that takes two without a proposal.
OWNER = "owner"


def erase(actor: str, current: str) -> list[str]:
    """Erases every name that the actor had, ``current`` too if it never acted under it; the result is those names.

    Call it in a transaction of ``OWNER``: until its end no other one stores a name that is new, and afterwards none of
    this actor. Raises ``AlreadyErased`` and ``OwnerNeeded``.
    """
    with owners_only(), connections[OWNER].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7411003)")
        cursor.execute("SELECT name FROM audit.actor_name WHERE actor = %s FOR UPDATE", [actor])
        found = [name for (name,) in cursor.fetchall()]
        if None in found:
            raise AlreadyErased
        # A row without a name is what keeps the actor from ever getting one.
        cursor.execute("SELECT audit.actor_hash(%s, %s)", [actor, current])
        cursor.execute("UPDATE audit.actor_name SET name = NULL, salt = NULL WHERE actor = %s", [actor])
    return sorted({*found, current})


@contextmanager
def owners_only() -> Iterator[None]:
    """Raises ``OwnerNeeded`` when the connection ``OWNER`` turns out to be another role's."""
    try:
        yield
    except ProgrammingError as error:
        if isinstance(error.__cause__, InsufficientPrivilege):
            raise OwnerNeeded from error
        raise
