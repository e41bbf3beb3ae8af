"""A worker on another host, which the network loses and gives back: nothing is lost, doubled or shown otherwise."""

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
from tests.processes import Processes, address, settled
from tests.rows import numbered
from tests.servers import Broker, Database

DRAINED = 60.0
THREADS = 8
PLAN = Plan(7, scaled(500, least=200), cut=12.0, workers=1)


@pytest.fixture
def environment() -> dict[str, str]:
    return {"KOODRIVE_RATE": "5000/s"}


@pytest.mark.timeout(600)
@pytest.mark.skipif(bool(hosts.why_none()), reason=hosts.why_none())
def test_a_worker_host_is_cut_off_and_joined_again(
    operator: User, own: Processes, broker: Broker, servers: Database, tmp_path: Path, environment: dict[str, str]
) -> None:
    sandbox = urlsplit(own.sandbox.url).port or 0
    database, redis = urlsplit(address("default")), urlsplit(settings.REDIS_URL)
    reached = {
        "DATABASE_URL": database.geturl().replace(f"{database.hostname}:", f"{hosts.HERE}:"),
        "REDIS_URL": redis.geturl().replace(f"{redis.hostname}:", f"{hosts.HERE}:"),
    }
    (tmp_path / "there").mkdir()
    with hosts.another(database.port or 0, redis.port or 0, local=sandbox) as host:
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
