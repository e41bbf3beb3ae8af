"""Every part of a demo in one terminal: starts them in order, shows what they say, and stops all of them."""

import collections
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from . import demo, embedded, logs

READY_SECONDS = 60
GRACE_SECONDS = 8.0  # a call to KooDrive that is still open then is cut, and its submission becomes unknown
RESTARTS = 3
LOG_BYTES = 5_000_000
LAST_LINES = 20


@dataclass(frozen=True)
class Part:
    """One child: ``order`` says when it is stopped, the lowest first; ``extra`` are variables that only it is given."""

    name: str
    command: tuple[str, ...]
    order: int = 1
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Child:
    part: Part
    process: subprocess.Popen[bytes]
    reader: threading.Thread
    last: collections.deque[str] = field(default_factory=lambda: collections.deque(maxlen=LAST_LINES))
    restarts: int = 0


class Stack:
    """The parts that run below this process. ``say`` prints one line to the person who started it."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._servers: list[embedded.Server] = []
        self._children: list[Child] = []
        self._environment: dict[str, str] = {}
        self._ending = threading.Event()

    def serve(self, name: str, start: Callable[[], embedded.Server]) -> None:
        """Starts a server of the demo; those are stopped last, the newest first."""
        began = time.monotonic()
        self._servers.append(start())
        self._say(f"{name} … ready ({time.monotonic() - began:.1f} s)")

    def run(self, parts: Sequence[Part], environment: Mapping[str, str]) -> None:
        """Starts the parts with exactly these variables."""
        self._environment = dict(environment)
        for part in parts:
            self._children.append(self._start(part))

    def on_signals(self) -> None:
        """From now on SIGINT and SIGTERM end ``watch``."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._end)

    def wait_until_answering(self, address: str) -> bool:
        """Whether it answered before the stack was told to end; raises ImproperlyConfigured when it never does."""
        end = time.monotonic() + READY_SECONDS
        while not _answers(address):
            self._look_after_children()
            if self._ending.is_set():
                return False
            if time.monotonic() > end:
                raise ImproperlyConfigured(f"The front page does not answer at {address}; see {self._folder}/log.")
            self._ending.wait(0.1)
        return True

    def watch(self) -> None:
        """Until a signal comes; a part that ends by itself is started again a few times, then all is given up."""
        while not self._ending.wait(0.5):
            self._look_after_children()

    def stop(self) -> None:
        """Ends everything and leaves no process behind."""
        self._ending.set()
        for order in sorted({child.part.order for child in self._children}):
            self._stop_children([child for child in self._children if child.part.order == order])
        for server in reversed(self._servers):
            server.stop()

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ending.set()

    def _start(self, part: Part) -> Child:
        process = subprocess.Popen(
            part.command,
            env={**self._environment, **part.extra},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(embedded.die_with_parent, signal.SIGTERM, os.getpid()),
        )
        child = Child(part, process, threading.Thread(daemon=True))
        child.reader = threading.Thread(target=self._pass_on, args=(child,), daemon=True)
        child.reader.start()
        return child

    def _pass_on(self, child: Child) -> None:
        """Shows what a part says, with its name before it, and keeps the beginning of it in a file.

        Events of the trail are in the file alone: nobody could read anything else on the terminal.
        """
        path = self._folder / "log" / f"{child.part.name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        assert child.process.stdout is not None
        with path.open("wb") as log:
            for line in child.process.stdout:
                if log.tell() < LOG_BYTES:
                    log.write(line)
                    log.flush()
                text = line.decode(errors="replace").rstrip()
                if logs.is_event(text):
                    continue
                child.last.append(text)
                self._say(f"{child.part.name:<8}| {text}")

    def _look_after_children(self) -> None:
        for number, child in enumerate(self._children):
            if child.process.poll() is None or self._ending.is_set():
                continue
            child.reader.join(1)
            if child.restarts == RESTARTS:
                words = "\n".join(f"  {line}" for line in child.last)
                raise ImproperlyConfigured(f"{child.part.name} ended again and again; the last it said:\n{words}")
            self._say(f"{child.part.name} ended (exit code {child.process.returncode}) and is started again")
            again = self._start(child.part)
            again.restarts = child.restarts + 1
            self._children[number] = again

    def _stop_children(self, children: list[Child]) -> None:
        for child in children:
            _signal_group(child, signal.SIGTERM, only_leader=True)
        end = time.monotonic() + GRACE_SECONDS
        for child in children:
            try:
                child.process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(f"{child.part.name} is still busy and is cut off")
            _signal_group(child, signal.SIGKILL)
            child.process.wait()


def parts(host: str, port: int, *, sandbox_port: int | None, folder: Path, sealer_url: str) -> list[Part]:
    """The portal's own processes; the sandbox only when no other KooDrive is set."""
    manage, python = str(Path(__file__).parent.parent / "manage.py"), sys.executable
    celery = (python, "-m", "celery", "-A", "portal", "--quiet")
    threads = ("--pool", "threads", "--concurrency", "20")
    quiet = ("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat")
    web = ("--host", host, "--port", str(port), "--workers", "2", "--blocking-threads", str(settings.WEB_THREADS))
    found = [
        Part("web", (python, "-m", "granian", "--interface", "wsgi", *web, "portal.wsgi:application")),
        Part("worker", (*celery, "worker", *threads, *quiet)),
        Part("beat", (*celery, "beat", "--loglevel", "WARNING", "--pidfile=", "-s", str(folder / "beat-schedule"))),
        Part("sealer", (python, manage, "seal_audit"), extra={"DATABASE_SEALER_URL": sealer_url}),
    ]
    if sandbox_port is not None:
        found.insert(0, Part("sandbox", (python, manage, "koodrive_sandbox", "--port", str(sandbox_port)), order=2))
    return found


def is_taken(host: str, port: int) -> bool:
    """Whether something listens there already, or nobody may listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def sandbox_port(folder: Path) -> int:
    """A free port for the sandbox, the one that was used before if it can be."""
    values = demo.load(folder)
    if is_taken("127.0.0.1", values.sandbox_port):
        values = demo.change_port(folder, "sandbox")
    return values.sandbox_port


def _signal_group(child: Child, number: signal.Signals, *, only_leader: bool = False) -> None:
    try:
        if only_leader:
            child.process.send_signal(number)
        else:
            os.killpg(child.process.pid, number)
    except ProcessLookupError:
        return


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310  (our own address)
            return int(answer.status) == 200
    except (urllib.error.URLError, OSError):
        return False
