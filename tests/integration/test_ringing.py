"""Ringing for the workers: nobody waits for the broker, and nothing that was rung for is forgotten."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from jobs_app import ringing, tasks
from tests.processes import eventually
from tests.servers import Broker

FEW = 20


@pytest.fixture
def queue(broker: Broker) -> Iterator[Any]:
    """The workers' queue, empty; no worker is there."""
    with tasks.send.app.connection_for_read() as link:
        found = link.SimpleQueue("celery")
        eventually(_is_silent, what="earlier tests have rung")
        found.clear()
        yield found


def _is_silent() -> bool:
    return not any(thread.name == "ringing" for thread in threading.enumerate())


def test_many_at_once_are_few_messages_and_the_last_is_never_left_out(queue: Any) -> None:
    for number in range(1000):
        ringing.ring(tasks.send, f"submission-{number}")
    ringing.ring(tasks.poll)
    eventually(_is_silent, what="everything is rung for")
    told = [queue.get_nowait().headers["task"] for _ in range(queue.qsize())]
    assert 1 <= told.count("jobs_app.tasks.send") <= FEW
    assert told.count("jobs_app.tasks.poll") == 1
    # Whoever comes after a message was sent gets one of their own.
    ringing.ring(tasks.send, "a-late-one")
    message = queue.get(timeout=5)
    assert b"a-late-one" in message.body


def test_what_is_rung_while_a_message_is_under_way_is_rung_for_after_it(queue: Any) -> None:
    """From many threads, each of which rings once more when its turn is nearly over."""

    def ring(number: int) -> None:
        ringing.ring(tasks.send, f"submission-{number}")
        time.sleep(ringing.APART * (number % 3) / 2)
        ringing.ring(tasks.send, f"again-{number}")

    threads = [threading.Thread(target=ring, args=[number]) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ringing.ring(tasks.send, "the-last")
    eventually(_is_silent, what="everything is rung for")
    assert ringing._wanted == {}
    assert 2 <= queue.qsize() <= FEW


def test_nobody_waits_for_a_frozen_broker(queue: Any, broker: Broker) -> None:
    broker.freeze()
    try:
        began = time.monotonic()
        for number in range(100):
            ringing.ring(tasks.send, f"submission-{number}")
        assert time.monotonic() - began < 0.5
    finally:
        broker.thaw()
        eventually(_is_silent, what="the broker was given up, or took it")


def test_without_a_broker_nothing_is_raised_and_it_is_left_alone_for_a_while(queue: Any, broker: Broker) -> None:
    broker.kill()
    ringing.ring(tasks.send, "a-submission")
    eventually(_is_silent, what="it was tried")
    assert ringing._silent_until > time.monotonic()
    assert not ringing.ring_now(tasks.send)
