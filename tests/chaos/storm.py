"""Submissions come in while everything else goes down again and again, by a plan that its seed repeats."""

import random
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from jobs_app import submissions
from jobs_app.actors import Actor
from jobs_app.errors import AuditUnavailable
from jobs_app.koodrive.sandbox import Fault, Kind, When
from jobs_app.models import Submission
from tests.chaos.hosts import Host
from tests.examples import file_id
from tests.processes import Processes, eventually
from tests.rows import numbered
from tests.servers import Broker, Database

PER_SECOND = 16.0
OPERATIONS = ("copy", "trash", "move")
BROKER_AWAY = 1.0
OUTAGE = 1.0
CUT = 8.0
EACH = 0.026  # how likely each of the faults below strikes a create call: 38 % are struck by one of them
BREAKING = (
    Fault(Kind.RESET, when=When.BEFORE),
    Fault(Kind.RESET, when=When.AFTER),
    Fault(Kind.CLOSE, when=When.BEFORE),
    Fault(Kind.CLOSE, when=When.AFTER),
    Fault(Kind.HANG, when=When.BEFORE),
    Fault(Kind.HANG, when=When.AFTER),
    Fault(Kind.STATUS, status=429, retry_after=1),
    Fault(Kind.STATUS, status=503, retry_after=1),
    Fault(Kind.STATUS, status=503),
    Fault(Kind.STATUS, status=500),
    Fault(Kind.STATUS, status=502, when=When.AFTER),
    Fault(Kind.CODE, code=13000302),
    Fault(Kind.GARBAGE),
    Fault(Kind.NO_DATA),
    Fault(Kind.TRUNCATED),
    Fault(Kind.OVERSIZED),
    Fault(Kind.DRIP),
    Fault(Kind.REDIRECT),
)
STOPPING = (Fault(Kind.STATUS, status=401), Fault(Kind.STATUS, status=404))  # each pauses all sending


@dataclass(frozen=True)
class Plan:
    """What happens how often: numbers are seconds between two of a kind, 0 is never."""

    seed: int
    submissions: int
    faults: bool = False
    kill_worker: float = 0.0
    kill_broker: float = 0.0
    kill_beat: float = 0.0
    outage: float = 0.0
    flush: float = 0.0
    cut: float = 0.0
    restart_database: bool = False
    workers: int = 3
    beats: int = 1

    @property
    def seconds(self) -> float:
        return self.submissions / PER_SECOND

    def happenings(self) -> list[tuple[float, str]]:
        """When what happens, in order."""
        found = [(number / PER_SECOND, "submit") for number in range(self.submissions)]
        for name in ("kill_worker", "kill_broker", "kill_beat", "outage", "flush", "cut"):
            found += [(at, name) for at in _every(getattr(self, name), self.seconds)]
        found += [(at + BROKER_AWAY, "start_broker") for at, name in found if name == "kill_broker"]
        found += [(at + OUTAGE, "end_outage") for at, name in found if name == "outage"]
        found += [(at + CUT, "heal") for at, name in found if name == "cut"]
        if self.restart_database:
            found.append((self.seconds / 2, "restart_database"))
        return sorted(found)


class Storm:
    """Carries a plan out; ``submitted`` then has the id of each submission by the file that it is about."""

    def __init__(
        self, plan: Plan, own: Processes, broker: Broker, database: Database, by: Actor, host: Host | None = None
    ) -> None:
        """``host`` is the one that the plan cuts off."""
        self.plan, self._own, self._broker, self._database, self._by = plan, own, broker, database, by
        self._host = host
        self.cuts = 0
        self._random = random.Random(plan.seed)
        self.submitted: dict[str, uuid.UUID] = {}
        self.kills = 0

    def run(self) -> float:
        """Seconds from the last submit until nothing was queued or being sent any more."""
        sandbox = self._own.sandbox
        if self.plan.faults:
            sandbox.faults.add(*_faults(self.plan.seed))
        self._workers = [self._own.worker() for _ in range(self.plan.workers)]
        self._beats = [self._own.beat() for _ in range(self.plan.beats)]
        began = time.monotonic()
        for at, name in self.plan.happenings():
            time.sleep(max(0.0, began + at - time.monotonic()))
            getattr(self, f"_{name}")()
        return self._drained()

    def _drained(self) -> float:
        began = time.monotonic()
        open_ones = Submission.objects.filter(status__in=["queued", "sending"])
        eventually(lambda: not open_ones.exists(), what="nothing queued or being sent", patience=150)
        return time.monotonic() - began

    def _submit(self) -> None:
        number = len(self.submitted)
        given, chosen = numbered(number, self._random.choice(OPERATIONS)), uuid.UUID(int=self._random.getrandbits(128))
        for attempt in range(20):
            try:
                submissions.submit(given, by=self._by, as_id=chosen)
            except (OperationalError, InterfaceError, AuditUnavailable):
                assert attempt < 19
                connections.close_all()  # The database was restarted; who submits tries again, with the same id.
            else:
                self.submitted[file_id(number)] = chosen
                return

    def _kill_worker(self) -> None:
        place = self._random.randrange(len(self._workers))
        self._workers[place] = self._again(self._workers[place])

    def _kill_beat(self) -> None:
        self._own.kill(self._beats[0])
        self._beats[0] = self._own.beat()

    def _again(self, worker: "subprocess.Popen[bytes]") -> "subprocess.Popen[bytes]":
        self.kills += 1
        self._own.kill(worker)
        assert worker.returncode == -signal.SIGKILL, "the worker had ended by itself"
        return self._own.worker()

    def _kill_broker(self) -> None:
        self._broker.kill()

    def _start_broker(self) -> None:
        self._broker.start()

    def _flush(self) -> None:
        redis.Redis.from_url(settings.REDIS_URL).flushall()

    def _outage(self) -> None:
        self._own.sandbox.stop()

    def _end_outage(self) -> None:
        self._own.sandbox.start()

    def _cut(self) -> None:
        assert self._host
        self.cuts += 1
        self._host.cut()

    def _heal(self) -> None:
        assert self._host
        self._host.heal()

    def _restart_database(self) -> None:
        self._database.restart_at_once()


def _every(interval: float, until: float) -> Iterator[float]:
    at = interval
    while interval and at < until:
        yield at
        at += interval


def _faults(seed: int) -> Iterator[Fault]:
    for number, fault in enumerate((*BREAKING, *STOPPING)):
        probability = EACH if fault in BREAKING else EACH / 5
        yield Fault(
            **(vars(fault) | {"times": None, "probability": probability, "seed": seed * 100 + number}),
        )
