"""The limit of a token's calls: one count for all web processes, told on every answer, and nothing without Redis."""

import logging
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from jobs_app import quotas, tokens
from jobs_app.actors import COMMAND_LINE
from jobs_app.models import User
from jobs_app.quotas import Quotas, Rate
from jobs_app.token_limits import Limits
from tests.conftest import Api
from tests.examples import body
from tests.servers import Broker
from tests.services import REASON, make_token

ANOTHER_PROCESS = """
import sys
from jobs_app.quotas import Quotas, Rate
quotas = Quotas(sys.argv[1])
print(sum(quotas.take("token:1", Rate(20, 86400)).allowed for _ in range(15)))
"""


@pytest.fixture(autouse=True)
def url(broker: Broker, settings: Any) -> Iterator[str]:
    redis.Redis.from_url(settings.REDIS_URL).flushall()
    quotas.shared.cache_clear()
    yield str(settings.REDIS_URL)
    quotas.shared.cache_clear()


def limited(rate: str) -> Api:
    return Api(token=make_token(rate=rate)[1])


# --- The count -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rate"),
    [("1/s", Rate(1, 1)), ("100/min", Rate(100, 60)), ("5/h", Rate(5, 3600)), ("9/day", Rate(9, 86400))],
)
def test_a_rate_in_words(text: str, rate: Rate) -> None:
    assert Rate.read(text) == rate


@pytest.mark.parametrize(
    "text", ["", "0/s", "-1/s", "1/week", "1", "/s", "1/ s", "1.5/s", "１/s", "12345678/s", "1/s\n"]
)
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="100/min"):
        Rate.read(text)


def test_two_processes_share_one_count(url: str) -> None:
    mine = sum(Quotas(url).take("token:1", Rate(20, 86400)).allowed for _ in range(15))
    other = subprocess.run([sys.executable, "-c", ANOTHER_PROCESS, url], capture_output=True, text=True, check=True)
    assert (mine, int(other.stdout)) == (15, 5)


def test_each_caller_has_a_count_of_its_own(url: str) -> None:
    one = Quotas(url)
    assert [one.take(name, Rate(1, 60)).allowed for name in ("token:1", "token:1", "token:2")] == [True, False, True]


def test_who_waits_as_long_as_told_is_let_through(url: str) -> None:
    one = Quotas(url)
    while (quota := one.take("token:1", Rate(3, 1))).allowed:
        pass
    assert quota.seconds is not None
    time.sleep(quota.seconds)  # the promise itself
    assert one.take("token:1", Rate(3, 1)).allowed


def test_calls_that_were_refused_do_not_put_the_end_of_the_window_off(url: str, settings: Any) -> None:
    one, rate = Quotas(url), Rate(1, 60)
    one.take("token:1", rate)
    [key] = redis.Redis.from_url(url).keys("quota*")
    redis.Redis.from_url(url).pexpire(key, 3000)
    for _ in range(5):
        quota = one.take("token:1", rate)
    assert not quota.allowed
    assert quota.seconds is not None
    assert quota.seconds <= 4


# --- The API ---------------------------------------------------------------------------------------------------------


def test_beyond_the_limit_it_is_429_with_what_to_do(database: None) -> None:
    api = limited("2/min")
    left = [api.get("me/")["RateLimit"] for _ in range(2)]
    assert [re.sub(r"t=\d+", "t=", each) for each in left] == ['"token";r=1;t=', '"token";r=0;t=']
    answer = api.get("me/")
    assert (answer.status_code, answer["Content-Type"]) == (429, "application/problem+json")
    assert answer.json()["type"] == "urn:koodrive-portal:problem:too_many_calls"
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert answer["RateLimit"] == f'"token";r=0;t={answer["Retry-After"]}'
    assert answer["RateLimit-Policy"] == '"token";q=2;w=60'


def test_every_answer_says_what_is_left(database: None) -> None:
    api = limited("100/h")
    answers = [
        api.get("submissions/"),
        api.post("submissions/", body("copy")),
        api.post("submissions/", {}),
        api.get("audit-events/"),
        api.get("nothing/"),
        api.post("me/", {}),
    ]
    assert [answer.status_code for answer in answers] == [200, 201, 400, 403, 404, 405]
    assert [answer["RateLimit"].split(";")[1] for answer in answers] == [f"r={99 - n}" for n in range(6)]
    assert {answer["RateLimit-Policy"] for answer in answers} == {'"token";q=100;w=3600'}


def test_nobody_else_is_counted(database: None, operator: User, service: Api) -> None:
    for answer in (service.get("me/"), Api(person=operator).get("me/"), Api(token="wrong").get("me/")):
        assert "RateLimit" not in answer
        assert "RateLimit-Policy" not in answer


def test_another_limit_holds_from_the_next_call_on(database: None) -> None:
    token, secret = make_token(rate="1/h")
    api = Api(token=secret)
    assert [api.get("me/").status_code for _ in range(2)] == [200, 429]
    tokens.change(token, Limits(rate="5/h"), reason=REASON, by=COMMAND_LINE)
    assert api.get("me/").status_code == 200
    tokens.change(token, Limits(), reason=REASON, by=COMMAND_LINE)
    assert "RateLimit" not in api.get("me/")


# --- A bad day -------------------------------------------------------------------------------------------------------


def test_without_redis_everybody_is_let_through_and_the_log_says_so_once(
    database: None, broker: Broker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING, "jobs_app.quotas")
    monkeypatch.setattr(quotas, "AWAY", 0.0)  # it is asked again at each call
    api = limited("1/h")
    assert [api.get("me/").status_code for _ in range(2)] == [200, 429]
    broker.kill()
    answers = [api.get("me/") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert [("RateLimit" in answer, answer["RateLimit-Policy"]) for answer in answers] == [
        (False, '"token";q=1;w=3600')
    ] * 3
    assert [record.message for record in caplog.records if "Redis is away" in record.message] == [
        "Redis is away; until it is back, no call of a token is counted and none is refused for it"
    ]
    broker.start()
    assert [api.get("me/").status_code for _ in range(2)] == [200, 429]


def test_a_frozen_redis_costs_one_call_a_moment_and_the_next_ones_nothing(database: None, broker: Broker) -> None:
    api = limited("1000/h")
    api.get("me/")
    broker.freeze()
    try:
        began = time.monotonic()
        assert [api.get("me/").status_code for _ in range(10)] == [200] * 10
        assert time.monotonic() - began < 3
    finally:
        broker.thaw()
