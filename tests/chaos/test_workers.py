"""Workers that race, stand still for too long, or meet twins: one claim makes at most one call."""

import signal
import time
from typing import Any

import pytest

from jobs_app.audit import read
from jobs_app.koodrive.sandbox import Fault, Kind, When
from jobs_app.models import Submission, User
from tests.chaos.conftest import scaled
from tests.conftest import Api
from tests.crashes import MODULE, is_settled_or_flagged, leases_are_over
from tests.doors import client_of
from tests.examples import body, file_id
from tests.integration.test_turns import everything_sent, in_threads
from tests.processes import Processes, eventually
from tests.rows import insert_queued, numbered

CALL = 4.0  # seconds that a call may take with the timeouts of these processes


def row_of(answer: Any) -> Submission:
    assert answer.status_code == 201, answer.content
    return Submission.objects.get(pk=answer.json()["id"])


def actions(row: Submission) -> list[str]:
    return [line.parsed["event"]["action"] for line in read.of_submission(row.pk)]


def test_fifty_workers_over_a_thousand_rows_send_each_once(operator: User, own: Processes) -> None:
    rows = scaled(1_000, least=100)
    insert_queued(rows, operator)
    client = client_of(own.sandbox)
    in_threads(50, lambda: everything_sent(client))
    everything_sent(client)
    assert own.sandbox.received.creates_by_file() == {file_id(number): 1 for number in range(rows)}
    assert set(Submission.objects.values_list("status", "attempts")) == {("accepted", 1)}


@pytest.mark.parametrize("point", ["after_claim", "after_connect"])
def test_a_worker_that_stood_still_beyond_its_lease_does_not_send(point: str, service: Api, own: Processes) -> None:
    row = row_of(service.post("submissions/", numbered(0)))
    worker = own.worker(1, program=(MODULE, f"{point}:stop"))
    eventually(lambda: _is(row, status="sending") and _is_stopped(worker.pid), what="a worker that stands still")
    _stands_still_for_longer_than_its_call_may_take()
    leases_are_over()
    beat, other = own.beat(), own.worker()
    eventually(lambda: _is(row, status="unknown"), what="the claim given up")
    own.kill(beat)
    own.kill(other)
    row.refresh_from_db()
    worker.send_signal(signal.SIGCONT)
    # It says that nothing was sent, which makes the doubt a certainty: only now it may be sent, by anybody.
    own.beat()
    eventually(lambda: _is(row, task_id__isnull=False), what="sent after all")
    assert row.trace_id not in [call.headers["x-traceid"] for call in own.sandbox.received.of("create")]
    assert own.sandbox.received.creates_by_file()[file_id(0)] == 1
    assert actions(row)[:4] == ["submission.created", "send.intended", "send.unknown", "send.returned"]


def test_a_deletion_in_doubt_holds_its_twin_back(service: Api, approver: User, own: Processes) -> None:
    own.sandbox.faults.add(Fault(Kind.RESET, when=When.AFTER))
    own.worker()
    own.beat()
    first, second = (_approved(service, approver) for _ in range(2))
    doubtful = Submission.objects.filter(pk__in=[first.pk, second.pk], status="unknown")
    eventually(lambda: doubtful.count() == 1, what="one of them in doubt")
    others = [row_of(service.post("submissions/", numbered(100 + number))) for number in range(5)]
    for other in others:  # They pass by.
        eventually(lambda other=other: _is(other, task_id__isnull=False), what="another one sent")
    rows = sorted((Submission.objects.get(pk=each.pk) for each in (first, second)), key=lambda row: row.attempts)
    assert is_settled_or_flagged(rows[1])
    if rows[1].status == "unknown":
        assert (rows[0].status, rows[0].attempts) == ("queued", 0)
        assert own.sandbox.received.creates_by_file()[file_id(0)] == 1


def _approved(service: Api, approver: User) -> Submission:
    row = row_of(service.post("submissions/", body("delete")))
    agreed = {"comment": "agreed", "requestSha256": row.request_sha256}
    assert Api(person=approver).post(f"submissions/{row.pk}/approve/", agreed).status_code == 200
    return row


def _is(row: Submission, **what: Any) -> bool:
    return Submission.objects.filter(pk=row.pk, **what).exists()


def _is_stopped(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


def _stands_still_for_longer_than_its_call_may_take() -> None:
    time.sleep(CALL + 0.5)  # the one thing that is tried here is that time passes
