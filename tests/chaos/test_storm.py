"""Under kills, outages and faults of every kind nothing is lost, doubled or shown other than it is."""

from collections.abc import Iterator

import pytest

from jobs_app.models import User
from tests.chaos.checker import Report, check, table
from tests.chaos.conftest import scaled
from tests.chaos.storm import Plan, Storm
from tests.doors import operator_actor as acting
from tests.processes import Processes
from tests.servers import Broker, Database

KILLS = {"kill_worker": 2.0, "kill_broker": 8.0, "kill_beat": 10.0, "restart_database": True}
PLANS = {
    "all, seed 1": Plan(1, scaled(500, least=100), faults=True, outage=9.0, **KILLS),
    "all, seed 2": Plan(2, scaled(500, least=100), faults=True, outage=9.0, **KILLS),
    "all, seed 3": Plan(3, scaled(500, least=100), faults=True, outage=9.0, **KILLS),
    "kills only": Plan(4, scaled(500, least=100), **KILLS),
    "broker emptied": Plan(5, scaled(300, least=50), flush=0.5),
    "beat doubled": Plan(6, scaled(200, least=50), beats=2),
}
DRAINED = 60.0
THREADS = 8


@pytest.fixture
def environment() -> dict[str, str]:
    """A rate at which permits are at hand, so that outcomes are stored together with the next claim."""
    return {"KOODRIVE_RATE": "5000/s"}


@pytest.fixture(scope="module")
def reports() -> Iterator[list[Report]]:
    """What the runs came to, printed after the last one."""
    found: list[Report] = []
    yield found
    print(f"\n\n{table(found)}\n")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PLANS)
def test_nothing_is_lost_doubled_or_shown_otherwise(
    name: str, operator: User, own: Processes, broker: Broker, servers: Database, reports: list[Report]
) -> None:
    storm = Storm(PLANS[name], own, broker, servers, acting(operator))
    drained = storm.run()
    report = check(name, storm.submitted, own.sandbox, drained)
    reports.append(report)
    assert report.submitted == PLANS[name].submissions
    assert report.is_sound, report
    assert report.drained <= DRAINED
    if not PLANS[name].faults:
        # Only what a killed worker was just sending may be in doubt.
        assert report.flagged + report.settled <= storm.kills * THREADS
