"""Notices of changes: each is told, in order, signed, at least once, and by one worker at a time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from jobs_app import receivers, sweeping
from jobs_app.callbacks import delivery, queue
from jobs_app.koodrive.client import Client
from jobs_app.models import Callback, Delivery, Event, User
from tests.callbacks import Subscriber, documented, everything_is_due, snippet, work
from tests.doors import operator_actor as acting
from tests.doors import without_the_trail
from tests.receiver import held, in_turn, receiving, status

pytestmark = pytest.mark.usefixtures("loopback_allowed")


def test_each_change_is_told_once_as_the_feed_tells_it(payroll: Subscriber) -> None:
    start = payroll.callback.position
    made = payroll.submit(reference="R-1")
    payroll.api.post(f"submissions/{made}/cancel/", {})
    assert work() == 2
    feed = payroll.api.get("changes/", after=str(start)).json()["results"]
    got = [documented(each) for each in payroll.receiver.received]
    assert [each["data"] for each in got] == feed
    assert [each["type"] for each in got] == ["submission.changed"] * 2
    assert [each["timestamp"] for each in got] == [each["at"] for each in feed]
    assert payroll.told() == [(made, "queued"), (made, "cancelled")]
    assert work() == 0


def test_a_notice_is_genuine_by_the_snippet_of_the_docs(payroll: Subscriber) -> None:
    payroll.submit()
    work()
    [got] = payroll.receiver.received
    verify = snippet()
    row = Delivery.objects.get()
    assert verify(payroll.secret, got.headers, got.body) == row.webhook_id
    for secret, headers, body in (
        (payroll.secret, got.headers, got.body.replace(b"queued", b"failed")),
        (payroll.secret, got.headers | {"webhook-id": "msg_1"}, got.body),
        (payroll.secret, got.headers | {"webhook-timestamp": "1"}, got.body),
        (payroll.secret, got.headers | {"webhook-signature": "v1,"}, got.body),
        ("whsec_AAAA", got.headers, got.body),
    ):
        with pytest.raises(ValueError, match="too old|not signed"):
            verify(secret, headers, body)


def test_a_service_is_told_of_its_own_submissions_from_now_on(payroll: Subscriber) -> None:
    with receiving() as elsewhere:
        made = payroll.submit()
        other = Subscriber(elsewhere, "other")
        assert other.api.get(f"submissions/{made}/").status_code == 200  # it may read all of them
        own = other.submit()
        work()
        assert other.told() == [(own, "queued")]
        assert payroll.told() == [(made, "queued")]


def test_readers_at_the_same_time_make_each_notice_once(payroll: Subscriber) -> None:
    for _ in range(5):
        payroll.submit()
    together(4, queue.read_on)
    assert Delivery.objects.count() == 5


def test_workers_at_the_same_time_deliver_each_notice_once_and_never_too_many(payroll: Subscriber) -> None:
    for _ in range(10):
        payroll.submit_and_cancel()
    queue.read_on()
    at_once, most, lock = [0], [0], threading.Lock()

    def answer(handler: Any) -> None:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        # Before the answer, after which the next one may come.
        with lock:
            at_once[0] -= 1
        status(204)(handler)

    payroll.receiver.answer = answer
    together(8, work)
    ids = [each.headers["webhook-id"] for each in payroll.receiver.received]
    assert (len(ids), len(set(ids))) == (20, 20)
    assert most[0] <= delivery.TOGETHER
    for made in {submission for submission, _ in payroll.told()}:
        assert [state for submission, state in payroll.told() if submission == made] == ["queued", "cancelled"]


def together(count: int, work_: Any) -> None:
    def run() -> None:
        try:
            work_()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        for each in [pool.submit(run) for _ in range(count)]:
            each.result(timeout=60)


def test_a_worker_that_is_gone_loses_nothing_and_whoever_is_late_stores_nothing(payroll: Subscriber) -> None:
    payroll.submit()
    queue.read_on()
    lost = delivery.claim()
    assert lost
    assert delivery.claim() is None
    everything_is_due()
    payroll.receiver.answer = status(500)
    assert work() == 1
    payroll.receiver.answer = status(204)
    delivery.attempt(lost)
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.status_code) == ("pending", 2, 500)
    everything_is_due()
    assert work() == 1
    assert len({each.headers["webhook-id"] for each in payroll.receiver.received}) == 1


def test_a_later_state_waits_for_the_earlier_one_and_other_submissions_do_not(payroll: Subscriber) -> None:
    first = payroll.submit_and_cancel()
    second = payroll.submit_and_cancel()
    payroll.receiver.answer = in_turn(status(500), status(204))
    assert work() == 3
    assert payroll.told() == [(first, "queued"), (second, "queued"), (second, "cancelled")]
    everything_is_due()
    assert work() == 2
    assert payroll.told()[3:] == [(first, "queued"), (first, "cancelled")]


def test_what_is_given_up_after_three_days_lets_the_later_one_go(payroll: Subscriber) -> None:
    made = payroll.submit_and_cancel()
    payroll.receiver.answer = in_turn(status(500), status(500), status(204))
    assert work() == 1
    everything_is_due()
    Delivery.objects.filter(attempts=1).update(first_tried_at=timezone.now() - timedelta(days=3))
    assert work() == 2
    states = list(Delivery.objects.order_by("position").values_list("state", "status_code"))
    assert states == [("given_up", 500), ("delivered", 204)]
    assert payroll.told() == [(made, "queued"), (made, "queued"), (made, "cancelled")]


@pytest.mark.parametrize(("attempts", "most"), list(enumerate(delivery.BACKOFF)) + [(20, delivery.BACKOFF[-1])])
def test_the_next_attempt_comes_after_a_random_part_of_a_growing_time(
    payroll: Subscriber, attempts: int, most: int
) -> None:
    payroll.submit()
    queue.read_on()
    Delivery.objects.update(attempts=attempts)
    payroll.receiver.answer = status(500)
    assert work() == 1
    row = Delivery.objects.get()
    assert row.due_at
    assert 0 < (row.due_at - timezone.now()).total_seconds() <= max(most, 1)
    assert row.error == "It answered 500; only a 2xx counts as taken."


def test_a_busy_receiver_is_left_alone_for_as_long_as_it_asks(payroll: Subscriber) -> None:
    payroll.submit()
    payroll.submit()
    payroll.receiver.answer = status(429, Retry_After="600")
    assert work() == 1
    row = Delivery.objects.filter(attempts=1).get()
    for moment in (row.due_at, payroll.callback.not_before):
        assert moment
        assert 590 < (moment - timezone.now()).total_seconds() < 1000


def test_a_receiver_that_fails_is_asked_by_one_notice_at_a_time_until_it_is_back(payroll: Subscriber) -> None:
    for _ in range(8):
        payroll.submit()
    payroll.receiver.answer = status(503)
    assert work() == 5
    assert payroll.callback.is_failing
    assert work() == 0
    Callback.objects.update(not_before=None)
    one = delivery.claim()
    assert one
    assert delivery.claim() is None
    delivery.attempt(one)
    assert payroll.callback.not_before
    payroll.receiver.answer = status(204)
    Callback.objects.update(not_before=None)
    assert work() == 8
    callback = payroll.callback
    assert (callback.failures, callback.not_before, callback.is_failing) == (0, None, False)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_a_receiver_that_hangs_holds_up_no_other_one(payroll: Subscriber) -> None:
    may_answer = threading.Event()
    payroll.receiver.answer = held(may_answer)
    for _ in range(10):
        payroll.submit()
    with receiving() as elsewhere, ThreadPoolExecutor(delivery.TOGETHER) as pool:
        other = Subscriber(elsewhere, "other")
        other.submit()
        queue.read_on()
        claims = [delivery.claim() for _ in range(delivery.TOGETHER + 1)]
        mine = [each for each in claims if each and each.callback.url == payroll.receiver.url]
        hanging = [pool.submit(lambda each=each: (delivery.attempt(each), connections.close_all())) for each in mine]
        assert len(mine) == delivery.TOGETHER
        for each in claims:
            if each and each not in mine:
                delivery.attempt(each)
        assert len(other.told()) == 1
        assert delivery.claim() is None
        may_answer.set()
        for running in hanging:
            running.result(timeout=20)


def test_a_receiver_that_is_gone_is_disabled_with_an_event_and_loses_nothing(
    payroll: Subscriber, administrator: User
) -> None:
    payroll.submit()
    payroll.submit()
    payroll.receiver.answer = status(410)
    assert work() == 1
    callback = payroll.callback
    assert (callback.state, callback.detail) == ("disabled", "It answered 410: it wants no notices any more.")
    event = Event.objects.filter(action="callback.disabled").latest("seq")
    assert event.actor == "system:callbacks"
    payroll.receiver.answer = status(204)
    payroll.submit()
    assert work() == 0
    receivers.resume(callback.service, by=acting(administrator))
    assert work() == 3
    assert len(set(payroll.told())) == 3


def test_without_the_trail_nothing_is_disabled(payroll: Subscriber) -> None:
    payroll.submit()
    payroll.receiver.answer = status(410)
    queue.read_on()
    claimed = delivery.claim()
    assert claimed
    with without_the_trail(), pytest.raises(Exception, match="audit trail"):
        delivery.attempt(claimed)
    assert payroll.callback.state == "active"
    assert Delivery.objects.get().claim == claimed.delivery.claim


def test_deliveries_are_no_events(payroll: Subscriber) -> None:
    payroll.submit()
    before = Event.objects.count()
    assert work() == 1
    assert Event.objects.count() == before


def test_while_too_many_wait_the_changes_wait_in_the_trail(
    payroll: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "AT_ONCE", 2)
    monkeypatch.setattr(queue, "MOST_WAITING", 3)
    for _ in range(7):
        payroll.submit()
    for _ in range(4):
        queue.read_on()
    assert Delivery.objects.count() == 4
    while work():
        pass
    assert len(set(payroll.told())) == 7


def test_what_ended_long_ago_and_secrets_whose_time_is_over_are_forgotten(payroll: Subscriber, client: Client) -> None:
    for _ in range(3):
        payroll.submit()
    queue.read_on()
    old, young, waiting = Delivery.objects.order_by("position")
    ago = timezone.now() - queue.KEPT
    for row, ended in ((old, ago - timedelta(hours=1)), (young, ago + timedelta(hours=1))):
        Delivery.objects.filter(pk=row.pk).update(state="delivered", due_at=None, ended_at=ended)
    payroll.api.post("me/callback/rotate-secret/", {})
    sweeping.sweep(client=client)
    assert set(Delivery.objects.values_list("pk", flat=True)) == {young.pk, waiting.pk}
    assert payroll.callback.former_secret
    Callback.objects.update(former_until=timezone.now())
    sweeping.sweep(client=client)
    assert payroll.callback.former_secret is None
