"""A worker on another host, which the network loses and gives back: nothing is lost, doubled or shown otherwise."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from jobs_app import submissions
from jobs_app.models import User
from jobs_app.states import State
from tests.chaos import hosts
from tests.chaos.checker import check, table
from tests.chaos.conftest import scaled
from tests.chaos.storm import Plan, Storm
from tests.doors import operator_actor as acting
from tests.processes import ROOT, Processes, address, settled
from tests.rows import numbered
from tests.servers import Broker, Database

DRAINED = 60.0
THREADS = 8
PLAN = Plan(7, scaled(500, least=200), cut=12.0, workers=1)
WHY_NONE = hosts.why_none()
pytestmark = pytest.mark.skipif(bool(WHY_NONE), reason=WHY_NONE)


@pytest.fixture
def environment() -> dict[str, str]:
    return {"KOODRIVE_RATE": "5000/s"}


ASKING = """
import django
django.setup()
from django.db import connection
cursor = connection.cursor()
cursor.execute("SELECT 1")
print("asked", flush=True)
input()
cursor.execute("SELECT 1")
"""


def reached_from_there() -> dict[str, str]:
    """The addresses of database and broker as the other host reaches them."""
    database, redis = urlsplit(address("default")), urlsplit(settings.REDIS_URL)
    return {
        "DATABASE_URL": database.geturl().replace(f"{database.hostname}:", f"{hosts.HERE}:"),
        "REDIS_URL": redis.geturl().replace(f"{redis.hostname}:", f"{hosts.HERE}:"),
    }


def test_a_database_that_falls_silent_is_given_up(database: None) -> None:
    reached = reached_from_there()
    environment = os.environ | reached | {"DATABASE_URL": f"{reached['DATABASE_URL']}?tcp_user_timeout=3000"}
    port = urlsplit(address("default")).port or 0
    with hosts.another(port, local=port) as host:
        command = [*host.inside, sys.executable, "-c", ASKING]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes)
        try:
            assert process.stdout
            assert process.stdout.readline() == "asked\n"
            host.cut()
            _, said = process.communicate("\n", timeout=60)
        finally:
            process.kill()
    assert process.returncode == 1
    assert "OperationalError" in said


@pytest.mark.timeout(600)
def test_a_worker_host_is_cut_off_and_joined_again(
    operator: User, own: Processes, broker: Broker, servers: Database, tmp_path: Path, environment: dict[str, str]
) -> None:
    sandbox = urlsplit(own.sandbox.url).port or 0
    reached = reached_from_there()
    ports = [urlsplit(each).port or 0 for each in reached.values()]
    (tmp_path / "there").mkdir()
    with hosts.another(*ports, local=sandbox) as host:
        there = Processes(tmp_path / "there", own.sandbox, **environment, **reached)
        there.inside = host.inside
        storm = Storm(PLAN, own, broker, servers, acting(operator), host=host)
        try:
            worker, _ = there.worker(), there.beat()
            drained = storm.run()
            assert worker.poll() is None, there.logs()
            # It works again: nobody else is left to send this one.
            own.kill_all()
            [alone] = settled(submissions.submit(numbered(PLAN.submissions), by=acting(operator)))
            assert alone.state is State.SUCCEEDED, there.logs()
        finally:
            there.stop()
    report = check("host cut off", storm.submitted, own.sandbox, drained)
    print(f"\n\n{table([report])}\n{storm.cuts} cuts\n")
    assert (report.submitted, storm.cuts) == (PLAN.submissions, 2)
    assert report.is_sound, report
    assert report.drained <= DRAINED
    # Only what the host was just sending may be in doubt.
    assert report.flagged + report.settled <= storm.cuts * THREADS
