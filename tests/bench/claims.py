"""How long a claim takes when very much is due, against when little is."""

import statistics
import time
from collections.abc import Iterator

from jobs_app import claiming
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import User
from tests.bench.figures import FULL, Figure, median_ratio
from tests.doors import client_of
from tests.rows import insert_queued, remove_all

FEW = 100
MANY = 100_000 if FULL else 10_000
CLAIMS = 80
PAIRS = 3


def measure(person: User) -> Iterator[Figure]:
    pairs = [(_claim(MANY, person), _claim(FEW, person)) for _ in range(PAIRS)]
    told = ", ".join(f"{many:.2f} : {few:.2f}" for many, few in pairs)
    yield Figure(f"claim with {MANY:,} due rows : with {FEW}", median_ratio(pairs), f"{told} ms", most=1.5)


def _claim(due: int, person: User) -> float:
    """Milliseconds of one claim, the median of many."""
    insert_queued(due, person)
    client = client_of(Sandbox())
    times = []
    for _ in range(CLAIMS):
        began = time.perf_counter()
        assert claiming.take(client=client)
        times.append(time.perf_counter() - began)
    remove_all()
    return statistics.median(times) * 1000
