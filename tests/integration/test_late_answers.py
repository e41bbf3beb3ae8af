"""An answer that comes after its claim was given up, a wish to cancel that comes while it is sent, and the breaker."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from jobs_app import claiming, dispatch, explain, pauses, submissions, sweeping
from jobs_app.audit import read
from jobs_app.koodrive.answers import Kind, Outcome
from jobs_app.koodrive.rate import Rate
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Pause, Submission, User
from jobs_app.protection import TROUBLES, Protection
from tests.doors import client_of
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.servers import Broker

ACCEPTED = Outcome(Kind.ACCEPTED, "4711", "0", "success", None, "KooDrive took the request as task 4711.")
REFUSED = Outcome(Kind.REFUSED, None, "13000302", "not in the space", None, "KooDrive refused the request.")
NOT_SENT = Outcome(Kind.NOT_SENT, None, None, "", None, "No connection to KooDrive, so nothing was sent.")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(port=0, token="sandbox-token", speed=100) as running:
        yield running


@pytest.fixture
def claimed(operator: User, sandbox: Sandbox) -> Submission:
    made = submissions.submit(body("copy"), by=acting(operator))
    taken = claiming.take(client=client_of(sandbox))
    assert taken is not None
    assert taken.submission.pk == made.pk
    return taken.submission


def given_up(claimed: Submission) -> Submission:
    """The lease is over and the sweep has said so."""
    Submission.objects.filter(pk=claimed.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    dispatch.give_up_lost_claims()
    return Submission.objects.get(pk=claimed.pk)


def now(row: Submission) -> Submission:
    return Submission.objects.get(pk=row.pk)


def events(row: Submission) -> list[dict[str, Any]]:
    return [line.parsed["event"] for line in read.of_submission(row.pk)]


def test_a_late_answer_of_the_claims_holder_settles_the_doubt(claimed: Submission) -> None:
    assert given_up(claimed).status == "unknown"
    dispatch.record_outcome(claimed, REFUSED, {})
    assert (now(claimed).status, now(claimed).result_code) == ("refused", "13000302")


def test_a_late_answer_that_adds_nothing_changes_nothing(claimed: Submission) -> None:
    given_up(claimed)
    before = len(events(claimed))
    dispatch.record_outcome(claimed, Outcome(Kind.UNKNOWN, None, None, "", None, "silence"), {})
    assert (now(claimed).status, len(events(claimed))) == ("unknown", before)


@pytest.mark.parametrize("outcome", [ACCEPTED, REFUSED], ids=["another task", "a refusal"])
def test_a_late_answer_that_contradicts_the_evidence_is_a_persons_case(claimed: Submission, outcome: Outcome) -> None:
    from jobs_app import lifecycle
    from jobs_app.actors import TRACKER
    from jobs_app.audit import Action
    from jobs_app.states import State

    bound = {"task_id": "815", "outcome_basis": "evidence", "due_at": Now()}
    lifecycle.move(given_up(claimed), State.ACCEPTED, by=TRACKER, action=Action.DOUBT_SETTLED, changes=bound)
    dispatch.record_outcome(claimed, outcome, {"traceId": claimed.trace_id})
    row = now(claimed)
    assert (row.status, row.task_id) == ("accepted", "815")
    assert outcome.detail in row.conflict
    last = events(claimed)[-1]
    assert (last["action"], last["outcome"], last["bound"]) == ("send.contradicted", "failed", "815")
    assert explain.explain(row).needs_person


def test_the_same_task_told_late_is_no_contradiction(claimed: Submission) -> None:
    dispatch.record_outcome(claimed, ACCEPTED, {})
    before = len(events(claimed))
    dispatch.record_outcome(claimed, ACCEPTED, {})
    assert (now(claimed).conflict, len(events(claimed))) == ("", before)


def test_what_comes_back_to_the_queue_is_cancelled_when_somebody_wished_so(claimed: Submission) -> None:
    Submission.objects.filter(pk=claimed.pk).update(cancel_requested_at=Now())
    dispatch.record_outcome(claimed, NOT_SENT, {})
    assert now(claimed).status == "cancelled"
    assert [event["action"] for event in events(claimed)][-2:] == ["send.returned", "submission.cancelled"]


def test_a_wish_that_no_worker_saw_is_seen_by_the_sweep(operator: User, sandbox: Sandbox) -> None:
    made = submissions.submit(body("copy"), by=acting(operator))
    Submission.objects.filter(pk=made.pk).update(cancel_requested_at=Now())
    assert dispatch.send(client=client_of(sandbox)) is None
    sweeping.sweep(client=client_of(sandbox))
    assert now(made).status == "cancelled"
    assert sandbox.received.of("create") == []


@pytest.fixture
def protection(broker: Broker, settings: Any) -> Protection:
    return Protection(Rate(1000, settings.REDIS_URL))


def test_too_many_troubles_in_a_row_stop_everybody_until_a_read_works(
    operator: User, sandbox: Sandbox, protection: Protection
) -> None:
    made = submissions.submit(body("copy"), by=acting(operator))
    for _ in range(TROUBLES - 1):
        protection.note(NOT_SENT)
    protection.note(REFUSED)
    for _ in range(TROUBLES - 1):
        protection.note(NOT_SENT)
    protection.may_go_on()  # Asked after a task was made.
    for _ in range(TROUBLES - 1):
        protection.note(NOT_SENT)
    assert pauses.current() is None
    protection.note(NOT_SENT)
    assert Pause.objects.get().cause == "unreachable"
    client = client_of(sandbox)
    assert dispatch.send(made.pk, client=client) is None
    assert explain.explain(now(made)).waiting_for == "unreachable"
    url = sandbox.url
    sandbox.stop()
    sweeping.sweep(client=client)
    assert pauses.current() is not None
    assert sandbox.start().url == url
    sweeping.sweep(client=client)
    assert pauses.current() is None
    assert [call.call for call in sandbox.received] == ["list"]
    assert dispatch.send(made.pk, client=client) is not None
