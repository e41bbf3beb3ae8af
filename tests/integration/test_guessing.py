"""Guessing gets slower and slower, without keeping the owner out of the browser they know, nor filling the trail."""

import time
from typing import Any

import pytest
from django.test import Client

from jobs_app import attempts, quotas, strangers
from jobs_app.attempts import Attempt
from jobs_app.models import Event, RefusedAttempt, User
from tests.conftest import PASSWORD
from tests.integration.test_strangers import their_minute_is_over
from tests.servers import Broker
from tests.signing_in import code, enter, second_step, signed_in, with_app

pytestmark = pytest.mark.usefixtures("database")
WRONG = "not her password"


def guess(name: str, ip: str, password: str = WRONG, client: Client | None = None) -> Any:
    return (client or Client()).post("/sign-in/", {"username": name, "password": password}, REMOTE_ADDR=ip)


def used_up(name: str, ip: str) -> None:
    for _ in range(attempts.OWN[0].calls):
        assert guess(name, ip).status_code == 200


def test_after_five_from_one_address_it_waits(operator: User) -> None:
    used_up("olga", "192.0.2.9")
    answer = guess("olga", "192.0.2.9", PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert b"wait" in answer.content
    assert guess("olga", "192.0.2.10", PASSWORD).status_code == 302


def test_a_name_that_nobody_has_waits_as_long(operator: User) -> None:
    used_up("nobody", "192.0.2.9")
    assert guess("nobody", "192.0.2.9").status_code == 429
    assert guess("olga", "192.0.2.9", PASSWORD).status_code == 302


def test_who_signs_in_rightly_is_never_slowed(operator: User) -> None:
    for _ in range(2 * attempts.OWN[0].calls):
        assert enter(operator)[1].status_code == 302


@pytest.mark.parametrize("ladder", [attempts.OWN, attempts.STRANGERS, attempts.ADDRESS])
def test_the_wait_grows_and_ends(ladder: tuple[quotas.Rate, ...]) -> None:
    seconds = [rate.seconds for rate in ladder]
    slowness = [rate.seconds / rate.calls for rate in ladder]
    assert seconds == sorted(set(seconds))
    assert slowness == sorted(slowness)
    assert seconds[-1] <= 3600


def test_many_guesses_from_everywhere(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    guess_from_everywhere(500, operator, monkeypatch)


def guess_from_everywhere(count: int, operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """As somebody does it who has many addresses; each is one try at the door itself."""
    known = signed_in(operator)
    known.post("/sign-out/")
    looked_at = []
    check = User.check_password
    monkeypatch.setattr(User, "check_password", lambda self, raw: looked_at.append(raw) or check(self, raw))
    client, began = Client(), time.monotonic()
    for number in range(count):
        guess("olga", f"10.0.{number >> 8}.{number & 255}", client=client)
    minutes = (time.monotonic() - began) / 60 + 1
    # Throttled: of the passwords only a few were looked at.
    assert len(looked_at) <= attempts.STRANGERS[0].calls * minutes
    # The trail isn't filled: a row for each that was looked at, and one a minute for all that weren't.
    their_minute_is_over()
    before = Event.objects.count()
    strangers.tell()
    assert Event.objects.count() - before <= len(looked_at) + minutes + 1
    assert not RefusedAttempt.objects.exists()
    # Whoever has the right password in an unknown browser has to wait; the owner in their own has not.
    assert guess("olga", "192.0.2.1", PASSWORD).status_code == 429
    assert guess("olga", "192.0.2.1", PASSWORD, known).status_code == 302


def test_ten_thousand_guesses_are_a_few(operator: User) -> None:
    tried = 0
    for number in range(10_000):
        attempt = Attempt("olga", operator, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        if not attempt.wait():
            attempt.failed()
            tried += 1
    # However fast it goes: no more in an hour than the last step of the ladder lets through.
    assert tried <= attempts.STRANGERS[-1].calls
    assert Attempt("olga", operator, "192.0.2.1").is_flood()
    assert Attempt("olga", operator, "192.0.2.1", device="hers").wait() == 0


def test_a_known_browser_has_a_limit_of_its_own(operator: User) -> None:
    known = signed_in(operator)
    known.post("/sign-out/")
    for _ in range(attempts.OWN[0].calls):
        guess("olga", "192.0.2.1", client=known)
    assert guess("olga", "192.0.2.2", PASSWORD, known).status_code == 429
    assert guess("olga", "192.0.2.1", PASSWORD).status_code == 302


def test_a_browser_is_known_to_whom_it_belongs(operator: User, auditor: User) -> None:
    client = signed_in(auditor)
    client.post("/sign-out/")
    Attempt("olga", operator, "192.0.2.1").failed()
    for number in range(attempts.STRANGERS[0].calls):
        guess("olga", f"192.0.2.{number}")
    assert guess("olga", "192.0.2.200", PASSWORD, client).status_code == 429


@pytest.mark.parametrize("forged", ["x", "eyJpZCI6IjEiLCJwZW9wbGUiOlsxXX0:1abcde:abc", ""])
def test_a_forged_cookie_makes_no_known_browser(operator: User, forged: str) -> None:
    client = Client()
    client.cookies["device"] = forged
    for number in range(attempts.STRANGERS[0].calls):
        guess("olga", f"192.0.2.{number}")
    assert guess("olga", "192.0.2.200", PASSWORD, client).status_code == 429


def test_codes_are_throttled_like_passwords(operator: User) -> None:
    with_app(operator)
    client, _ = enter(operator)
    for _ in range(attempts.OWN[0].calls):
        assert second_step(client, "000000").status_code == 200
    assert second_step(client, code(operator)).status_code == 429


def test_spraying_one_password_over_many_names_waits_too(operator: User) -> None:
    for number in range(attempts.ADDRESS[0].calls):
        guess(f"nobody-{number}", "192.0.2.9")
    assert guess("olga", "192.0.2.9", PASSWORD).status_code == 429


def test_all_web_processes_count_together(operator: User, broker: Broker, settings: Any) -> None:
    for _ in range(attempts.OWN[0].calls):
        quotas.shared.cache_clear()  # as another process
        guess("olga", "192.0.2.9")
    quotas.shared.cache_clear()
    assert guess("olga", "192.0.2.9", PASSWORD).status_code == 429
