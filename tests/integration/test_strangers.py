"""Refused strangers: counted by address and minute, told when the minute is over, never with what they typed."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone

from jobs_app import strangers, sweeping
from jobs_app.actors import Scope
from jobs_app.errors import AuditUnavailable
from jobs_app.koodrive.client import Client as KooDrive
from jobs_app.models import ApiToken, Event, RefusedAttempt, User
from jobs_app.strangers import Kind
from tests.conftest import PASSWORD, Api, token_of
from tests.doors import without_the_trail

pytestmark = pytest.mark.usefixtures("database")


def sign_in(name: str, password: str, ip: str = "192.0.2.9") -> Any:
    return Client(REMOTE_ADDR=ip).post("/sign-in/", {"username": name, "password": password})


def their_minute_is_over() -> None:
    RefusedAttempt.objects.update(minute=F("minute") - timedelta(hours=3))


def told(action: str) -> list[dict[str, Any]]:
    """The events of this kind, with those of earlier tests: the trail can't be emptied."""
    lines = Event.objects.filter(action=action).order_by("seq").values_list("line", flat=True)
    return [json.loads(line)["event"] for line in lines]


def at_once(work: Callable[[int], Any], count: int) -> list[Any]:
    def once(number: int) -> Any:
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(once, range(count)))


@contextmanager
def uncountable() -> Iterator[None]:
    """Takes the right to count away, as a database that can only be read would."""
    role = connection.settings_dict["USER"]
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"REVOKE INSERT ON jobs_app_refusedattempt FROM {role}")
        try:
            yield
        finally:
            cursor.execute(f"GRANT INSERT ON jobs_app_refusedattempt TO {role}")


# --- At the doors ----------------------------------------------------------------------------------------------------
def test_wrong_passwords_of_one_account_become_one_event(operator: User) -> None:
    for _ in range(3):
        assert sign_in("olga", "not her password").status_code == 200
    their_minute_is_over()
    minute = RefusedAttempt.objects.get().minute
    assert strangers.tell() == 1
    event = told("session.refused")[-1]
    assert event.pop("actor")["id"] == "system:stranger"
    assert event == {
        "action": "session.refused",
        "outcome": "denied",
        "auth": "none",
        "channel": "web",
        "ip": "192.0.2.9",
        "person": f"person:{operator.pk}",
        "count": 3,
        "from": minute.isoformat(),
        "until": (minute + timedelta(minutes=1)).isoformat(),
    }
    assert not RefusedAttempt.objects.exists()


@pytest.mark.parametrize("name", ["my secret phrase", "olga\0", "x" * 400])
def test_a_name_that_nobody_has_is_kept_nowhere(operator: User, name: str) -> None:
    assert sign_in(name, "whatever it is").status_code == 200
    attempt = RefusedAttempt.objects.get()
    assert (attempt.person, attempt.count) == (None, 1)
    their_minute_is_over()
    strangers.tell()
    assert "person" not in told("session.refused")[-1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit.event WHERE position('secret phrase' IN line) > 0")
        assert cursor.fetchone() == (0,)


def test_somebody_who_may_no_longer_sign_in_is_named_too(operator: User) -> None:
    User.objects.update(is_active=False)
    assert sign_in("olga", PASSWORD).status_code == 200
    assert RefusedAttempt.objects.get().person == operator


def test_whoever_signs_in_or_only_looks_is_no_attempt(operator: User) -> None:
    assert sign_in("olga", PASSWORD).status_code == 302
    assert sign_in("olga", "").status_code == 200
    assert sign_in("", "password").status_code == 200
    assert Client().get("/sign-in/").status_code == 200
    assert Client().get("/admin/", follow=True).status_code == 200
    assert not RefusedAttempt.objects.exists()


def test_bad_tokens_become_one_event_of_the_rest_api(database: None) -> None:
    for token in ("kdp_nonsense", "kdp_\xff", "x"):
        assert Api(token=token).get("me/").status_code == 401
    their_minute_is_over()
    strangers.tell()
    event = told("access.refused")[-1]
    assert (event["outcome"], event["channel"], event["ip"], event["count"]) == ("denied", "api", "127.0.0.1", 3)
    assert "person" not in event


def test_a_token_that_is_known_is_told_of_by_its_number(database: None) -> None:
    revoked = token_of("travel", Scope.READ)
    ApiToken.objects.of_secret(revoked).update(revoked_at=timezone.now() - timedelta(days=1))
    assert Api(token=revoked).get("me/").status_code == 401
    assert not RefusedAttempt.objects.exists()
    event = told("access.refused")[-1]
    assert (event["token"], event["why"]) == (ApiToken.objects.of_secret(revoked).get().ref, "revoked")


def test_without_a_token_there_is_no_attempt(service: Api) -> None:
    assert service.get("me/").status_code == 200
    assert Api().get("me/").status_code == 401
    assert Client().get("/api/v1/me/", headers={"Authorization": "Bearer "}).status_code == 401
    assert not RefusedAttempt.objects.exists()


def test_what_can_not_be_counted_is_refused_all_the_same(operator: User) -> None:
    with uncountable():
        assert sign_in("olga", "not her password").status_code == 200
        assert Api(token="kdp_nonsense").get("me/").status_code == 401
    assert not RefusedAttempt.objects.exists()


# --- Counting --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("ip", "address"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        (None, ""),
    ],
)
def test_the_address_is_that_of_one_customer(ip: str | None, address: str) -> None:
    strangers.note(Kind.TOKEN, ip)
    assert RefusedAttempt.objects.get().address == address
    their_minute_is_over()
    strangers.tell()
    assert told("access.refused")[-1].get("ip", "") == address


def test_many_at_once_are_all_counted(operator: User) -> None:
    def attempt(_: int) -> None:
        for _ in range(5):
            strangers.note(Kind.SIGN_IN, "192.0.2.9", operator)

    at_once(attempt, 8)
    assert sum(RefusedAttempt.objects.values_list("count", flat=True)) == 40
    assert RefusedAttempt.objects.count() <= 2  # the minute may have changed


def test_other_addresses_kinds_and_accounts_are_counted_apart(operator: User, approver: User) -> None:
    for person in (operator, approver, None):
        strangers.note(Kind.SIGN_IN, "192.0.2.9", person)
        strangers.note(Kind.SIGN_IN, "192.0.2.10", person)
    strangers.note(Kind.TOKEN, "192.0.2.9")
    assert RefusedAttempt.objects.count() == 7


# --- Telling ---------------------------------------------------------------------------------------------------------
def test_a_minute_that_may_go_on_is_not_told_yet() -> None:
    strangers.note(Kind.TOKEN, "192.0.2.9")
    RefusedAttempt.objects.update(minute=F("minute") - timedelta(minutes=1))
    assert strangers.tell() == 0
    assert RefusedAttempt.objects.exists()


def test_what_comes_late_is_told_later() -> None:
    for _ in range(2):
        strangers.note(Kind.TOKEN, "192.0.2.9")
        their_minute_is_over()
        assert strangers.tell() == 1
    assert [event["count"] for event in told("access.refused")[-2:]] == [1, 1]


def test_the_sweep_tells(client: KooDrive) -> None:
    strangers.note(Kind.TOKEN, "192.0.2.9")
    their_minute_is_over()
    sweeping.sweep(client=client)
    assert not RefusedAttempt.objects.exists()


def test_a_sweep_tells_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "AT_ONCE", 2)
    for number in range(5):
        strangers.note(Kind.TOKEN, f"192.0.2.{number}")
    their_minute_is_over()
    assert [strangers.tell() for _ in range(4)] == [2, 2, 1, 0]


def test_several_sweeps_at_once_tell_each_row_once() -> None:
    before = len(told("access.refused"))
    for number in range(40):
        strangers.note(Kind.TOKEN, f"192.0.2.{number}")
    their_minute_is_over()
    assert sum(at_once(lambda _: strangers.tell(), 4)) == 40
    assert len({event["ip"] for event in told("access.refused")[before:]}) == 40
    assert len(told("access.refused")) == before + 40


def test_a_sweep_does_not_wait_for_another_ones_rows() -> None:
    strangers.note(Kind.TOKEN, "192.0.2.9")
    their_minute_is_over()
    with transaction.atomic():
        list(RefusedAttempt.objects.select_for_update())
        assert at_once(lambda _: strangers.tell(), 1) == [0]
    assert strangers.tell() == 1


def test_without_the_trail_the_rows_stay() -> None:
    strangers.note(Kind.TOKEN, "192.0.2.9")
    their_minute_is_over()
    with without_the_trail(), pytest.raises(AuditUnavailable):
        strangers.tell()
    assert RefusedAttempt.objects.get().count == 1
