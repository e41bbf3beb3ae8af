"""The audit trail when it is long: its searches, its archive, and the verifying of it."""

from collections.abc import Iterator

from jobs_app.models import User
from tests.bench import exporting, searching
from tests.bench.figures import FULL, Figure
from tests.bench.loading import trails

FEW = 10_000
MANY = 10_000_000 if FULL else 100_000


def measure(person: User) -> Iterator[Figure]:
    with trails(person, FEW, MANY) as (few, many):
        assert few.has_the_columns_of_its_lines()
        yield from searching.measure(few, many)
        yield from exporting.measure(many)
