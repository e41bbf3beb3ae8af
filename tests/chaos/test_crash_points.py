"""A worker is killed at every point of its way with a submission of every operation."""

import pytest

from jobs_app.models import User
from jobs_app.operations import OPERATIONS
from tests.chaos.conftest import scaled
from tests.chaos.crashing_worker import POINTS
from tests.conftest import Api
from tests.crashes import crash_everywhere
from tests.processes import Processes


@pytest.mark.timeout(3600)
def test_every_operation_at_every_point(service: Api, approver: User, own: Processes) -> None:
    names = [each.name for each in OPERATIONS][: scaled(len(OPERATIONS))]
    crashes = crash_everywhere(own, service, approver, names)
    print(f"\n{crashes} crashes, each ended as the table says")
    assert crashes == len(POINTS) * len(names)
