"""The second factor: who needs it, how it is set up and given, and that nothing is open without it."""

import json
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from jobs_app.actors import Role
from jobs_app.models import Event, RefusedAttempt, User
from tests.conftest import Api, give_role, make_person
from tests.doors import newest_event, without_the_trail
from tests.signing_in import code, enter, grows_older, second_step, set_up_app, signed_in, with_app

pytestmark = pytest.mark.usefixtures("database")
PROFILE = "/profile/"


@pytest.fixture
def required(settings: Any) -> None:
    settings.MFA_REQUIRED = True


# --- Who needs it ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", [Role.APPROVER, Role.ADMINISTRATOR])
@pytest.mark.usefixtures("required")
def test_they_can_do_nothing_before_they_have_one(role: Role) -> None:
    person = make_person("p", role)
    client = signed_in(person)
    for path in ("/", "/submissions/", "/admin/", "/tokens/", "/health/", "/nowhere/"):
        assert client.get(path).url == PROFILE
    assert client.post("/health/pause/", {"reason": "x"}).url == PROFILE
    assert "set one up here" in client.get(PROFILE).content.decode()
    answer = client.get("/api/v1/me/")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:koodrive-portal:problem:second_factor_needed")
    assert client.post("/sign-out/").url == "/sign-in/"


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
@pytest.mark.usefixtures("required")
def test_the_others_may_have_one(role: Role) -> None:
    client = signed_in(make_person("p", role))
    assert client.get("/submissions/").status_code == 200
    assert client.get("/api/v1/me/").status_code == 200


def test_where_none_is_required_everybody_works_without(administrator: User) -> None:
    assert signed_in(administrator).get("/tokens/").status_code == 200


@pytest.mark.usefixtures("required")
def test_whoever_becomes_an_approver_needs_it_at_once(operator: User) -> None:
    client = signed_in(operator)
    assert client.get("/submissions/").status_code == 200
    give_role(operator, Role.APPROVER)
    assert client.get("/submissions/").url == PROFILE


@pytest.mark.usefixtures("required")
def test_a_session_from_before_the_factor_is_not_enough(approver: User) -> None:
    before = signed_in(approver)
    with_app(approver)
    assert before.get("/submissions/").url == PROFILE
    assert reverse("mfa_reauthenticate") in before.get(PROFILE).content.decode()
    before.post("/sign-in/again/code/", {"code": code(approver, 1)})
    assert before.get("/submissions/").status_code == 200


# --- Setting it up ---------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("required")
def test_setting_up_an_app_opens_the_portal(approver: User) -> None:
    client = signed_in(approver)
    codes = set_up_app(client)
    assert len(set(codes)) == 10
    assert client.get("/submissions/").status_code == 200
    event = newest_event("second_factor.added")
    assert (event["actor"]["id"], event["factor"]) == (f"person:{approver.pk}", "authenticator app")
    assert client.get("/api/v1/me/").status_code == 200


def test_recovery_codes_are_shown_once(operator: User) -> None:
    client = signed_in(operator)
    codes = set_up_app(client)
    again = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    assert not [each for each in codes if each in again]


def test_secrets_are_encrypted_at_rest(operator: User) -> None:
    client = signed_in(operator)
    secret = re.findall(r'id="secret">([A-Z2-7]+)<', client.get(reverse("mfa_activate_totp")).content.decode())[0]
    codes = set_up_app(client)
    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept
    assert not [each for each in codes if each in kept]
    assert kept.count("gAAAA") == 2
    sessions = str([session.get_decoded() for session in Session.objects.all()])
    assert "mfa.totp.secret" not in sessions
    assert not Event.objects.filter(line__contains=secret).exists()


def test_a_wrong_code_sets_nothing_up(operator: User) -> None:
    client = signed_in(operator)
    client.get(reverse("mfa_activate_totp"))
    answer = client.post(reverse("mfa_activate_totp"), {"code": "000000"})
    assert b"fit" in answer.content
    assert not Authenticator.objects.exists()


def test_without_the_trail_nothing_is_set_up_or_removed(operator: User) -> None:
    client = signed_in(operator)
    client.get(reverse("mfa_activate_totp"))
    with without_the_trail(), pytest.raises(AssertionError):
        set_up_app(client)
    assert not Authenticator.objects.exists()
    set_up_app(client)
    with without_the_trail():
        assert client.post(reverse("mfa_deactivate_totp")).status_code == 503
    assert Authenticator.objects.count() == 2


@pytest.mark.parametrize(
    "name",
    ["mfa_activate_totp", "mfa_add_webauthn", "account_change_password"],
)
def test_changes_need_a_sign_in_of_the_last_minutes(operator: User, name: str) -> None:
    client = signed_in(operator)
    grows_older(client, 601)
    answer = client.get(reverse(name))
    assert answer.url.partition("?")[0] == "/sign-in/again/"
    assert client.get(answer.url).status_code == 200


def test_a_password_is_not_enough_for_whoever_has_a_second_factor(operator: User) -> None:
    client = with_app(operator)
    grows_older(client, 601)
    assert client.get(reverse("mfa_deactivate_totp")).url.startswith("/sign-in/again/code/")
    assert client.get("/sign-in/again/").url.startswith("/sign-in/again/code/")
    client.post("/sign-in/again/code/", {"code": code(operator, 1)})
    assert client.post(reverse("mfa_deactivate_totp")).url == PROFILE
    assert not Authenticator.objects.exists()
    assert newest_event("second_factor.removed")["factor"] == "authenticator app"
    assert newest_event("session.confirmed")["auth"] == "session+totp"


@pytest.mark.usefixtures("required")
def test_the_last_one_of_whoever_needs_it_stays(approver: User) -> None:
    client = with_app(approver)
    assert "Your role needs a second factor" in client.post(reverse("mfa_deactivate_totp")).content.decode()
    assert Authenticator.objects.filter(type="totp").exists()


def test_new_recovery_codes_replace_the_former_ones(operator: User) -> None:
    client = signed_in(operator)
    [first, *_] = set_up_app(client)
    assert client.post(reverse("mfa_generate_recovery_codes")).url == reverse("mfa_view_recovery_codes")
    assert newest_event("recovery_codes.made")["actor"]["id"] == f"person:{operator.pk}"
    other, _ = enter(operator)
    assert second_step(other, first).status_code == 200


# --- Signing in with it ----------------------------------------------------------------------------------------------
def test_nothing_is_open_between_the_two_steps(operator: User) -> None:
    with_app(operator)
    client, answer = enter(operator, next="/submissions/")
    assert answer.url == "/sign-in/second-step/"
    assert client.get("/submissions/").url.startswith("/sign-in/")
    assert client.get("/api/v1/me/").status_code == 401
    assert second_step(client, code(operator)).url == "/submissions/"
    assert client.get("/submissions/").status_code == 200
    assert newest_event("session.started")["auth"] == "session+totp"


def test_a_code_works_once(operator: User) -> None:
    with_app(operator)
    given = code(operator)
    for typed, status in ((given, 302), (given, 200), (f"{given[:3]} {given[3:]}", 200)):
        client, _ = enter(operator)
        assert second_step(client, typed).status_code == status


def test_a_wrong_code_is_told_apart_from_a_wrong_password(operator: User) -> None:
    with_app(operator)
    client, _ = enter(operator)
    assert second_step(client, "000000").status_code == 200
    [attempt] = RefusedAttempt.objects.all()
    assert (attempt.kind, attempt.person) == ("factor", operator)


def test_a_recovery_code_works_once_and_is_told(operator: User) -> None:
    client = signed_in(operator)
    [first, *_] = set_up_app(client)
    client, _ = enter(operator)
    assert second_step(client, first).url == "/"
    assert newest_event("session.started")["auth"] == "session+recovery"
    assert newest_event("recovery_code.used")["left"] == 9
    client, _ = enter(operator)
    assert second_step(client, first).status_code == 200


def test_one_can_begin_anew_as_somebody_else(operator: User, auditor: User) -> None:
    with_app(operator)
    client, _ = enter(operator)
    assert client.get("/sign-in/").url == "/sign-in/second-step/"
    assert client.post("/sign-in/second-step/", {"cancel": "yes"}).url == "/sign-in/"
    assert enter(auditor, client=client)[1].url == "/"


def test_the_second_step_alone_is_no_door(operator: User) -> None:
    with_app(operator)
    assert second_step(Client(), code(operator)).url == "/sign-in/"


@pytest.mark.usefixtures("required")
def test_how_somebody_signed_in_stands_in_what_they_do(approver: User, operator: User) -> None:
    client = with_app(approver)
    client.post("/health/pause/", {"reason": "to see"})
    assert newest_event("dispatch.paused")["auth"] == "session+totp"
    Api(person=operator).post("submissions/", {})
    assert signed_in(operator).get("/submissions/").status_code == 200
