"""Seals while twelve processes write, roll back and dawdle: every event is in exactly one, and no writer is held up."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connections

from jobs_app.actors import COMMAND_LINE
from jobs_app.audit import export, keys, seal, verify
from jobs_app.models import Event
from tests.chaos.conftest import scaled
from tests.doors import empty_the_trail
from tests.processes import address

WRITERS = 12
SECONDS = 60
SEAL_EVERY = 0.02
MOST_P99, MOST = 0.010, 0.300  # seconds to write an event
# A machine that is busy with other things is slow without a sealer too; then so many times that counts.
BUSY = 1.5


@pytest.fixture
def empty_trail(database: None) -> None:
    """A trail that begins with the test; only the owner can, by taking the guards away."""
    empty_the_trail()


@pytest.mark.parametrize("sealers", [1, 2])
def test_every_event_is_in_exactly_one_seal_and_nobody_waits_for_it(empty_trail: None, sealers: int) -> None:
    key = keys.private()
    alone = _write(scaled(SECONDS // 4, least=2))
    with _sealing(key, sealers) as postponed:
        sealed = _write(scaled(SECONDS, least=3))
    seal.seal_all(key)
    committed = alone.committed + sealed.committed

    assert sorted(committed) == list(Event.objects.order_by("seq").values_list("seq", flat=True))
    seals = list(export.seals(export.newest_seal()))
    assert sum(each.count for each in seals) == len(committed)
    assert all(one.upto == next_one.after for one, next_one in pairwise(seals))
    report = verify.live(by=COMMAND_LINE)
    assert (report.events, report.unsealed) == (len(committed), 0)

    p99, unsealed, longest = _p99(sealed.waits), _p99(alone.waits), max(sealed.waits)
    print(
        f"\n{len(committed)} events in {len(seals)} seals of {sealers} sealers, {len(postponed)} times postponed; "
        f"writing p99 {p99 * 1000:.1f} ms, at most {longest * 1000:.0f} ms; "
        f"without sealers p99 {unsealed * 1000:.1f} ms"
    )
    assert p99 < max(MOST_P99, BUSY * unsealed)
    assert longest < MOST


@dataclass(frozen=True)
class Written:
    """What the writers committed, and how many seconds each write took them."""

    committed: list[int]
    waits: list[float]


def _p99(waits: list[float]) -> float:
    return sorted(waits)[len(waits) * 99 // 100]


def _write(seconds: int) -> Written:
    """All writers at once; one of them has transactions of two seconds now and then."""
    script = str(Path(__file__).with_name("writer.py"))
    writers = [
        subprocess.Popen(
            [sys.executable, script, address("default"), str(seconds), str(seed), "long" if seed == 0 else "short"],
            stdout=subprocess.PIPE,
        )
        for seed in range(WRITERS)
    ]
    # All at once, so that none waits until somebody reads what it says.
    with ThreadPoolExecutor(WRITERS) as pool:
        said = list(pool.map(lambda writer: json.loads(writer.communicate()[0]), writers))
    return Written(*([each for one in said for each in one[name]] for name in ("committed", "waits")))


@contextmanager
def _sealing(key: Ed25519PrivateKey, sealers: int) -> Iterator[list[int]]:
    """Seals every 20 ms meanwhile; the result counts the rounds that found a writer at work for too long."""
    ended = threading.Event()
    postponed: list[int] = []

    def work(number: int) -> None:
        try:
            while not ended.wait(SEAL_EVERY):
                try:
                    seal.seal_all(key)
                except seal.WritersBusyError:
                    postponed.append(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(sealers) as pool:
        running = [pool.submit(work, number) for number in range(sealers)]
        try:
            yield postponed
        finally:
            ended.set()
        for each in running:
            each.result()
