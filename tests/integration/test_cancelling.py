"""Cancelling: at once before it is sent, by asking KooDrive afterwards, and only by whom it concerns."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from jobs_app import cancelling, claiming, dispatch, pauses, submissions, tracking
from jobs_app.actors import Role, Scope
from jobs_app.errors import NotAllowed, SettleFirst, WrongState
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Fault, Kind, Sandbox
from jobs_app.koodrive.sandbox.magic import file_id as magic
from jobs_app.models import Submission, User
from tests.conftest import Api, make_person, token_of
from tests.doors import operator_actor as acting
from tests.doors import without_the_trail
from tests.examples import body, file_id
from tests.following import Send, actions, browser_of, events, naming, page, polled


@pytest.mark.parametrize("operation", ["copy", "delete"])
def test_what_was_not_sent_is_cancelled_at_once(
    operator: User, operation: str, sandbox: Sandbox, client: Client
) -> None:
    made = submissions.submit(body(operation), by=acting(operator))
    done = cancelling.cancel(made, by=acting(operator))
    assert (done.status, done.is_final, done.cancel_requested_at) == ("cancelled", True, None)
    assert actions(made) == ["submission.created", "submission.cancelled"]
    dispatch.send(made.pk, client=client)
    assert len(sandbox.received) == 0


def test_a_wish_while_it_is_being_sent_is_kept_until_the_task_is_there(
    operator: User, sandbox: Sandbox, client: Client
) -> None:
    made = submissions.submit(body("copy"), by=acting(operator))
    stale = Submission.objects.get(pk=made.pk)
    claiming.claim(made, client=client)
    lease = made.due_at
    kept = cancelling.cancel(stale, by=acting(operator))
    assert (kept.status, kept.due_at) == ("sending", lease)
    assert kept.cancel_requested_at is not None
    accept(made, sandbox, client)
    assert polled(made, client).status == "cancelled"
    assert actions(made)[1:] == [
        "send.intended",
        "cancel.requested",
        "send.accepted",
        "task.cancel_asked",
        "task.finished",
    ]


def accept(made: Submission, sandbox: Sandbox, client: Client) -> None:
    """The claim's call is made and answered."""
    answer = client.create(made.document, trace_id=made.trace_id or "")
    outcome = dispatch.answers.of_create(answer, irreversible=False)
    dispatch.record_outcome(made, outcome, {})


def test_a_running_task_is_stopped_by_koodrive(send: Send, operator: User, sandbox: Sandbox, client: Client) -> None:
    made = send(magic("slow"), file_id(1))
    sandbox.clock.advance(5)
    assert polled(made, client).status == "running"
    wished = cancelling.cancel(made, by=acting(operator))
    assert wished.status == "running"
    assert wished.due_at is not None
    assert wished.due_at <= timezone.now()
    done = polled(made, client)
    assert (done.status, done.files_succeeded, done.files_failed) == ("cancelled", 0, 0)
    [call] = sandbox.received.of("cancel")
    assert call.body == {"jobId": made.task_id}
    asked = events(made)[-2]
    assert (asked["action"], asked["outcome"], asked["httpStatus"]) == ("task.cancel_asked", "ok", 200)
    assert (asked["task"], asked["result"]["code"]) == (made.task_id, "0")


def test_a_second_wish_changes_nothing(send: Send, operator: User, client: Client) -> None:
    made = send(magic("waits"))
    first = cancelling.cancel(made, by=acting(operator))
    second = cancelling.cancel(made, by=acting(operator))
    assert second.cancel_requested_at == first.cancel_requested_at
    assert actions(made).count("cancel.requested") == 1


def test_the_state_tells_the_truth_when_the_wish_came_too_late(
    send: Send, operator: User, sandbox: Sandbox, client: Client
) -> None:
    made = send(file_id(1))
    cancelling.cancel(made, by=acting(operator))
    sandbox.clock.advance(60)
    assert polled(made, client).status == "succeeded"


def test_a_wish_without_an_answer_is_told_again_three_times_at_most(
    send: Send, operator: User, sandbox: Sandbox, client: Client
) -> None:
    made = send(magic("waits"))
    cancelling.cancel(made, by=acting(operator))
    sandbox.faults.add(Fault(Kind.RESET, call="cancel", times=None))
    for _ in range(5):
        assert polled(made, client).status == "accepted"
    assert len(sandbox.received.of("cancel")) == 3
    assert [event["outcome"] for event in events(made) if event["action"] == "task.cancel_asked"] == ["failed"] * 3


def test_an_answered_wish_is_told_again_only_when_the_task_goes_on(
    send: Send, operator: User, sandbox: Sandbox, client: Client
) -> None:
    made = send(magic("waits"))
    cancelling.cancel(made, by=acting(operator))
    sandbox.faults.add(Fault(Kind.STATUS, status=200, body='{"code": 0, "msg": "OK"}', call="cancel"))
    polled(made, client)
    polled(made, client)
    assert len(sandbox.received.of("cancel")) == 1
    Submission.objects.filter(pk=made.pk).update(cancel_asked_at=timezone.now() - timedelta(minutes=2))
    assert polled(made, client).status == "cancelled"
    assert len(sandbox.received.of("cancel")) == 2


@pytest.mark.parametrize(
    ("fault", "paused"),
    [(Fault(Kind.STATUS, status=429, call="cancel"), False), (Fault(Kind.STATUS, status=401, call="cancel"), True)],
    ids=["busy", "unauthorised"],
)
def test_a_wish_that_koodrive_never_heard_is_told_at_the_next_check(
    send: Send, operator: User, sandbox: Sandbox, client: Client, fault: Fault, paused: bool
) -> None:
    made = send(magic("waits"))
    cancelling.cancel(made, by=acting(operator))
    sandbox.faults.add(fault)
    row = polled(made, client)
    assert (row.status, row.cancel_asked_at) == ("accepted", None)
    assert row.detail
    assert "task.cancel_asked" not in actions(made)
    assert (pauses.current() is not None) == paused
    assert polled(made, client).status == "cancelled"


def at_once(*verbs: Callable[[], object]) -> None:
    """Runs them at the same time, each with a database connection of its own."""

    def run(verb: Callable[[], object]) -> None:
        try:
            verb()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(verbs)) as pool:
        list(pool.map(run, verbs))


def test_many_pollers_tell_the_wish_once(send: Send, operator: User, sandbox: Sandbox, client: Client) -> None:
    made = send(magic("waits"))
    cancelling.cancel(made, by=acting(operator))
    at_once(*[lambda: tracking.poll(client=client)] * 6)
    assert len(sandbox.received.of("cancel")) == 1
    assert Submission.objects.get(pk=made.pk).status == "cancelled"
    assert actions(made).count("task.cancel_asked") == actions(made).count("task.finished") == 1


def test_cancelled_while_a_worker_takes_it_it_is_never_both(operator: User, sandbox: Sandbox, client: Client) -> None:
    by = acting(operator)
    for number in range(8):
        made = submissions.submit(naming("copy", file_id(number)), by=by)
        at_once(partial(cancelling.cancel, made, by=by), partial(dispatch.send, made.pk, client=client))
        done = Submission.objects.get(pk=made.pk)
        calls = sandbox.received.creates_by_file()[file_id(number)]
        if done.status == "cancelled":
            assert (calls, done.cancel_requested_at) == (0, None)
        else:
            assert (calls, done.status) == (1, "accepted")
            assert done.cancel_requested_at is not None


def test_nobody_stops_a_task_that_isnt_what_was_asked_for(
    send: Send, operator: User, sandbox: Sandbox, client: Client
) -> None:
    ours, theirs = send(magic("slow", 1)), send(magic("slow", 2))
    Submission.objects.filter(pk=theirs.pk).update(task_id="1")
    Submission.objects.filter(pk=ours.pk).update(task_id=theirs.task_id, outcome_basis="person")
    cancelling.cancel(ours, by=acting(operator))
    assert polled(ours, client).conflict
    assert sandbox.received.of("cancel") == []


def test_in_doubt_it_has_to_be_settled_first(operator: User, sandbox: Sandbox, client: Client) -> None:
    made = submissions.submit(body("copy"), by=acting(operator))
    sandbox.faults.add(Fault(Kind.RESET))
    dispatch.send(made.pk, client=client)
    with pytest.raises(SettleFirst):
        cancelling.cancel(made, by=acting(operator))
    answer = Api(person=operator).post(f"submissions/{made.pk}/cancel/", {})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:koodrive-portal:problem:settle_first")


def test_what_has_ended_cannot_be_cancelled(operator: User) -> None:
    made = submissions.submit(body("copy"), by=acting(operator))
    cancelling.cancel(made, by=acting(operator))
    with pytest.raises(WrongState):
        cancelling.cancel(made, by=acting(operator))
    assert actions(made)[-1] == "submission.cancelled"


def test_without_the_trail_nothing_is_cancelled(operator: User) -> None:
    made = submissions.submit(body("copy"), by=acting(operator))
    with without_the_trail():
        answer = Api(person=operator).post(f"submissions/{made.pk}/cancel/", {})
    assert answer.status_code == 503
    assert Submission.objects.get(pk=made.pk).status == "queued"


def test_another_operator_may_cancel_and_others_may_not(operator: User) -> None:
    made = submissions.submit(body("copy"), by=acting(operator))
    for role in set(Role) - {Role.OPERATOR}:
        with pytest.raises(NotAllowed):
            cancelling.cancel(made, by=acting(make_person(f"p-{role}", role)))
    assert actions(made)[-1] == "permission.denied"
    assert cancelling.cancel(made, by=acting(make_person("oscar", Role.OPERATOR))).status == "cancelled"


def test_a_service_cancels_its_own(service: Api, stranger: User) -> None:
    path = f"submissions/{service.post('submissions/', body('copy')).json()['id']}/cancel/"
    assert Api(token=token_of("other", Scope.READ, Scope.WRITE)).post(path, {}).status_code == 404
    assert Api(token=token_of("monitor", Scope.READ_ALL, Scope.WRITE)).post(path, {}).status_code == 403
    assert Api(person=stranger).post(path, {}).status_code == 404
    assert service.post(path, {"why": "?"}).status_code == 400
    done = service.post(path, {})
    assert (done.status_code, done.json()["status"]) == (200, "cancelled")
    assert service.post(path, {}).status_code == 409


def test_the_page_offers_it_and_says_what_became_of_it(send: Send, operator: User, auditor: User) -> None:
    made = send(magic("waits"))
    browser = browser_of(operator)
    address = f"/submissions/{made.pk}/cancel/"
    assert f'action="{address}"' in page(browser, made)
    assert f'action="{address}"' not in page(browser_of(auditor), made)
    answer: Any = browser.post(address, follow=True)
    assert "Your wish is kept" in answer.content.decode()
    assert "the portal asks KooDrive to" in page(browser, made)
    assert browser_of(auditor).post(address).status_code == 403


def test_the_page_says_so_when_it_is_too_late(operator: User) -> None:
    made = submissions.submit(body("copy"), by=acting(operator))
    cancelling.cancel(made, by=acting(operator))
    answer: Any = browser_of(operator).post(f"/submissions/{made.pk}/cancel/", follow=True)
    assert "It has ended already" in answer.content.decode()
