"""One rate for all: shared over Redis, a share for reads while something waits, and a limit even without Redis."""

import time
from typing import Any

import pytest

from jobs_app.koodrive.rate import Rate
from tests.servers import Broker


@pytest.fixture
def url(broker: Broker, settings: Any) -> str:
    import redis

    redis.Redis.from_url(settings.REDIS_URL).flushall()
    return str(settings.REDIS_URL)


def at_once() -> bool:
    return True


def permits(rate: Rate, seconds: float) -> int:
    end, found = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        found += rate.wait_to_send(lambda: time.monotonic() > end)
    return found


def test_two_processes_share_one_rate(url: str) -> None:
    rates = [Rate(20, url), Rate(20, url)]
    given = sum(rate.wait_to_send(at_once) for _ in range(30) for rate in rates)
    assert 20 <= given <= 41  # a second may pass, and a window end, while this runs


def test_the_rate_is_kept_over_time(url: str) -> None:
    assert permits(Rate(20, url), 3.0) <= 20 * 4


def test_whoever_is_told_to_stop_does_not_wait(url: str) -> None:
    rate = Rate(1, url)
    assert rate.wait_to_send(at_once)
    began = time.monotonic()
    assert not rate.wait_to_send(at_once)
    assert time.monotonic() - began < 1


def test_reads_take_a_quarter_while_something_waits_to_be_sent(url: str) -> None:
    rate = Rate(40, url)
    while rate.wait_to_send(at_once):
        pass
    time.sleep(1.1)  # a new window: the permits are there again, and somebody is still known to wait
    reads = sum(rate.wait_to_read(0) for _ in range(40))
    assert 0 < reads <= 20  # ten a window, and the windows may change once


def test_reads_take_what_is_there_while_nothing_waits(url: str) -> None:
    rate = Rate(40, url)
    assert sum(rate.wait_to_read(0) for _ in range(30)) == 30


def test_one_answer_that_asks_to_wait_holds_everybody_back(url: str) -> None:
    rate, other = Rate(100, url), Rate(100, url)
    rate.hold(0.5)
    assert not other.wait_to_send(at_once)
    assert other.wait_to_send(lambda: False)


def test_without_redis_each_process_keeps_to_a_quarter(broker: Broker, url: str) -> None:
    rate = Rate(20, url)
    assert rate.wait_to_send(at_once)
    broker.kill()
    given = sum(rate.wait_to_send(at_once) for _ in range(40))
    assert 0 < given <= 10


def test_a_permit_at_hand_is_one_that_was_drawn_and_not_used(url: str) -> None:
    rate, other = Rate(200, url), Rate(200, url)
    assert not rate.has_drawn()
    assert rate.wait_to_send(at_once)  # draws four, and takes one of them
    assert [rate.has_drawn() for _ in range(4)] == [True, True, True, False]
    assert not other.has_drawn()
    assert rate.wait_to_send(at_once)
    rate.hold(0.5)
    assert not rate.has_drawn()
