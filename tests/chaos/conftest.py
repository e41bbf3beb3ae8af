"""The fault suite: the same servers as production's settings make them, and a scale to try it smaller."""

import os
from collections.abc import Iterator

import pytest

from tests.servers import Database

SCALE = float(os.environ.get("CHAOS_SCALE", "1"))


def scaled(count: int, *, least: int = 1) -> int:
    """So many at full size, fewer with a CHAOS_SCALE below 1."""
    return max(least, round(count * SCALE))


@pytest.fixture(scope="session")
def servers() -> Iterator[Database]:
    """Other tests' database may forget what it has committed; here that is what is tried."""
    with Database(settings=()) as database:
        yield database
