"""Ten minutes at fifty submissions a second through every part: how quick, how late, and how large it grows."""

import json
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connection

from jobs_app.actors import SUBMISSION_SCOPES
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Submission, SubmissionFile, User
from tests.bench import web
from tests.bench.figures import FULL, Figure
from tests.bench.web import Call
from tests.chaos.checker import check
from tests.conftest import token_of
from tests.processes import TOKEN, Processes, address, eventually
from tests.rows import numbered, remove_all

SECONDS = 600 if FULL else 60
RATE = 50  # submissions a second
SAMPLED = 2.0  # seconds between two looks
SLOWEST, LATEST, UNSEALED, GROWTH = 0.2, 5.0, 120.0, 1.05
_LATE = """
    SELECT extract(epoch FROM now() - min(due_at)) FROM jobs_app_submission WHERE status = 'queued' AND due_at <= now()
"""
_SEALS = """
    SELECT extract(epoch FROM now() - min(at)) FROM audit.event
    WHERE seq > (SELECT coalesce(max(upto_seq), 0) FROM audit.seal)
"""


class Looks:
    """What a thread sees again and again: seconds that the oldest due row and event wait, and memory by process."""

    def __init__(self, processes: Processes) -> None:
        self._processes, self._is_over = processes, threading.Event()
        self.late, self.unsealed = 0.0, 0.0
        self.memory: dict[str, list[int]] = defaultdict(list)  # KiB, by what the process is
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Looks":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def growth(self) -> tuple[float, str]:
        """The largest of all processes' growth from the second fifth of the time to the last, and which that is."""
        grown = {}
        for name, sizes in self.memory.items():
            fifth = len(sizes) // 5
            grown[name] = statistics.median(sizes[-fifth:]) / statistics.median(sizes[fifth : 2 * fifth])
        most = max(grown, key=lambda name: grown[name])
        told = ", ".join(f"{name} {sizes[-1] // 1024} MiB" for name, sizes in sorted(self.memory.items()))
        return grown[most], f"most in {most}; {told}"

    def _look(self) -> None:
        with connection.cursor() as cursor:
            while not self._is_over.wait(SAMPLED):
                self.late = max(self.late, _seconds(cursor, _LATE))
                self.unsealed = max(self.unsealed, _seconds(cursor, _SEALS))
                for name, size in self._processes.memory().items():
                    self.memory[name].append(size)
        connection.close()


def measure(person: User) -> Iterator[Figure]:
    headers = {"Authorization": f"Bearer {token_of('soak', *SUBMISSION_SCOPES, owner=person)}"}
    calls = [
        Call("/api/v1/submissions/", json.dumps(numbered(n)).encode(), headers | {"Idempotency-Key": f"soak-{n}"})
        for n in range(SECONDS * RATE)
    ]
    with tempfile.TemporaryDirectory() as folder, Sandbox(port=0, token=TOKEN) as sandbox:
        # The time limits are those of a production, where a slow answer is none that is missing.
        limits = {"KOODRIVE_CONNECT_TIMEOUT": "3", "KOODRIVE_READ_TIMEOUT": "30"}
        changes = {"KOODRIVE_RATE": "5000/s", "DATABASE_SEALER_URL": address("sealer"), **limits}
        processes = Processes(Path(folder), sandbox, **changes)
        try:
            processes.worker(threads=20)
            processes.beat()
            processes.start("seal_audit", program=("manage",))
            server = web.start(processes)
            with Looks(processes) as looks:
                rate, taken = server.load(calls, apart=1 / RATE)
                began = time.monotonic()
                open_ones = Submission.objects.filter(status__in=["queued", "sending"])
                eventually(lambda: not open_ones.exists(), what="nothing queued or being sent")
            report = check("soak", dict(SubmissionFile.objects.values_list("file_id", "submission")), sandbox, 0)
        finally:
            processes.stop()
    growth, told = looks.growth()
    lost = len(calls) - report.executed + report.doubled + report.wrong + report.otherwise
    yield Figure("soak, p95 of create, s", statistics.quantiles(taken, n=20)[-1], f"{rate:.1f} calls/s", most=SLOWEST)
    yield Figure("soak, oldest due row, s", looks.late, f"all sent {time.monotonic() - began:.1f} s after", most=LATEST)
    yield Figure("soak, oldest event without a seal, s", looks.unsealed, "", most=UNSEALED)
    yield Figure("soak, growth of memory", growth, told, most=GROWTH)
    yield Figure("soak, lost, doubled or shown otherwise", lost, f"of {len(calls):,}", most=0)
    remove_all()


def _seconds(cursor: Any, statement: str) -> float:
    cursor.execute(statement)
    return float(cursor.fetchone()[0] or 0)
