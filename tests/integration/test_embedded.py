"""The demo's own servers: made once, ended with their parent, never root's."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from portal import demo, embedded

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that the servers' user may enter."""
    found = tmp_path_factory.mktemp("data")
    for each in (found, *found.parents):
        if tmp_path_factory.getbasetemp().parent in each.parents or each.name.startswith("pytest-"):
            each.chmod(0o755)
    return found


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def connect(folder: Path, role: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(demo.load(folder).database_url(role), autocommit=True)


def test_postgres_keeps_its_data_and_has_its_roles(folder: Path) -> None:
    first = embedded.start_postgres(folder)
    with connect(folder, "owner") as connection:
        connection.execute("CREATE TABLE kept (n int)")
    first.stop()
    again = embedded.start_postgres(folder)
    try:
        with connect(folder, "owner") as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
            rows = connection.execute("SELECT rolname, rolsuper FROM pg_roles WHERE rolname LIKE 'portal%'")
            assert sorted(rows.fetchall()) == [("portal_app", False), ("portal_owner", False), ("portal_sealer", False)]
            assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
    finally:
        again.stop()


def test_nobody_gets_in_without_the_password(folder: Path) -> None:
    server = embedded.start_postgres(folder)
    try:
        url = demo.load(folder).database_url("app")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url, password="wrong")
    finally:
        server.stop()
    valkey = embedded.start_valkey(folder)
    try:
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=demo.load(folder).valkey_port).ping()
        assert redis.from_url(demo.load(folder).redis_url).ping()
    finally:
        valkey.stop()


def test_the_password_stands_in_no_list_of_processes(folder: Path) -> None:
    server = embedded.start_valkey(folder)
    try:
        command = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
        assert demo.load(folder).valkey_password.encode() not in command
    finally:
        server.stop()


def test_a_start_that_was_cut_off_heals(folder: Path) -> None:
    half = folder / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")
    server = embedded.start_postgres(folder)
    server.stop()
    assert (folder / "postgres" / "PG_VERSION").exists()
    assert not half.exists()


def test_a_port_that_is_taken_is_exchanged(folder: Path) -> None:
    first = embedded.start_postgres(folder)
    other = folder.with_name("other")
    other.mkdir(mode=0o755)
    taken = demo.load(folder).postgres_port
    values = demo.load(other)
    (other / demo.FILE).write_text((other / demo.FILE).read_text().replace(str(values.postgres_port), str(taken)))
    second = embedded.start_postgres(other)
    try:
        assert demo.load(other).postgres_port != taken
    finally:
        first.stop()
        second.stop()


def test_a_damaged_folder_is_told_in_one_sentence(folder: Path) -> None:
    embedded.start_postgres(folder).stop()
    (folder / "postgres" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(embedded.ServerError, match="PostgreSQL does not start"):
        embedded.start_postgres(folder)


@pytest.mark.parametrize("server", ["postgres", "valkey"])
def test_it_ends_with_a_parent_that_is_killed(folder: Path, server: str) -> None:
    script = f"""
import pathlib, time
from portal import embedded
print(embedded.start_{server}(pathlib.Path({str(folder)!r})).process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    eventually(lambda: is_gone(child))


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_run_by_root_the_servers_are_not(folder: Path) -> None:
    for server in (embedded.start_postgres(folder), embedded.start_valkey(folder)):
        try:
            status = Path(f"/proc/{server.process.pid}/status").read_text()
            assert "\nUid:\t65534\t65534\t65534\t65534\n" in status
        finally:
            server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can enter a folder that others may not")
def test_root_can_use_a_folder_that_others_may_not_enter(folder: Path) -> None:
    folder.chmod(0o700)
    server = embedded.start_postgres(folder)
    try:
        with connect(folder, "app") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()
    assert is_gone(server.process.pid)


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "REDIS_"))}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=kept | {"PORTAL_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_command_runs_the_database_for_itself_and_one_that_needs_none_starts_nothing(folder: Path) -> None:
    assert run(folder, "check").returncode == 0
    assert not (folder / "postgres").exists()
    done = run(folder, "migrate", "-v", "0")
    assert (done.returncode, done.stderr) == (0, "")
    assert not psycopg_answers(folder)


def test_a_command_attaches_to_a_database_that_runs(folder: Path) -> None:
    lock = embedded.server_lock(folder)
    assert lock.take()
    server = embedded.start_postgres(folder)
    try:
        assert run(folder, "migrate", "-v", "0").returncode == 0
        assert psycopg_answers(folder)
    finally:
        server.stop()
        lock.release()


def psycopg_answers(folder: Path) -> bool:
    try:
        connect(folder, "owner").close()
    except psycopg.OperationalError:
        return False
    return True
