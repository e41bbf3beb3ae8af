"""How many submissions a second one thread can submit, against the smallest write that the database can do."""

import time
from collections.abc import Callable, Iterator

from django.db import connections

from jobs_app import submissions
from jobs_app.models import User
from tests.bench.figures import FULL, Figure, median_ratio
from tests.doors import operator_actor
from tests.rows import numbered, remove_all

ROWS = 5_000 if FULL else 300
PAIRS = 3


def measure(person: User) -> Iterator[Figure]:
    with connections["owner"].cursor() as cursor:
        cursor.execute("CREATE TABLE empty_row (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
        pairs = [
            (_submit(person), _rate(lambda _: cursor.execute("INSERT INTO empty_row DEFAULT VALUES")))
            for _ in range(PAIRS)
        ]
        cursor.execute("DROP TABLE empty_row")
    told = ", ".join(f"{ours:.0f} : {floor:.0f}" for ours, floor in pairs)
    yield Figure("submitting, verb : INSERT of an empty row", median_ratio(pairs), f"{told} rows/s")


def _submit(person: User) -> float:
    actor = operator_actor(person)
    rate = _rate(lambda number: submissions.submit(numbered(number), by=actor))
    remove_all()
    return rate


def _rate(work: Callable[[int], object]) -> float:
    began = time.perf_counter()
    for number in range(ROWS):
        work(number)
    return ROWS / (time.perf_counter() - began)
