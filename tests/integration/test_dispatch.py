"""Claim, send, record: what the worker makes of every kind of answer, and that it sends once."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from jobs_app import approvals, claiming, dispatch, pauses, submissions, sweeping
from jobs_app.audit import read
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Fault, Kind, Sandbox, When
from jobs_app.models import ArchivePassword, Pause, Submission, User
from tests.doors import client_of
from tests.doors import operator_actor as acting
from tests.examples import body

TOKEN = "sandbox-token"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(port=0, token=TOKEN, speed=100) as running:
        yield running


@pytest.fixture
def queued(operator: User) -> Submission:
    return submissions.submit(body("copy"), by=acting(operator))


def sent(submission: Submission, client: Client) -> Submission:
    dispatch.send(submission.pk, client=client)
    return Submission.objects.get(pk=submission.pk)


def actions(submission: Submission) -> list[str]:
    return [line.parsed["event"]["action"] for line in read.of_submission(submission.pk)]


def last_event(submission: Submission) -> dict[str, Any]:
    event: dict[str, Any] = read.of_submission(submission.pk)[-1].parsed["event"]
    return event


def test_a_task_id_makes_it_accepted(queued: Submission, sandbox: Sandbox) -> None:
    done = sent(queued, client_of(sandbox))
    [call] = sandbox.received.of("create")
    assert (done.status, done.task_id, done.outcome_basis) == ("accepted", call.task_id, "answer")
    assert call.headers["x-traceid"] == done.trace_id
    assert actions(queued) == ["submission.created", "send.intended", "send.accepted"]


def test_the_intent_is_told_before_the_call(queued: Submission, sandbox: Sandbox) -> None:
    done = sent(queued, client_of(sandbox))
    created, intended, accepted = (line.parsed["event"] for line in read.of_submission(queued.pk))
    assert intended["requestSha256"] == created["requestSha256"] == queued.request_sha256
    assert (intended["traceId"], intended["attempt"]) == (done.trace_id, 1)
    assert intended["credential"].startswith("bearer:")
    assert TOKEN not in json.dumps(intended)
    assert (accepted["task"], accepted["httpStatus"]) == (done.task_id, 200)


@pytest.mark.parametrize(
    ("fault", "status", "hold"),
    [
        (Fault(Kind.CODE, code=13000302), "refused", ""),
        (Fault(Kind.CODE, code=13000102), "refused", ""),
        (Fault(Kind.STATUS, status=429, retry_after=7), "queued", "busy"),
        (Fault(Kind.STATUS, status=503, retry_after=7), "queued", "busy"),
        (Fault(Kind.STATUS, status=401), "queued", "credentials"),
        (Fault(Kind.STATUS, status=404), "queued", "address"),
        (Fault(Kind.STATUS, status=500), "unknown", ""),
        (Fault(Kind.STATUS, status=500, when=When.AFTER), "unknown", ""),
        (Fault(Kind.STATUS, status=503), "unknown", ""),
        (Fault(Kind.REDIRECT), "unknown", ""),
        (Fault(Kind.RESET), "unknown", ""),
        (Fault(Kind.RESET, when=When.AFTER), "unknown", ""),
        (Fault(Kind.CLOSE), "unknown", ""),
        (Fault(Kind.HANG), "unknown", ""),
        (Fault(Kind.GARBAGE), "unknown", ""),
        (Fault(Kind.NO_DATA), "unknown", ""),
        (Fault(Kind.TRUNCATED), "unknown", ""),
    ],
    ids=lambda value: f"{value.kind}-{value.status or value.code}-{value.when}" if isinstance(value, Fault) else value,
)
def test_what_came_back_decides(queued: Submission, sandbox: Sandbox, fault: Fault, status: str, hold: str) -> None:
    sandbox.faults.add(fault)
    done = sent(queued, client_of(sandbox))
    assert (done.status, done.hold) == (status, hold)
    assert len(sandbox.received.of("create")) == 1
    assert last_event(queued)["outcome"] == "failed"
    assert done.detail
    if status == "queued":
        assert done.due_at is not None
        assert done.due_at > timezone.now()
        assert done.sent_at is None
    again = sent(queued, client_of(sandbox))
    assert (again.status, len(sandbox.received.of("create"))) == (status, 1)


def test_what_surely_did_not_leave_goes_back_to_the_queue(queued: Submission, sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    sandbox.stop()
    done = sent(queued, client)
    assert (done.status, done.hold, done.attempts) == ("queued", "unreachable", 1)
    assert last_event(queued)["action"] == "send.returned"


def test_a_permanent_deletion_takes_no_chance(operator: User, approver: User, sandbox: Sandbox) -> None:
    made = submissions.submit(body("delete"), by=acting(operator))
    approvals.approve(made, by=acting(approver), request_sha256=made.request_sha256)
    sandbox.faults.add(Fault(Kind.STATUS, status=503, retry_after=1))
    assert sent(made, client_of(sandbox)).status == "unknown"


@pytest.mark.parametrize(("status", "cause"), [(401, "credentials"), (404, "address")])
def test_refused_credentials_and_a_wrong_address_stop_everybody(
    queued: Submission, operator: User, sandbox: Sandbox, status: int, cause: str
) -> None:
    other = submissions.submit(body("move"), by=acting(operator))
    sandbox.faults.add(Fault(Kind.STATUS, status=status))
    sent(queued, client_of(sandbox))
    assert Pause.objects.get().cause == cause
    assert sent(other, client_of(sandbox)).attempts == 0
    assert sweeping.sweep(client=client_of(sandbox)) == 2
    assert pauses.current() is None
    assert sent(queued, client_of(sandbox)).status == "accepted"


@pytest.mark.parametrize(("operation", "status"), [("copy", "refused"), ("delete", "unknown")])
def test_one_request_that_is_barred_does_not_stop_the_others_again_and_again(
    operator: User, approver: User, sandbox: Sandbox, operation: str, status: str
) -> None:
    made = submissions.submit(body(operation), by=acting(operator))
    if operation == "delete":
        approvals.approve(made, by=acting(approver), request_sha256=made.request_sha256)
    sandbox.faults.add(Fault(Kind.STATUS, status=403, times=2))
    client = client_of(sandbox)
    assert sent(made, client).hold == "address"
    sweeping.sweep(client=client)
    done = sent(made, client)
    assert (done.status, done.hold, pauses.current()) == (status, "", None)
    assert len(sandbox.received.of("create")) == 2


def test_a_pause_lasts_while_the_credentials_are_refused(queued: Submission, sandbox: Sandbox) -> None:
    wrong = client_of(sandbox, token="wrong")
    sent(queued, wrong)
    assert sweeping.sweep(client=wrong) == 0
    assert sweeping.sweep(client=wrong) == 0
    assert Pause.objects.count() == 1


def test_fifty_workers_and_one_submission_make_one_call(queued: Submission, sandbox: Sandbox) -> None:
    client = client_of(sandbox)

    def work(_: int) -> None:
        try:
            dispatch.send(queued.pk, client=client)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(50)))
    assert len(sandbox.received.of("create")) == 1
    queued.refresh_from_db()
    assert (queued.status, queued.attempts) == ("accepted", 1)


def test_a_lost_claim_becomes_unknown_and_is_never_sent(queued: Submission, sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    claiming.claim(queued, client=client)
    sweeping.sweep(client=client)
    queued.refresh_from_db()
    assert queued.status == "sending"
    Submission.objects.filter(pk=queued.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    sweeping.sweep(client=client)
    queued.refresh_from_db()
    assert queued.status == "unknown"
    assert sent(queued, client).status == "unknown"
    assert sandbox.received.of("create") == []


def test_the_holders_late_answer_beats_the_guess(queued: Submission, sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    claiming.claim(queued, client=client)
    Submission.objects.filter(pk=queued.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    sweeping.sweep(client=client)
    outcome = dispatch.Outcome(dispatch.Kind.ACCEPTED, "4711", "0", "success", None, "KooDrive took it.")
    dispatch.record_outcome(queued, outcome, {})
    queued.refresh_from_db()
    assert (queued.status, queued.task_id) == ("accepted", "4711")


def test_a_task_id_of_another_submission_is_no_certainty(queued: Submission, operator: User, sandbox: Sandbox) -> None:
    first = sent(queued, client_of(sandbox))
    second = submissions.submit(body("move"), by=acting(operator))
    sandbox.faults.add(Fault(Kind.STATUS, status=200, body=f'{{"data": "{first.task_id}", "code": 0}}'))
    done = sent(second, client_of(sandbox))
    assert (done.status, done.task_id) == ("unknown", None)
    assert first.task_id is not None
    assert first.task_id in done.detail


def test_the_password_is_sent_and_forgotten(operator: User, sandbox: Sandbox) -> None:
    made = submissions.submit(body("extract", password="open sesame"), by=acting(operator))
    assert ArchivePassword.objects.filter(submission=made).exists()
    assert sent(made, client_of(sandbox)).status == "accepted"
    [call] = sandbox.received.of("create")
    assert call.has_password
    assert not ArchivePassword.objects.exists()


def test_nothing_is_sent_before_its_time_or_after_it(operator: User, sandbox: Sandbox) -> None:
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    early = submissions.submit(body("copy", notBefore=later), by=acting(operator))
    assert sent(early, client_of(sandbox)).status == "queued"
    late = submissions.submit(body("move", notAfter=later), by=acting(operator))
    connections["owner"].cursor().execute(
        "UPDATE jobs_app_submission SET not_after = now() - interval '1 second' WHERE id = %s", [late.pk]
    )
    assert sent(late, client_of(sandbox)).status == "queued"
    sweeping.sweep(client=client_of(sandbox))
    late.refresh_from_db()
    assert (late.status, actions(late)[-1]) == ("expired", "submission.expired")
    assert sandbox.received.of("create") == []


def test_an_approval_that_nobody_gives_expires(operator: User, sandbox: Sandbox) -> None:
    made = submissions.submit(body("delete"), by=acting(operator))
    Submission.objects.filter(pk=made.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    sweeping.sweep(client=client_of(sandbox))
    made.refresh_from_db()
    assert made.status == "expired"


def test_a_stored_request_that_was_tampered_with_is_not_sent(queued: Submission, sandbox: Sandbox) -> None:
    connections["owner"].cursor().execute(
        "UPDATE jobs_app_submission SET request = replace(request, '101', '201') WHERE id = %s", [queued.pk]
    )
    done = sent(queued, client_of(sandbox))
    assert (done.status, done.hold, done.due_at) == ("queued", "withheld", None)
    assert "not the one" in done.detail
    assert actions(queued)[-1] == "submission.withheld"
    assert sandbox.received.of("create") == []


def test_a_trace_id_has_58_characters_that_lead_back_to_the_submission() -> None:
    id_ = uuid.uuid4()
    trace = claiming.new_trace_id(id_, 12)
    assert (len(trace), trace[:38]) == (58, f"{id_.hex}_0012_")
    assert trace.replace("_", "").isalnum()
    assert trace != claiming.new_trace_id(id_, 12)
