"""A worker is killed at each point of its way with a submission: each ends in the state that the table names."""

import signal

import pytest

from jobs_app.models import Submission, User
from tests.chaos.crashing_worker import POINTS_OF_BOTH
from tests.conftest import Api
from tests.crashes import MODULE, crash_everywhere, is_settled_or_flagged, leases_are_over
from tests.processes import Processes, settled
from tests.rows import insert_queued

MANY = 12


@pytest.fixture
def environment() -> dict[str, str]:
    """A rate at which permits are at hand, so that outcomes are stored together with the next claim."""
    return {"KOODRIVE_RATE": "5000/s"}


def test_two_operations_at_every_point(service: Api, approver: User, own: Processes) -> None:
    assert crash_everywhere(own, service, approver, ["copy", "delete"]) == 16


@pytest.mark.parametrize("point", POINTS_OF_BOTH)
def test_storing_an_outcome_and_claiming_the_next_are_one(point: str, operator: User, own: Processes) -> None:
    insert_queued(MANY, operator)
    beat = own.beat()
    worker = own.worker(1, program=(MODULE, point))
    assert worker.wait(60) == -signal.SIGKILL, own.logs()
    own.kill(beat)
    calls = own.sandbox.received.creates_by_file()
    [claimed] = Submission.objects.filter(status="sending")
    others = Submission.objects.exclude(pk=claimed.pk)
    assert calls[_file(claimed)] == (1 if point == "before_both" else 0)
    assert [calls[_file(row)] for row in others] == [int(row.task_id is not None) for row in others]
    assert others.filter(status="queued").exists()
    leases_are_over()
    own.worker()
    own.beat()
    rows = settled(*Submission.objects.all())
    sent = own.sandbox.received.creates_by_file()
    assert [sent[_file(row)] for row in rows if row.pk != claimed.pk] == [1] * (MANY - 1)
    assert sent[_file(claimed)] == calls[_file(claimed)]
    assert is_settled_or_flagged(Submission.objects.get(pk=claimed.pk))


def _file(row: Submission) -> str:
    return row.files.get().file_id
