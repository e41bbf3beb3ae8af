"""How many submissions a second go from ``queued`` to ``accepted``, against a task that only does ``requests.post``."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celery import Celery
from django.conf import settings

from jobs_app import tasks
from jobs_app.koodrive.sandbox import Fault, Kind, Sandbox
from jobs_app.models import Submission, User
from tests.bench.figures import FULL, Figure, median_ratio
from tests.processes import TOKEN, Processes, eventually
from tests.rows import insert_queued, numbered, remove_all

ROWS = 20_000 if FULL else 1_500
PAIRS = 5 if FULL else 3
THREADS = 16  # that send; the portal's worker keeps one in five free for other work
FLOORS = ((0.0, 0.5), (0.05, 0.9))  # seconds that KooDrive takes, and the ratio that must be reached
BARE = ("celery", "-A", "tests.bench.bare")
CALM = {"KOODRIVE_RATE": "100000/s", "PORTAL_POLL_SECONDS": "3600", "PORTAL_SWEEP_SECONDS": "10"}


def measure(person: User) -> Iterator[Figure]:
    for seconds, least in FLOORS:
        pairs = [(portal(seconds, person), bare(seconds)) for _ in range(PAIRS)]
        told = ", ".join(f"{ours:.0f} : {theirs:.0f}" for ours, theirs in pairs)
        name = f"sending at {seconds * 1000:.0f} ms, portal : bare task"
        yield Figure(name, median_ratio(pairs), f"{told} rows/s", least=least)


def portal(seconds: float, person: User) -> float:
    """Rows a second of a worker with every guarantee on."""
    insert_queued(ROWS, person)
    with _upstream(seconds) as (sandbox, processes):
        processes.beat()
        processes.worker(THREADS * 5 // 4)
        for _ in range(THREADS):
            tasks.send.delay()
        rate = _rate(sandbox)
        accepted = Submission.objects.filter(status="accepted", attempts=1)
        eventually(lambda: accepted.count() == ROWS, what="every row accepted")
    remove_all()
    return rate


def bare(seconds: float) -> float:
    """Messages a second of a worker that promises nothing. Its messages stand in the broker before it starts."""
    with _upstream(seconds) as (sandbox, processes):
        sender = Celery(broker=settings.REDIS_URL)
        for number in range(ROWS):
            body = {key: value for key, value in numbered(number).items() if key != "reason"}
            sender.send_task("post", [body], queue="bare")
        processes.worker(THREADS, program=BARE)
        return _rate(sandbox)


@contextmanager
def _upstream(seconds: float) -> Iterator[tuple[Sandbox, Processes]]:
    with tempfile.TemporaryDirectory() as folder, Sandbox(port=0, token=TOKEN) as sandbox:
        if seconds:
            sandbox.faults.add(Fault(Kind.LATENCY, times=None, seconds=seconds))
        processes = Processes(Path(folder), sandbox, **CALM)
        try:
            yield sandbox, processes
        finally:
            processes.stop()


def _rate(sandbox: Sandbox) -> float:
    """Calls a second as they arrived; the first tenth, while a worker warms up, doesn't count."""
    eventually(lambda: len(sandbox.received) >= ROWS, what="every call", patience=600)
    arrived = [entry.at for entry in sandbox.received]
    first = ROWS // 10
    return (len(arrived) - 1 - first) / (arrived[-1] - arrived[first])
