"""A worker is killed at eight points of its way with a submission: each ends in the state that the table names."""

from jobs_app.models import User
from tests.conftest import Api
from tests.crashes import crash_everywhere
from tests.processes import Processes


def test_two_operations_at_every_point(service: Api, approver: User, own: Processes) -> None:
    assert crash_everywhere(own, service, approver, ["copy", "delete"]) == 16
