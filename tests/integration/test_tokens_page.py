"""The pages of services and tokens: for administrators, and a secret is shown once."""

import base64
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from jobs_app import people, tokens
from jobs_app.actors import COMMAND_LINE, Role, Scope
from jobs_app.models import ApiToken, Event, RoleGrant, Service, User
from tests.conftest import Api, make_person, token_of
from tests.doors import newest_event
from tests.services import REASON, ends_in, make_service, make_token, past_the_rights

SECRET = re.compile(r"Authorization: Bearer (kdp_[A-Za-z0-9_-]{49})<")
FORM = {"scopes": ["submissions:read", "submissions:write"], "days": "30", "reason": REASON}


@pytest.fixture
def client(administrator: User) -> Client:
    client = Client()
    client.force_login(administrator)
    return client


def shown(client: Client, path: str = "/tokens/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def made(client: Client, service: Service, **changes: Any) -> str:
    """The secret, as the page shows it."""
    answer = client.post(f"/tokens/services/{service.pk}/new/", FORM | changes)
    assert answer.status_code == 200, answer.content
    found = SECRET.search(answer.content.decode())
    assert found
    return found[1]


# --- Who ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["operator", "approver", "auditor", "stranger"])
def test_others_see_and_do_nothing(person: str, request: pytest.FixtureRequest) -> None:
    client = Client()
    client.force_login(request.getfixturevalue(person))
    token, _ = make_token()
    paths = ["/tokens/", "/tokens/services/new/", f"/tokens/services/{token.service_id}/", f"/tokens/{token.pk}/"]
    for path in [*paths, f"/tokens/services/{token.service_id}/new/"]:
        assert client.get(path).status_code == 403
    for path in (
        *(f"/tokens/{token.pk}/{verb}/" for verb in ("change", "pause", "resume", "revoke", "rotate")),
        f"/tokens/services/{token.service_id}/new/",
        f"/tokens/services/{token.service_id}/",
        "/tokens/services/new/",
    ):
        assert client.post(path, FORM | {"name": "x", "overlap": "60"}).status_code == 403, path
    assert newest_event("permission.denied")["outcome"] == "denied"
    assert (ApiToken.objects.count(), Service.objects.count()) == (1, 1)
    token.refresh_from_db()
    assert (token.paused_at, token.revoked_at, token.rotated_at) == (None, None, None)


def test_a_token_opens_none_of_them(database: None) -> None:
    headers = {"Authorization": f"Bearer {token_of('some', *Scope)}"}
    assert Client().get("/tokens/", headers=headers).status_code == 302


@pytest.mark.parametrize("path", ["/tokens/999/", "/tokens/services/999/", "/tokens/services/999/new/"])
def test_what_is_not_there(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


# --- The secret -----------------------------------------------------------------------------------------------------


def test_a_token_is_made_and_shown_once_as_the_whole_header(client: Client) -> None:
    service = make_service()
    answer = client.post(f"/tokens/services/{service.pk}/new/", FORM | {"name": "host 7", "rate": "100/min"})
    page = answer.content.decode()
    found = SECRET.search(page)
    assert found
    assert "no-store" in answer["Cache-Control"]
    assert 'data-copy="#secret"' in page
    me = Api(token=found[1]).get("me/").json()
    assert (me["name"], me["scopes"], me["limits"]["rate"]) == ("billing", FORM["scopes"], "100/min")
    token = ApiToken.objects.get()
    assert (token.name, token.created_by and token.created_by.username) == ("host 7", "adele")
    assert abs(token.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    event = newest_event("token.created")
    assert (event["reason"], event["limits"]) == (REASON, {"name": "host 7", "rate": "100/min"})


def test_a_secret_stands_nowhere_but_in_that_one_answer(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service = make_service()
    secret = made(client, service)
    token = ApiToken.objects.get()
    Api(token=secret).get("me/")
    second = SECRET.search(
        client.post(f"/tokens/{token.pk}/rotate/", {"overlap": "60", "reason": REASON}).content.decode()
    )
    assert second
    third = Api(token=second[1]).post("me/rotate-token/", {}).json()["token"]
    client.post(f"/tokens/{token.pk}/pause/", {"reason": REASON})
    Api(token=secret).get("me/")
    paths = ["/tokens/", f"/tokens/{token.pk}/", f"/tokens/services/{service.pk}/", "/", "/health/"]
    everything = "\n".join([*(shown(client, path) for path in paths), caplog.text, *map(repr, caplog.records), *rows()])
    assert "host" in everything
    for each in (secret, second[1], third):
        for form in (each, each[4:47], each.encode().hex(), base64.b64encode(each.encode()).decode().rstrip("=")[:-2]):
            assert form not in everything


def rows() -> Iterator[str]:
    """Every row of every table, the sessions' and the trail's too, as text."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'audit')")
        for schema, table in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{schema}"."{table}" AS t')
            yield from (row for (row,) in cursor.fetchall())


def test_a_mistake_keeps_what_was_typed_and_makes_nothing(client: Client) -> None:
    service = make_service()
    wrong = {"scopes": ["audit:read"], "days": "366", "addresses": "10.0.0.1/8, 192.0.2.1", "operations": ["copy"]}
    answer = client.post(f"/tokens/services/{service.pk}/new/", FORM | wrong | {"reason": ""})
    page = answer.content.decode()
    assert answer.status_code == 400
    for words in ("between 1 and 365", "bits beyond its mask", "Say why you do this", "10.0.0.1/8, 192.0.2.1"):
        assert words in page
    assert re.search(r'value="audit:read" checked', page)
    assert re.search(r'value="copy" checked', page)
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("days", ["", "x", "-1", "1.5", "9" * 30])
def test_days_that_are_no_number(client: Client, days: str) -> None:
    service = make_service()
    assert client.post(f"/tokens/services/{service.pk}/new/", FORM | {"days": days}).status_code == 400


# --- The list -------------------------------------------------------------------------------------------------------


def test_the_list_tells_state_end_and_use(client: Client) -> None:
    token, secret = make_token(name="host 7")
    ends_in(token, timedelta(days=12, hours=1))
    page = shown(client)
    for words in ("billing", "owen", "host 7", "Active", "in 12 days", "not yet", "table-warning"):
        assert words in page
    Api(token=secret).get("me/")
    assert "from 127.0.0.1" in shown(client)
    ends_in(token, timedelta(days=15))
    assert "table-warning" not in shown(client)


def test_what_has_ended_is_shown_when_asked_for(client: Client) -> None:
    token, _ = make_token(name="the-old-one")
    tokens.revoke(token, reason=REASON, by=COMMAND_LINE)
    assert "the-old-one" not in shown(client)
    page = shown(client, "/tokens/?ended=yes")
    assert "the-old-one" in page
    assert "Revoked" in page


def test_one_that_nobody_uses_is_pointed_out(client: Client) -> None:
    token, _ = make_token()
    assert "revoke it if nobody needs it" not in shown(client)
    past_the_rights(token, created_at=timezone.now() - timedelta(days=31))
    assert "never used; revoke it" in shown(client)
    past_the_rights(token, last_used_at=timezone.now() - timedelta(days=45))
    assert "not used for 45 days" in shown(client)


def test_a_service_of_nobody_is_a_finding(client: Client) -> None:
    token_of("cron", Scope.READ)
    assert "Nobody answers for this service" in shown(client)


def test_an_owner_who_is_about_to_leave_shows_before_and_after(client: Client) -> None:
    owner = make_person("olaf", Role.OPERATOR)
    token, _ = make_token(make_service(owner=owner))
    assert "no role any more" not in shown(client) + shown(client, "/health/")
    RoleGrant.objects.filter(person=owner).delete()
    assert "The owner has no role any more" in shown(client)
    assert "whose owner has no role any more: 1" in shown(client, "/health/")
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert "The owner has left" in shown(client)
    assert "because their owner has left: 1" in shown(client, "/health/")
    tokens.revoke(token, reason=REASON, by=COMMAND_LINE)
    assert "because their owner has left" not in shown(client, "/health/")


def test_the_end_is_near_on_health_and_home_for_administrators_alone(client: Client, operator: User) -> None:
    token, _ = make_token()
    assert "ends within 14 days" not in shown(client, "/") + shown(client, "/health/")
    ends_in(token, timedelta(days=13))
    assert "1 token of a service ends within 14 days" in shown(client, "/")
    assert "Tokens that end within 14 days: 1" in shown(client, "/health/")
    other = Client()
    other.force_login(operator)
    assert "14 days" not in shown(other, "/") + shown(other, "/health/")


def test_health_tells_of_the_tokens_only_what_needs_somebody(client: Client) -> None:
    token, _ = make_token()
    ends_in(token, timedelta(days=3))
    client.post(f"/tokens/{token.pk}/rotate/", {"overlap": "60", "reason": REASON})
    # The new one lives as long as the old one was made to.
    ends_in(ApiToken.objects.latest("pk"), timedelta(days=90))
    assert "none ends soon" in shown(client, "/health/")


# --- What is done to one --------------------------------------------------------------------------------------------


def test_pause_resume_and_revoke_want_a_reason_and_show_who_and_why(client: Client) -> None:
    token, _ = make_token()
    path = f"/tokens/{token.pk}/"
    page = client.post(f"{path}pause/", {"reason": " "}, follow=True).content.decode()
    assert "Say why you do this" in page
    page = client.post(f"{path}pause/", {"reason": "a leak?"}, follow=True).content.decode()
    assert re.search(r"adele:\s+a leak\?|adele: a leak\?", page)
    assert newest_event("token.paused")["reason"] == "a leak?"
    assert "paused already" in client.post(f"{path}pause/", {"reason": "x"}, follow=True).content.decode()
    page = client.post(f"{path}resume/", {"reason": "no leak"}, follow=True).content.decode()
    assert ("The token works again" in page, "a leak?" in page) == (True, False)
    assert newest_event("token.resumed")["reason"] == "no leak"
    assert "isn&#x27;t paused" in client.post(f"{path}resume/", {"reason": "x"}, follow=True).content.decode()
    page = client.post(f"{path}revoke/", {"reason": "a leak!"}, follow=True).content.decode()
    assert ("a leak!" in page, "/revoke/" in page) == (True, False)
    assert newest_event("token.revoked")["actor"]["id"].startswith("person:")
    page = client.post(f"{path}rotate/", {"overlap": "60", "reason": "x"}, follow=True).content.decode()
    assert "has ended or was revoked" in page


def test_limits_are_changed_and_mistakes_kept_on_the_page(client: Client) -> None:
    token, secret = make_token(rate="5/s")
    path = f"/tokens/{token.pk}/change/"
    answer = client.post(path, {"addresses": "nowhere", "operations": ["copy"], "reason": REASON})
    assert (answer.status_code, "nowhere is no address" in answer.content.decode()) == (400, True)
    form = {
        "name": "n",
        "addresses": "127.0.0.0/8\n2001:db8::/32",
        "operations": ["copy"],
        "rate": "",
        "reason": REASON,
    }
    page = client.post(path, form, follow=True).content.decode()
    assert "these limits from its next call on" in page
    assert "127.0.0.0/8\n2001:db8::/32" in page
    assert Api(token=secret).get("me/").json()["limits"]["addresses"] == ["127.0.0.0/8", "2001:db8::/32"]
    assert newest_event("token.changed")["before"] == {"rate": "5/s"}


@pytest.mark.parametrize("overlap", ["0", "", "x", "1441", "9" * 30])
def test_an_overlap_that_is_out_of_range_rotates_nothing(client: Client, overlap: str) -> None:
    token, _ = make_token()
    page = client.post(f"/tokens/{token.pk}/rotate/", {"overlap": overlap, "reason": REASON}, follow=True)
    assert "between 60 and 86400 seconds" in page.content.decode()
    assert ApiToken.objects.count() == 1


def test_a_rotation_shows_the_new_secret_and_when_the_old_one_ends(client: Client) -> None:
    token, secret = make_token()
    answer = client.post(f"/tokens/{token.pk}/rotate/", {"overlap": "120", "reason": REASON})
    page = answer.content.decode()
    found = SECRET.search(page)
    assert found
    assert f"Token {token.pk}, whose place it takes, works until" in page
    assert "no-store" in answer["Cache-Control"]
    assert Api(token=secret).get("me/").status_code == Api(token=found[1]).get("me/").status_code == 200
    assert "Rotated, works a little longer" in shown(client, f"/tokens/{token.pk}/")


def test_what_comes_from_the_command_line_is_shown_too(client: Client) -> None:
    secret = people.create_token("cron", scopes=[Scope.READ], days=1, by=COMMAND_LINE)
    token = ApiToken.objects.get()
    tokens.pause(token, reason="from a shell", by=COMMAND_LINE)
    page = shown(client, f"/tokens/{token.pk}/")
    assert "from the command line" in page
    assert "from a shell" in page
    assert secret not in page
    assert Event.objects.filter(action="token.paused").exists()
