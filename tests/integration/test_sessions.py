"""Sessions end: by time, by their owner, by another password, by a reset; and a reset's link works once."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs_app import people, sessions, sign_in
from jobs_app.actors import COMMAND_LINE, Channel
from jobs_app.errors import Gone
from jobs_app.models import User
from tests.conftest import PASSWORD
from tests.doors import newest_event, operator_actor, without_the_trail
from tests.signing_in import enter, grows_older, signed_in, with_app

pytestmark = pytest.mark.usefixtures("database")

NEW = "another long enough phrase"
HOUR = 3600


def may_look(client: Client) -> bool:
    return bool(client.get("/submissions/").status_code == 200)


# --- By time ---------------------------------------------------------------------------------------------------------
def test_an_hour_without_doing_anything_ends_it(operator: User) -> None:
    client = signed_in(operator)
    assert may_look(client)
    grows_older(client, HOUR - 60)
    assert may_look(client)
    grows_older(client, HOUR + 1)
    assert not may_look(client)
    event = newest_event("session.ended")
    assert (event["actor"]["id"], event["why"]) == (f"person:{operator.pk}", "idle")


def test_a_page_that_asks_for_news_by_itself_keeps_no_session_alive(operator: User) -> None:
    client = signed_in(operator)
    assert may_look(client)
    for _ in range(2):
        grows_older(client, HOUR / 2 + 30)
        client.get("/submissions/", headers={"HX-Request": "true"})
    assert not may_look(client)


def test_twelve_hours_end_it_whatever_is_done(operator: User) -> None:
    client = signed_in(operator)
    assert may_look(client)
    for _ in range(13):
        assert may_look(client)
        grows_older(client, HOUR - 60)
    assert not may_look(client)
    assert newest_event("session.ended")["why"] == "age"


def test_the_same_holds_for_the_rest_api(operator: User) -> None:
    client = signed_in(operator)
    assert client.get("/api/v1/me/").status_code == 200
    grows_older(client, HOUR + 1)
    assert client.get("/api/v1/me/").status_code == 401


# --- By their owner --------------------------------------------------------------------------------------------------
def test_the_owner_sees_and_ends_the_others(operator: User, auditor: User) -> None:
    here, there, elses = signed_in(operator), signed_in(operator), signed_in(auditor)
    page = here.get("/profile/").content.decode()
    [number] = re.findall(r'name="session" value="(\d+)"', page)
    assert here.post("/profile/sessions/end/", {"session": number}).url == "/profile/"
    assert may_look(here)
    assert not may_look(there)
    assert may_look(elses)
    event = newest_event("session.ended")
    assert (event["person"], event["count"], event["why"]) == (f"person:{operator.pk}", 1, "ended")


def test_nobody_ends_those_of_others(operator: User, auditor: User) -> None:
    theirs, mine = signed_in(operator), signed_in(auditor)
    number = UserSession.objects.get(user=operator).pk
    for given in (str(number), "x", "9" * 30):
        mine.post("/profile/sessions/end/", {"session": given})
    mine.post("/profile/sessions/end/")
    assert may_look(theirs)
    assert may_look(mine)


def test_all_others_end_together_or_without_the_trail_none(operator: User) -> None:
    here, *others = (signed_in(operator) for _ in range(3))
    with without_the_trail():
        assert here.post("/profile/sessions/end/").status_code == 503
    assert all(may_look(each) for each in others)
    here.post("/profile/sessions/end/")
    assert may_look(here)
    assert not any(may_look(each) for each in others)


# --- By another password ---------------------------------------------------------------------------------------------
def test_the_owner_changes_the_password_and_stays(operator: User) -> None:
    here, there = signed_in(operator), signed_in(operator)
    answer = here.post(reverse("account_change_password"), {"new_password1": NEW, "new_password2": NEW})
    assert answer.url == "/profile/"
    assert may_look(here)
    assert not may_look(there)
    assert b"this one" in here.get("/profile/").content
    assert enter(operator, NEW)[1].status_code == 302
    event = newest_event("password.changed")
    assert (event["actor"]["id"], event["channel"]) == (f"person:{operator.pk}", "web")


@pytest.mark.parametrize(("first", "second"), [(NEW, "another one"), ("short", "short"), ("olga" * 4, "olga" * 4)])
def test_a_bad_new_password_changes_nothing(operator: User, first: str, second: str) -> None:
    client = signed_in(operator)
    answer = client.post(reverse("account_change_password"), {"new_password1": first, "new_password2": second})
    assert (answer.status_code, b"alert-danger" in answer.content) == (200, True)
    assert enter(operator, PASSWORD)[1].status_code == 302


# --- By a reset ------------------------------------------------------------------------------------------------------
def path_of(link: str) -> str:
    return "/" + link.split("/", 3)[3]


def set_by(link: str, password: str = NEW) -> Any:
    client = Client()
    form = client.get(path_of(link))
    if form.status_code != 302:
        return form
    assert link.rsplit("/", 2)[1] not in form.url
    return client.post(form.url, {"new_password1": password, "new_password2": password})


def test_after_a_reset_nothing_works_but_the_link_once(operator: User, administrator: User) -> None:
    client = with_app(operator)
    link = sign_in.reset(operator, by=operator_actor(administrator))
    assert not may_look(client)
    assert not Authenticator.objects.exists()
    assert enter(operator)[1].status_code == 200
    assert set_by(link).url == "/sign-in/"
    assert enter(operator, NEW)[1].url == "/"
    event = newest_event("sign_in.reset")
    assert (event["actor"]["id"], event["person"]) == (f"person:{administrator.pk}", f"person:{operator.pk}")
    changed = newest_event("password.changed")
    assert (changed["actor"]["id"], changed["auth"]) == (f"person:{operator.pk}", "link")
    assert b"This link was used" in set_by(link).content


def test_another_reset_ends_the_first_link(operator: User) -> None:
    first, second = (sign_in.reset(operator, by=COMMAND_LINE) for _ in range(2))
    assert set_by(first).status_code == 200
    assert set_by(second).status_code == 302


def test_a_link_is_over_after_a_day(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    link = sign_in.reset(operator, by=COMMAND_LINE)
    token = link.rsplit("/", 2)[1]
    for hours, valid in ((23, True), (25, False)):
        then = datetime.now() + timedelta(hours=hours)
        monkeypatch.setattr("django.contrib.auth.tokens.PasswordResetTokenGenerator._now", lambda self, at=then: at)
        assert sign_in.is_valid(operator, token) is valid


def test_of_two_at_once_one_sets_the_password(operator: User) -> None:
    token = sign_in.reset(operator, by=COMMAND_LINE).rsplit("/", 2)[1]
    looked_at_before = User.objects.get(pk=operator.pk)
    sign_in.set_password(operator, token, NEW, by=operator_actor(operator, Channel.WEB))
    with pytest.raises(Gone):
        sign_in.set_password(looked_at_before, token, "a third long phrase", by=operator_actor(operator))
    assert enter(operator, NEW)[1].url == "/"


@pytest.mark.parametrize("uid", ["MQ", "x", "OTk5OTk5", "w6Q"])
def test_a_link_that_never_was_is_refused_in_words(uid: str) -> None:
    assert b"ask an administrator" in Client().get(f"/sign-in/set/{uid}/abc-def/").content


def test_the_link_opens_nothing_for_somebody_who_left(operator: User) -> None:
    link = sign_in.reset(operator, by=COMMAND_LINE)
    User.objects.update(is_active=False)
    assert b"ask an administrator" in set_by(link).content


def test_without_the_trail_nothing_is_reset(operator: User) -> None:
    client = signed_in(operator)
    with without_the_trail(), pytest.raises(Exception, match="trail"):
        sign_in.reset(operator, by=COMMAND_LINE)
    assert may_look(client)
    assert enter(operator)[1].url == "/"


def test_a_weak_password_leaves_the_link_as_it_is(operator: User) -> None:
    link = sign_in.reset(operator, by=COMMAND_LINE)
    assert b"alert-danger" in set_by(link, "password1234").content
    assert set_by(link).status_code == 302


def test_the_command_ends_sessions_too(operator: User) -> None:
    client = signed_in(operator)
    people.change_password(operator, NEW, by=COMMAND_LINE)
    assert not may_look(client)
    assert b"this one" in signed_in_with(operator, NEW).get("/profile/").content
    assert UserSession.objects.count() == 1


def signed_in_with(person: User, password: str) -> Client:
    return enter(person, password)[0]


# --- What is over, and what cannot be told ---------------------------------------------------------------------------
def test_a_session_that_ends_while_the_trail_is_away_is_asked_to_come_back_later(operator: User) -> None:
    client = signed_in(operator)
    assert may_look(client)
    client.raise_request_exception = False
    grows_older(client, HOUR + 1)
    with without_the_trail():
        answer = client.get("/submissions/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "audit trail" in answer.content.decode()
    assert not may_look(client)
    assert newest_event("session.ended")["why"] == "idle"


def test_the_sweep_deletes_the_rows_of_sessions_that_are_over(operator: User, auditor: User) -> None:
    over, open_one = signed_in(operator), signed_in(auditor)
    Session.objects.filter(pk=over.session.session_key).update(expire_date=timezone.now() - timedelta(seconds=1))
    UserSession.objects.filter(user=operator).update(created_at=timezone.now() - timedelta(hours=13))
    sessions.forget_old()
    assert list(Session.objects.values_list("pk", flat=True)) == [open_one.session.session_key]
    assert list(UserSession.objects.values_list("user", flat=True)) == [auditor.pk]
    assert may_look(open_one)
