"""A worker is killed at each point of its way with a submission, and what must be true of the submission then."""

import signal
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import redis
from django.conf import settings
from django.utils import timezone

from jobs_app.models import Submission, User
from tests.chaos.crashing_worker import POINTS
from tests.conftest import Api
from tests.examples import body, file_id
from tests.processes import Processes, eventually

MODULE = "tests.chaos.crashing_worker"


@dataclass(frozen=True)
class Expected:
    """The state in which the crash leaves the row, and how many create calls KooDrive may have got by then."""

    status: str
    creates: Collection[int]


# "before_ack" is before the message is acknowledged, which Celery does here before the work begins.
TABLE = {
    "before_ack": Expected("queued", {0}),
    "before_claim": Expected("queued", {0}),
    "after_claim": Expected("sending", {0}),
    "after_connect": Expected("sending", {0}),
    "after_write": Expected("sending", {0, 1}),
    "after_read": Expected("sending", {1}),
    "before_store": Expected("sending", {1}),
    "after_store": Expected("accepted", {1}),
}
assert tuple(TABLE) == POINTS


def crash_everywhere(own: Processes, service: Api, approver: User, operations: Sequence[str]) -> int:
    """Tries every point with every operation, then lets a sound worker go on; says how many crashes there were."""
    crashed = [
        (point, _crash(own, point, _submitted(service, approver, operation, number)), file_id(number))
        for number, (point, operation) in enumerate(_pairs(operations))
    ]
    leases_are_over()
    own.worker()
    own.beat()
    open_ones = Submission.objects.filter(status__in=["queued", "sending"])
    eventually(lambda: not open_ones.exists(), what="nothing queued or being sent")
    for point, row, file in crashed:
        _check(own, point, Submission.objects.get(pk=row.pk), file)
    return len(crashed)


def leases_are_over() -> None:
    """As if the time in which the holders of all claims may answer had passed."""
    Submission.objects.filter(status="sending").update(due_at=timezone.now() - timedelta(seconds=1))


def is_settled_or_flagged(row: Submission) -> bool:
    """What was in doubt still is and waits for certainty, or evidence has settled it."""
    return row.status == "unknown" or row.outcome_basis == "evidence"


def _pairs(operations: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Points that leave the row queued come last, so that no worker that is to crash takes such a row as well."""
    points = sorted(POINTS, key=lambda point: TABLE[point].status == "queued")
    return ((point, operation) for point in points for operation in operations)


def _submitted(service: Api, approver: User, operation: str, number: int) -> Submission:
    # What other tests left there would make the worker send whatever is due, and crash with another row.
    redis.Redis.from_url(settings.REDIS_URL).flushall()
    given = body(operation)
    for file in given["taskInfo"]["fileInfo"]:
        file["fileId"] = file_id(number)
    answer = service.post("submissions/", given)
    assert answer.status_code == 201, answer.content
    row = Submission.objects.get(pk=answer.json()["id"])
    if row.status == "awaiting_approval":
        agreed = {"comment": "agreed", "requestSha256": row.request_sha256}
        assert Api(person=approver).post(f"submissions/{row.pk}/approve/", agreed).status_code == 200
    return row


def _crash(own: Processes, point: str, row: Submission) -> Submission:
    worker = own.worker(1, program=(MODULE, point))
    assert worker.wait(60) == -signal.SIGKILL, own.logs()
    row.refresh_from_db()
    assert row.status == TABLE[point].status, (point, row.operation, row.status)
    return row


def _check(own: Processes, point: str, row: Submission, file: str) -> None:
    about = (point, row.operation, row.status)
    creates = own.sandbox.received.creates_by_file()[file]
    match TABLE[point].status:
        case "queued":
            assert (row.attempts, creates) == (1, 1), about
            assert row.outcome_basis == "answer", about
        case "sending":
            assert row.attempts == 1, about
            assert creates in TABLE[point].creates, about
            assert is_settled_or_flagged(row), about
        case _:
            assert (row.attempts, creates, row.outcome_basis) == (1, 1, "answer"), about
