"""A pytest plugin: the servers that tests run against.

With DATABASE_URL (and DATABASE_OWNER_URL of a role that may create databases) the tests use that server, else one of
their own, in a folder of their own that is gone afterwards. Unit tests start nothing. Loaded before Django's settings.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

DATA = Path(tempfile.mkdtemp(prefix="portal-test-"))
DATA.chmod(0o755)  # run by root, the servers are nobody's
os.environ["PORTAL_DATA_DIR"] = str(DATA)
HAS_OWN_DATABASE = not os.environ.get("DATABASE_URL")
HAS_OWN_BROKER = not os.environ.get("REDIS_URL")
# A test server may forget everything when the machine stops.
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(DATA, ignore_errors=True)


@pytest.fixture(scope="session")
def servers() -> Iterator[None]:
    """PostgreSQL with an empty test database that all aliases of Django use."""
    from django.db import connections

    from portal import embedded

    lock = embedded.server_lock(DATA)
    server = embedded.start_postgres(DATA, settings=QUICK) if HAS_OWN_DATABASE and lock.take() else None
    try:
        owner = connections["owner"].get_connection_params()
        name = f"test_{owner['dbname'].removeprefix('test_')}"
        _make_anew(name, owner)
        for alias in connections:
            connections[alias].settings_dict["NAME"] = name
        yield
        connections.close_all()
    finally:
        if server:
            server.stop()


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

    def stop(self) -> None:
        if self._server:
            self._server.stop()


@pytest.fixture(scope="session")
def one_broker() -> Iterator[Broker]:
    broker = Broker()
    yield broker
    broker.stop()


@pytest.fixture
def broker(one_broker: Broker) -> Broker:
    """Valkey, running, at the address that Celery was given."""
    one_broker.start()
    return one_broker
