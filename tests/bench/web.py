"""Web servers as the stack starts them, and as many connections as load one at the same time."""

import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from jobs_app.koodrive.sandbox import Sandbox
from portal import demo, stack
from tests.processes import TOKEN, Processes, eventually

CONNECTIONS = 8


@dataclass(frozen=True)
class Call:
    """One call of the REST API; ``body`` is JSON, None for a GET."""

    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Server:
    """A web server that runs."""

    port: int

    def load(self, calls: Sequence[Call], *, apart: float = 0.0) -> tuple[float, list[float]]:
        """Makes the calls over kept connections; how many a second were answered, and the seconds that each took.

        With ``apart`` one is begun every so many seconds, as far as a connection is free for it.
        """
        local = threading.local()
        begin = time.perf_counter()

        def call(number: int, each: Call) -> float:
            if not hasattr(local, "connection"):
                local.connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
            time.sleep(max(0.0, begin + number * apart - time.perf_counter()))
            began = time.perf_counter()
            self._call(local.connection, each)
            return time.perf_counter() - began

        with ThreadPoolExecutor(CONNECTIONS) as callers:
            taken = list(callers.map(call, range(len(calls)), calls))
            return len(calls) / (time.perf_counter() - begin), taken

    def answers(self) -> bool:
        try:
            self._call(HTTPConnection("127.0.0.1", self.port, timeout=5), Call("/healthz"), may_be_missing=True)
        except (OSError, HTTPException):
            return False
        return True

    @staticmethod
    def _call(connection: HTTPConnection, each: Call, *, may_be_missing: bool = False) -> None:
        method, kind = ("GET", {}) if each.body is None else ("POST", {"Content-Type": "application/json"})
        connection.request(method, each.path, each.body, {**kind, **each.headers})
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status < 300 or (may_be_missing and answer.status == 404), said


@contextmanager
def running(application: str = "portal.wsgi:application", **environment: str) -> Iterator[Server]:
    """The application on the portal's web server, with the stack's own processes and threads, on the run's database."""
    with tempfile.TemporaryDirectory() as folder, Sandbox(port=0, token=TOKEN) as sandbox:
        processes = Processes(Path(folder), sandbox, **environment)
        try:
            yield start(processes, application)
        finally:
            processes.stop()


def start(processes: Processes, application: str = "portal.wsgi:application") -> Server:
    """The same among other processes."""
    port = demo.free_port()
    parts = stack.parts("127.0.0.1", port, sandbox_port=None, folder=Path(), sealer_url="")
    [options] = [part.command[3:-1] for part in parts if part.name == "web"]
    processes.start(*options, application, program=("granian",))
    server = Server(port)
    eventually(server.answers, what=f"{application} answers")
    return server
