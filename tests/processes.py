"""The portal's own processes, started and killed by tests, and what tests await of them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.db import connections

from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Submission
from jobs_app.states import FINAL
from portal import demo

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0
TOKEN = "sandbox-token"
SPEED = 20
CELERY = ("celery", "-A", "portal")


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

    def __init__(self, folder: Path, sandbox: Sandbox, **changes: str) -> None:
        """``changes`` replace or add variables of the processes' environment."""
        self.sandbox = sandbox
        self.inside: Sequence[str] = ()  # what the commands begin with, of processes on another host
        self._folder = folder
        # The tests' own process is the web server of the same portal: what is approved there names where it goes.
        self._before = settings.KOODRIVE_BASE_URL
        settings.KOODRIVE_BASE_URL = sandbox.url
        self._running: list[subprocess.Popen[bytes]] = []
        self._named: dict[int, str] = {}
        self._environment = os.environ | {
            "DATABASE_URL": address("default"),
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
            **changes,
        }

    def start(self, *arguments: str, program: Sequence[str] = CELERY) -> subprocess.Popen[bytes]:
        """Runs ``program``, which understands Celery's arguments."""
        log = (self._folder / f"{arguments[0]}-{len(self._running)}.log").open("wb")
        process = subprocess.Popen(
            [*self.inside, sys.executable, "-m", *program, *arguments],
            cwd=ROOT,
            env=self._environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._running.append(process)
        self._named[process.pid] = "web" if program == ("granian",) else arguments[0]
        return process

    def worker(self, threads: int = 8, *, program: Sequence[str] = CELERY) -> subprocess.Popen[bytes]:
        arguments = ("--pool", "threads", "--concurrency", str(threads), "--loglevel", "INFO")
        return self.start("worker", *arguments, program=program)

    def beat(self, *, program: Sequence[str] = CELERY) -> subprocess.Popen[bytes]:
        return self.start("beat", "--schedule", str(self._folder / f"schedule-{len(self._running)}"), program=program)

    def web(self, *more: str) -> str:
        """Two web processes as in production, with these options, too; their address, once they answer."""
        port = demo.free_port()
        options = ("--host", "127.0.0.1", "--port", str(port), "--workers", "2", "--blocking-threads", "4")
        self.start("--interface", "wsgi", *options, *more, "portal.wsgi:application", program=("granian",))
        address = f"http://127.0.0.1:{port}"
        eventually(lambda: _answers(address), what="the web server answers")
        return address

    def memory(self) -> dict[str, int]:
        """What each process that runs, and each child of it, holds in memory (KiB), by its command and number."""
        found: dict[str, int] = {}
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                session = int((place / "stat").read_text().rpartition(")")[2].split()[3])
                if session in self._named:
                    resident = int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
                    found[f"{self._named[session]} {place.name}"] = resident
        return found

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self._folder.glob("*.log")))

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        settings.KOODRIVE_BASE_URL = self._before
        self.kill_all()

    def kill_all(self) -> None:
        for process in self._running:
            if process.poll() is None:
                self.kill(process)


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/healthz", timeout=1).ok
    except requests.RequestException:
        return False


def address(alias: str) -> str:
    """The database that this test run uses, as the address that another process can be given."""
    known = connections[alias].get_connection_params()
    return f"postgresql://{known['user']}:{known.get('password', '')}@{known['host']}:{known['port']}/{known['dbname']}"
