"""What the API's door makes of a token: who gets in, who doesn't and what they hear, and what is written of it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs_app import admission, people, token_secrets, tokens
from jobs_app.actors import COMMAND_LINE, Scope
from jobs_app.models import ApiToken, Event, User
from tests.doors import newest_event, without_the_trail
from tests.services import REASON, ends_in, make_service, make_token, past_the_rights

pytestmark = pytest.mark.usefixtures("database")

UNKNOWN = "isn't known, has ended or was revoked"


def call(secret: str, ip: str = "192.0.2.7") -> Any:
    client = Client(raise_request_exception=False)
    return client.get("/api/v1/me/", headers={"Authorization": f"Bearer {secret}"}, REMOTE_ADDR=ip)


def refusals() -> int:
    return Event.objects.filter(action="access.refused").count()


def refused(secret: str, words: str, ip: str = "192.0.2.7") -> None:
    answer = call(secret, ip)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert words in answer.json()["detail"]


# --- Known and unknown -----------------------------------------------------------------------------------------------


def test_a_mistyped_one_is_not_looked_up() -> None:
    _, secret = make_token()
    wrong = secret[:10] + ("a" if secret[10] != "a" else "b") + secret[11:]
    with CaptureQueriesContext(connection) as queries:
        refused(wrong, UNKNOWN)
    assert not [query for query in queries.captured_queries if "apitoken" in query["sql"]]


def test_one_without_a_checksum_still_works() -> None:
    for secret in ("demo-token-of-the-environment", "kdp_" + "A" * 43):
        people.create_token("old", scopes=[Scope.READ], days=1, by=COMMAND_LINE, secret=secret)
        assert call(secret).status_code == 200


def test_it_is_looked_up_by_its_digest_only() -> None:
    _, secret = make_token()
    with CaptureQueriesContext(connection) as queries:
        assert call(secret).status_code == 200
    text = "\n".join(each["sql"] for each in queries.captured_queries)
    assert secret not in text
    assert token_secrets.digest(secret) in text
    refused("kdp_" + token_secrets.digest(secret), UNKNOWN)
    refused(token_secrets.digest(secret), UNKNOWN)


# --- States ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("left", "works"), [(timedelta(seconds=30), True), (timedelta(0), False)])
def test_it_works_up_to_its_end_and_not_beyond(left: timedelta, works: bool) -> None:
    token, secret = make_token()
    ends_in(token, left)
    assert (call(secret).status_code == 200) == works


def test_a_paused_one_is_refused_from_the_next_call_on_and_works_again_when_resumed() -> None:
    token, secret = make_token()
    assert call(secret).status_code == 200
    tokens.pause(token, reason=REASON, by=COMMAND_LINE)
    refused(secret, "is paused")
    event = newest_event("access.refused")
    assert (event["why"], event["token"], event["outcome"]) == ("paused", token.ref, "denied")
    assert event["actor"]["id"] == f"service:{token.service_id}"
    tokens.resume(token, reason=REASON, by=COMMAND_LINE)
    assert call(secret).status_code == 200


def test_a_revoked_one_is_as_good_as_unknown_and_the_trail_knows_better() -> None:
    token, secret = make_token()
    tokens.revoke(token, reason=REASON, by=COMMAND_LINE)
    refused(secret, UNKNOWN)
    assert newest_event("access.refused")["why"] == "revoked"


def test_revoked_is_for_good_even_for_a_bug_of_ours() -> None:
    token, _ = make_token()
    tokens.revoke(token, reason=REASON, by=COMMAND_LINE)
    with pytest.raises(IntegrityError):
        ApiToken.objects.filter(pk=token.pk).update(revoked_at=None)


@pytest.mark.parametrize(
    "changes",
    [{"expires_at": timezone.now()}, {"scopes": ["audit:read"]}, {"digest": "0" * 64}, {"service_id": 1}],
    ids=lambda changes: next(iter(changes)),
)
def test_end_scopes_and_secret_can_not_be_changed(changes: dict[str, Any]) -> None:
    token, _ = make_token()
    with pytest.raises(ProgrammingError, match="permission denied"):
        ApiToken.objects.filter(pk=token.pk).update(**changes)


# --- The owner -------------------------------------------------------------------------------------------------------


def test_without_its_owner_a_service_stands_still_and_another_owner_sets_it_going(operator: User) -> None:
    service = make_service(owner=operator)
    token, secret = make_token(service)
    assert call(secret).status_code == 200
    User.objects.filter(pk=operator.pk).update(is_active=False)
    refused(secret, "ask an administrator to give it another owner")
    assert newest_event("access.refused")["why"] == "stopped"
    User.objects.filter(pk=operator.pk).update(is_active=True)
    assert call(secret).status_code == 200


def test_the_service_of_nobody_works() -> None:
    secret = people.create_token("cron", scopes=[Scope.READ], days=1, by=COMMAND_LINE)
    assert call(secret).status_code == 200


# --- Addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("networks", "ip", "works"),
    [
        ([], "203.0.113.9", True),
        (["192.0.2.0/24"], "192.0.2.255", True),
        (["192.0.2.0/24"], "192.0.3.0", False),
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.7"], "192.0.2.8", False),
        (["192.0.2.0/24"], "::ffff:192.0.2.7", True),
        (["192.0.2.0/24"], "2001:db8::1", False),
        (["2001:db8::/32"], "2001:db8:ffff::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["2001:db8::1", "192.0.2.0/24"], "192.0.2.1", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["::/0"], "192.0.2.7", False),
        (["192.0.2.0/24"], "", False),
    ],
)
def test_it_works_from_its_addresses_only(networks: list[str], ip: str, works: bool) -> None:
    _, secret = make_token(addresses=networks)
    assert (call(secret, ip).status_code == 200) == works


def test_from_elsewhere_the_sentence_names_no_address_and_the_trail_does() -> None:
    token, secret = make_token(addresses=["192.0.2.0/24"])
    answer = call(secret, "203.0.113.9")
    assert answer.json()["detail"] == "This token may not be used from here; ask an administrator."
    assert "192.0.2" not in answer.content.decode()
    event = newest_event("access.refused")
    assert (event["why"], event["ip"], event["token"]) == ("address", "203.0.113.9", token.ref)
    token.refresh_from_db()
    assert token.last_used_at is None


def test_who_is_elsewhere_does_not_hear_that_it_is_paused() -> None:
    token, secret = make_token(addresses=["192.0.2.0/24"])
    tokens.pause(token, reason=REASON, by=COMMAND_LINE)
    refused(secret, "may not be used from here", "203.0.113.9")


# --- What is written -------------------------------------------------------------------------------------------------


def test_its_last_use_is_written_once_a_minute_at_most() -> None:
    token, secret = make_token()
    call(secret)
    token.refresh_from_db()
    first = token.last_used_at
    assert (first is not None, token.last_used_ip) == (True, "192.0.2.7")
    with CaptureQueriesContext(connection) as queries:
        for _ in range(3):
            call(secret, "192.0.2.8")
    assert not [each for each in queries.captured_queries if each["sql"].startswith("UPDATE")]
    token.refresh_from_db()
    assert (token.last_used_at, token.last_used_ip) == (first, "192.0.2.7")
    past_the_rights(token, last_used_at=timezone.now() - timedelta(seconds=61))
    call(secret, "192.0.2.8")
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert first is not None
    assert token.last_used_at >= first
    assert token.last_used_ip == "192.0.2.8"


def test_of_two_that_want_to_write_it_at_once_one_does() -> None:
    token, secret = make_token()
    stale = admission._of(secret)
    call(secret)
    token.refresh_from_db()
    written = token.last_used_at
    admission._note_use(stale, "192.0.2.9")
    token.refresh_from_db()
    assert (token.last_used_at, token.last_used_ip) == (written, "192.0.2.7")


def test_a_program_that_goes_on_calling_is_one_event_a_minute_for_each_reason() -> None:
    token, secret = make_token(addresses=["192.0.2.0/24"])
    tokens.pause(token, reason=REASON, by=COMMAND_LINE)
    before = refusals()
    for _ in range(3):
        call(secret)
    assert refusals() == before + 1
    for ip in ("203.0.113.9", "192.0.2.7", "203.0.113.9", "192.0.2.7"):
        call(secret, ip)
    assert refusals() == before + 2
    token.refresh_from_db()
    earlier = {"address": (timezone.now() - timedelta(seconds=61)).isoformat()}
    past_the_rights(token, refusals=json.dumps(token.refusals | earlier))
    for ip in ("203.0.113.9", "192.0.2.7", "203.0.113.9"):
        call(secret, ip)
    assert refusals() == before + 3
    assert newest_event("access.refused")["why"] == "address"


def test_without_the_trail_a_refusal_is_503_and_a_stranger_learns_nothing() -> None:
    token, secret = make_token()
    tokens.pause(token, reason=REASON, by=COMMAND_LINE)
    with without_the_trail():
        assert call(secret).status_code == 503
        refused("wrong", UNKNOWN)
    refused(secret, "is paused")
    assert newest_event("access.refused")["token"] == token.ref
