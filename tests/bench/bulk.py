"""How many submissions a second one bulk call stores, with their files and events."""

import gc
import statistics
import time
from collections.abc import Iterator

from jobs_app import bulk
from jobs_app.models import User
from tests.bench.figures import FULL, Figure
from tests.doors import operator_actor
from tests.rows import numbered, remove_all

ROWS = 1000
CALLS = 30 if FULL else 9
LEAST = 5000.0  # submissions a second


def measure(person: User) -> Iterator[Figure]:
    gc.freeze()  # as a web process does when it has started
    rates = [_rate(person, call) for call in range(CALLS)]
    told = f"{CALLS} calls of {ROWS:,} rows with one file, {min(rates):.0f} to {max(rates):.0f}"
    yield Figure("bulk, submissions a second", statistics.median(rates), told, least=LEAST)
    remove_all()


def _rate(person: User, call: int) -> float:
    rows = [numbered(call * ROWS + number) for number in range(ROWS)]
    began = time.perf_counter()
    bulk.submit({"submissions": rows}, by=operator_actor(person))
    return ROWS / (time.perf_counter() - began)
