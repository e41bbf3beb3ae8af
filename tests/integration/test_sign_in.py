"""Signing in and out: events, where it leads, what is refused, and what a password must be."""

from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.urls import NoReverseMatch, reverse

from jobs_app import people
from jobs_app.actors import COMMAND_LINE, Role
from jobs_app.errors import Invalid
from jobs_app.models import User
from portal import settings as defaults
from tests.conftest import PASSWORD
from tests.doors import newest_event, without_the_trail
from tests.signing_in import enter, signed_in

LONG = "a purple elephant sings upon the roof of 17 houses; " * 18 + "and then it stops."

pytestmark = pytest.mark.usefixtures("database")


def test_a_sign_in_is_an_event_and_another_session(operator: User) -> None:
    client = Client()
    client.get("/sign-in/")
    session = client.session
    session["before"] = "yes"
    session.save()
    client.cookies["session"] = session.session_key
    _, answer = enter(operator, client=client)
    assert answer.url == "/"
    assert client.session.session_key != session.session_key
    event = newest_event("session.started")
    assert (event["actor"]["id"], event["auth"], event["channel"]) == (f"person:{operator.pk}", "session", "web")


def test_it_leads_to_where_one_wanted_to_go(operator: User) -> None:
    client = Client()
    away = client.get("/submissions/?status=queued")
    assert 'name="next" value="/submissions/?status=queued"' in client.get(away.url).content.decode()
    assert enter(operator, client=client, next="/submissions/?status=queued")[1].url == "/submissions/?status=queued"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "http://localhost/",
        " https://evil.example",
        "/\t/evil.example",
    ],
)
def test_it_leads_nowhere_else(operator: User, elsewhere: str) -> None:
    client, answer = enter(operator, next=elsewhere)
    assert answer.url == "/"
    assert client.get("/sign-in/", {"next": elsewhere}).url == "/"
    client.post(f"/sign-in/again/?next={elsewhere}", {"password": PASSWORD})
    assert client.post("/sign-in/again/", {"password": PASSWORD, "next": elsewhere}).url == "/"


def test_without_the_trail_nobody_signs_in(operator: User) -> None:
    with without_the_trail():
        client, answer = enter(operator)
    assert answer.status_code == 503
    assert client.get("/submissions/").status_code == 302


def test_signing_out_is_an_event_and_takes_a_form(operator: User) -> None:
    client = signed_in(operator)
    assert client.get("/sign-out/").status_code == 405
    assert client.get("/submissions/").status_code == 200
    assert client.post("/sign-out/").url == "/sign-in/"
    assert client.get("/submissions/").status_code == 302
    event = newest_event("session.ended")
    assert event["actor"]["id"] == f"person:{operator.pk}"
    assert "why" not in event


def test_without_the_trail_a_session_does_not_end(operator: User) -> None:
    client = signed_in(operator)
    with without_the_trail():
        assert client.post("/sign-out/").status_code == 503
    assert client.get("/submissions/").status_code == 200


def test_which_of_name_and_password_is_wrong_is_not_said(operator: User) -> None:
    stranger = User(username="nobody-of-this-name")
    said = [enter(person, "not her password")[1].content for person in (operator, stranger)]
    assert said[0].replace(b"olga", b"") != b""
    assert all(b"fit together" in each for each in said)


def test_nobody_signs_up(operator: User) -> None:
    for name in ("account_signup", "account_reset_password", "account_email", "socialaccount_signup"):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    assert b"sign-up" not in Client().get("/sign-in/").content.lower()


def test_the_admin_has_no_door_of_its_own(administrator: User) -> None:
    assert Client().get("/admin/login/").url.startswith("/sign-in/")
    client = signed_in(administrator)
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/password_change/").url == reverse("account_change_password")
    assert client.post("/admin/logout/").url == "/sign-in/"
    assert newest_event("session.ended")["actor"]["id"] == f"person:{administrator.pk}"
    assert client.get("/admin/").status_code == 302


def test_an_older_hash_becomes_argon2_at_the_next_sign_in(operator: User, settings: Any) -> None:
    settings.PASSWORD_HASHERS = defaults.PASSWORD_HASHERS
    User.objects.update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    signed_in(operator)
    operator.refresh_from_db()
    assert operator.password.startswith("argon2$argon2id$")


@pytest.mark.parametrize(
    "password",
    [LONG, LONG[:130], "löwe über münchen schwimmt", "紫色的大象在屋顶上跳舞唱歌", " spaces at both ends stay "],
    ids=["1000", "130", "umlauts", "chinese", "spaces"],
)
def test_long_and_foreign_passwords_are_good(password: str) -> None:
    person = people.create_person("petra", password, roles=[Role.OPERATOR], by=COMMAND_LINE)
    assert enter(person, password)[1].status_code == 302


@pytest.mark.parametrize(
    "password",
    [
        *("password1234", "passwordpassword", "qwertyuiop12", "aaaaaaaaaaaaaaaa", "123456789012", "koodriveportal"),
        *("KooDrive2026", "petra.lustig1", "lustiglustig", LONG[:500] * 3, "elevenchars"),
    ],
)
def test_what_is_easy_to_guess_is_refused_with_a_sentence(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        people.create_person(
            "petra", password, roles=[Role.OPERATOR], email="petra.lustig@example.com", by=COMMAND_LINE
        )
    assert all(problem.detail.endswith(".") for problem in refused.value.problems)
