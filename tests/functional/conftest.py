"""Functional tests: real worker and beat processes, a real broker, and the sandbox over real HTTP."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections

from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Submission
from jobs_app.states import FINAL
from tests.servers import Broker

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
TOKEN = "sandbox-token"
SPEED = 20


def eventually(condition: Callable[[], Any], *, what: str, patience: float = PATIENCE) -> Any:
    """The first true value of ``condition``, asked again and again; fails when there is none in time."""
    end = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {patience:.0f} s: {what}"
        time.sleep(0.05)
    return found


def settled(*rows: Submission, patience: float = PATIENCE) -> list[Submission]:
    """The submissions, once each is final or in doubt."""
    wanted = [row.pk for row in rows]

    def done() -> list[Submission]:
        ended = Submission.objects.filter(pk__in=wanted, status__in=[*FINAL, "unknown"])
        return list(ended) if ended.count() == len(wanted) else []

    found = eventually(done, what="every submission settled", patience=patience)
    by_id = {row.pk: row for row in found}
    return [by_id[pk] for pk in wanted]


class Processes:
    """Starts and kills the portal's own processes, pointed to the test's servers and its sandbox."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        self._environment = os.environ | {
            "DATABASE_URL": _address("default"),
            "DATABASE_OWNER_URL": "",
            "DATABASE_SEALER_URL": "",
            "REDIS_URL": settings.REDIS_URL,
            "PORTAL_DATA_DIR": str(settings.DATA_DIR),
            "KOODRIVE_BASE_URL": sandbox.url,
            "KOODRIVE_TOKEN": TOKEN,
            "KOODRIVE_CONNECT_TIMEOUT": "1",
            "KOODRIVE_READ_TIMEOUT": "3",
            "PORTAL_POLL_SECONDS": "0.3",
            "PORTAL_SWEEP_SECONDS": "0.5",
        }

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self._folder / f"{arguments[0]}-{len(self._running)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "portal", *arguments],
            cwd=ROOT,
            env=self._environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._running.append(process)
        return process

    def worker(self) -> subprocess.Popen[bytes]:
        return self.start("worker", "--pool", "threads", "--concurrency", "8", "--loglevel", "INFO")

    def beat(self) -> subprocess.Popen[bytes]:
        return self.start("beat", "--schedule", str(self._folder / f"schedule-{len(self._running)}"))

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self._folder.glob("*.log")))

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self._running:
            if process.poll() is None:
                self.kill(process)


def _address(alias: str) -> str:
    """The database that this test run uses, as the address that another process can be given."""
    known = connections[alias].get_connection_params()
    return f"postgresql://{known['user']}:{known.get('password', '')}@{known['host']}:{known['port']}/{known['dbname']}"


@pytest.fixture(scope="module")
def running(migrated: None, one_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """A worker, a beat and a sandbox that the tests of a module share."""
    one_broker.start()
    with Sandbox(port=0, token=TOKEN, speed=SPEED) as sandbox:
        processes = Processes(tmp_path_factory.mktemp("logs"), sandbox)
        processes.worker()
        processes.beat()
        yield processes
        processes.stop()


@pytest.fixture
def sandbox(running: Processes) -> Sandbox:
    """The sandbox, with nothing received and no fault."""
    running.sandbox.reset()
    return running.sandbox


@pytest.fixture
def own(database: None, broker: Broker, tmp_path: Path) -> Iterator[Processes]:
    """A sandbox and processes of the test's own, to be started and killed by it."""
    with Sandbox(port=0, token=TOKEN, speed=SPEED) as sandbox:
        processes = Processes(tmp_path, sandbox)
        yield processes
        processes.stop()
