"""A pytest plugin: the servers that tests run against.

With DATABASE_URL (and DATABASE_OWNER_URL of a role that may create databases) the tests use that server, else one of
their own, in a folder of their own that is gone afterwards. Unit tests start nothing. Loaded before Django's settings.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest

DATA = Path(tempfile.mkdtemp(prefix="portal-test-"))
DATA.chmod(0o755)  # run by root, the servers are nobody's
os.environ["PORTAL_DATA_DIR"] = str(DATA)
HAS_OWN_DATABASE = not os.environ.get("DATABASE_URL")
HAS_OWN_BROKER = not os.environ.get("REDIS_URL")
# A test server may forget everything when the machine stops.
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def pytest_unconfigure() -> None:
    shutil.rmtree(DATA, ignore_errors=True)


class Database:
    """PostgreSQL with an empty test database that all aliases of Django use; the tests' own one may be killed."""

    def __init__(self, settings: Sequence[str] = QUICK) -> None:
        self._settings = settings
        self._server: Any = None

    def __enter__(self) -> Self:
        from django.db import connections

        from portal import embedded

        self._lock = embedded.server_lock(DATA)
        if HAS_OWN_DATABASE and self._lock.take():
            self._server = embedded.start_postgres(DATA, settings=self._settings)
        owner = connections["owner"].get_connection_params()
        name = f"test_{owner['dbname'].removeprefix('test_')}"
        _make_anew(name, owner)
        for alias in connections:
            connections[alias].settings_dict["NAME"] = name
        return self

    def restart_at_once(self) -> None:
        """As after a power cut: no connection is asked, nothing is written down; it recovers from its log."""
        from portal import embedded

        if self._server is None:
            pytest.skip("The database is not ours to kill.")
        self._server.process.send_signal(signal.SIGQUIT)
        self._server.process.wait()
        self._server = embedded.start_postgres(DATA, settings=self._settings)

    def __exit__(self, *error: object) -> None:
        from django.db import connections

        connections.close_all()
        if self._server:
            self._server.stop()


@pytest.fixture(scope="session")
def servers() -> Iterator[Database]:
    with Database() as database:
        yield database


def _make_anew(name: str, owner: dict[str, Any]) -> None:
    known = {key: owner[key] for key in ("host", "port", "user", "password") if owner.get(key)}
    with psycopg.connect(**known, dbname=owner["dbname"], autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')


class Broker:
    """The tests' own Valkey, which a test may kill."""

    def __init__(self) -> None:
        self._server: Any = None

    def start(self) -> None:
        from portal import embedded

        if HAS_OWN_BROKER and self._server is None:
            self._server = embedded.start_valkey(DATA)

    def kill(self) -> None:
        """With everything that is in it."""
        if not HAS_OWN_BROKER:
            pytest.skip("The broker is not ours to kill.")
        self._server.process.kill()
        self._server.process.wait()
        self._server = None

    def freeze(self) -> None:
        """It neither answers nor refuses, until it is thawed."""
        if not HAS_OWN_BROKER:
            pytest.skip("The broker is not ours to freeze.")
        self._server.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._server.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._server:
            self._server.stop()
            self._server = None


@contextmanager
def running_broker() -> Iterator[Broker]:
    broker = Broker()
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def one_broker() -> Iterator[Broker]:
    with running_broker() as broker:
        yield broker


@pytest.fixture
def broker(one_broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """Valkey, running, at the address that Celery was given; that an earlier one failed is forgotten."""
    from jobs_app import ringing

    one_broker.start()
    monkeypatch.setattr(ringing, "_silent_until", 0.0)
    return one_broker
