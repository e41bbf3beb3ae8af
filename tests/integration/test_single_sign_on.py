"""Single sign-on against a real OpenID Connect provider: who comes in, with which roles, and what is refused."""

import hashlib
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client

from jobs_app import people, sign_in
from jobs_app.actors import COMMAND_LINE, Role
from jobs_app.errors import NotAllowed
from jobs_app.models import Event, RoleGrant, User
from jobs_app.single_sign_on import Claims
from tests.conftest import give_role, make_person
from tests.doors import newest_event, without_the_trail
from tests.identity_provider import Provider, running_provider
from tests.signing_in import enter, grows_older, signed_in

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: Provider, settings: Any) -> Provider:
    settings.PORTAL_BASE_URL = "http://testserver"
    settings.OIDC_ISSUER = running.issuer
    settings.OIDC_PROVIDER = f"oidc-{hashlib.sha256(running.issuer.encode()).hexdigest()[:16]}"
    settings.OIDC_ROLES = [("operator", "portal-operators"), ("auditor", "CN=auditors,OU=portal")]
    app = {
        "name": "Example",
        "provider_id": settings.OIDC_PROVIDER,
        "client_id": "portal",
        "secret": "the portal's secret",
        "settings": {"server_url": running.issuer, "scope": ["openid", "profile", "email"]},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    return running


def roles_of(person: User) -> set[str]:
    return set(RoleGrant.objects.filter(person=person).values_list("role", flat=True))


def said(client: Client, answer: Any) -> str:
    return client.get(answer.url).content.decode()


# --- Coming in -------------------------------------------------------------------------------------------------------
def test_somebody_new_with_a_group_comes_in(provider: Provider) -> None:
    provider.say("s-1", preferred_username="nora", email="nora@example.com", groups=["portal-operators", "others"])
    client, answer = provider.enter("s-1", next_="/submissions/?mine=yes")
    assert answer.url == "/submissions/?mine=yes"
    person = User.objects.get(username="nora")
    assert roles_of(person) == {"operator"}
    assert not person.has_usable_password()
    assert newest_event("session.started")["auth"] == "session+sso"
    given = newest_event("role.given")
    assert (given["actor"]["id"], given["roles"], given["source"]) == ("system:identity-provider", ["operator"], "sso")
    assert newest_event("sso.linked")["issuer"] == provider.issuer
    assert client.get("/submissions/new/").status_code == 200


def test_nothing_more_of_them_is_kept(provider: Provider) -> None:
    provider.say("s-1", preferred_username="nora", email="nora@example.com", groups=["portal-operators"])
    for _ in range(2):
        provider.enter("s-1")
    [account] = SocialAccount.objects.all()
    assert account.extra_data == {}
    assert not SocialToken.objects.exists()
    assert not Event.objects.filter(line__contains="nora@example.com").exists()


def test_roles_follow_the_groups_at_each_sign_in(provider: Provider) -> None:
    provider.say("s-1", preferred_username="nora", groups=["portal-operators"])
    provider.enter("s-1")
    person = User.objects.get(username="nora")
    give_role(person, Role.APPROVER)
    provider.say("s-1", preferred_username="another name", groups="CN=auditors,OU=portal")
    provider.enter("s-1")
    assert roles_of(person) == {"approver", "auditor"}
    assert newest_event("role.taken")["roles"] == ["operator"]
    provider.say("s-1", groups=[])
    provider.enter("s-1")
    assert roles_of(person) == {"approver"}


def test_without_a_group_nobody_new_comes_in(provider: Provider) -> None:
    provider.say("s-2", preferred_username="nemo", groups=["others"])
    client, answer = provider.enter("s-2")
    assert answer.url == "/sign-in/"
    assert "None of your groups has a role here" in said(client, answer)
    assert not User.objects.exists()


def test_a_name_or_an_address_alone_links_nobody(provider: Provider, operator: User) -> None:
    User.objects.update(email="olga@example.com")
    provider.say("s-3", preferred_username="OLGA", email="olga@example.com", email_verified=True)
    provider.say("s-3", preferred_username="OLGA", email="olga@example.com", groups=["portal-operators"])
    client, answer = provider.enter("s-3")
    assert "Somebody here has this name" in said(client, answer)
    provider.say("s-4", preferred_username="olga2", email="olga@example.com", groups=["portal-operators"])
    provider.enter("s-4")
    assert SocialAccount.objects.get().user.username == "olga2"


def test_without_the_trail_nobody_comes_in(provider: Provider) -> None:
    provider.say("s-1", preferred_username="nora", groups=["portal-operators"])
    with without_the_trail():
        client, answer = provider.enter("s-1")
    assert client.get("/submissions/").status_code == 302
    assert not User.objects.exists()
    assert not SocialAccount.objects.exists()


def test_somebody_who_left_does_not_come_in(provider: Provider) -> None:
    provider.say("s-1", preferred_username="nora", groups=["portal-operators"])
    provider.enter("s-1")
    User.objects.update(is_active=False)
    client, answer = provider.enter("s-1")
    assert "account is closed" in said(client, answer)


# --- Linking ---------------------------------------------------------------------------------------------------------
def link(provider: Provider, client: Client, subject: str) -> Any:
    page = client.post("/profile/sso/link/")
    [away] = re.findall(r'href="(http://localhost[^"]+)"', page.content.decode())
    return client.get(provider.go(away.replace("&amp;", "&"), subject))


def test_somebody_links_their_account_themselves(provider: Provider, operator: User) -> None:
    provider.say("s-5", preferred_username="whatever")
    client = signed_in(operator)
    assert link(provider, client, "s-5").url == "/profile/"
    assert newest_event("sso.linked")["actor"]["id"] == f"person:{operator.pk}"
    _, answer = provider.enter("s-5")
    assert answer.url == "/"
    assert newest_event("session.started")["actor"]["id"] == f"person:{operator.pk}"
    assert roles_of(operator) == {"operator"}
    client.post("/profile/sso/unlink/")
    assert not SocialAccount.objects.exists()
    assert newest_event("sso.unlinked")["person"] == f"person:{operator.pk}"


def test_what_is_linked_to_somebody_is_not_linked_to_another(provider: Provider, operator: User, auditor: User) -> None:
    provider.say("s-5", preferred_username="whatever")
    link(provider, signed_in(operator), "s-5")
    client = signed_in(auditor)
    assert "belongs to somebody else" in said(client, link(provider, client, "s-5"))
    assert SocialAccount.objects.get().user == operator


def test_linking_takes_a_sign_in_of_the_last_minutes(provider: Provider, operator: User) -> None:
    client = signed_in(operator)
    grows_older(client, 601)
    assert client.post("/profile/sso/link/").url.startswith("/sign-in/again/")


def test_whoever_has_no_password_keeps_the_link(provider: Provider) -> None:
    provider.say("s-1", preferred_username="nora", groups=["portal-operators"])
    client, _ = provider.enter("s-1")
    assert client.post("/profile/sso/unlink/").status_code == 403
    assert SocialAccount.objects.exists()


# --- A second factor -------------------------------------------------------------------------------------------------
@pytest.fixture
def linked(provider: Provider, approver: User, settings: Any) -> User:
    """An approver who comes in through the provider, where a second factor is required."""
    provider.say("s-1", preferred_username="whatever")
    link(provider, signed_in(approver), "s-1")
    settings.MFA_REQUIRED = True
    return approver


def test_the_provider_may_ask_for_the_second_factor(provider: Provider, linked: User) -> None:
    provider.say("s-1", amr=["pwd", "mfa"])
    client, _ = provider.enter("s-1")
    assert client.get("/submissions/").status_code == 200
    assert newest_event("session.started")["auth"] == "session+sso+mfa"


@pytest.mark.parametrize("amr", [["pwd"], [], "pwd mfa", [["mfa"]], None], ids=str)
def test_if_it_does_not_the_portal_asks_for_one(provider: Provider, linked: User, amr: Any) -> None:
    provider.say("s-1", amr=amr)
    client, _ = provider.enter("s-1")
    assert client.get("/submissions/").url == "/profile/"


def test_the_factor_of_a_session_is_its_owners_alone(provider: Provider, linked: User, administrator: User) -> None:
    provider.say("s-1", amr=["mfa"])
    client, _ = provider.enter("s-1")
    factor = client.session["sso_factor"]
    client.post("/sign-out/")
    enter(administrator, client=client)
    session = client.session
    session["sso_factor"] = factor
    session.save()
    assert client.get("/submissions/").url == "/profile/"


def confirm(provider: Provider, client: Client, subject: str) -> Any:
    page = client.get("/sign-in/again/sso/?next=/approvals/")
    [away] = re.findall(r'href="(http://localhost[^"]+)"', page.content.decode())
    away = away.replace("&amp;", "&")
    asked = parse_qs(urlsplit(away).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    return client.get(provider.go(away, subject))


def weighs(client: Client) -> Any:
    return client.post("/tokens/services/new/", {"name": "new", "reason": "x"})


def test_confirming_leads_through_the_provider_again(provider: Provider, linked: User) -> None:
    give_role(linked, Role.ADMINISTRATOR)
    provider.say("s-1", amr=["mfa"], auth_time=int(time.time()) - 1000)
    client, _ = provider.enter("s-1")
    asked = weighs(client)
    assert asked.url == "/sign-in/again/sso/?next=%2Ftokens%2Fservices%2Fnew%2F"
    provider.say("s-1", amr=["mfa"], auth_time=int(time.time()))
    assert confirm(provider, client, "s-1").url == "/approvals/"
    assert newest_event("session.confirmed")["auth"] == "session+sso+mfa"
    assert weighs(client).status_code == 400  # the form has mistakes, and nobody asks for a proof


@pytest.mark.parametrize(
    ("subject", "claims"),
    [
        ("s-9", {"amr": ["mfa"], "auth_time": 0}),
        ("s-1", {"amr": ["mfa"], "auth_time": -1000}),
        ("s-1", {"amr": ["mfa"], "auth_time": None}),
        ("s-1", {"amr": ["pwd"], "auth_time": 0}),
    ],
    ids=["somebody else", "an old proof", "no time", "no second factor"],
)
def test_what_confirms_nothing(provider: Provider, linked: User, subject: str, claims: dict[str, Any]) -> None:
    provider.say("s-1", amr=["mfa"])
    client, _ = provider.enter("s-1")
    at = claims["auth_time"]
    provider.say(subject, **claims | {"auth_time": at if at is None else int(time.time()) + at})
    assert "say that it was you, just now" in said(client, confirm(provider, client, subject))


# --- What doesn't fit ------------------------------------------------------------------------------------------------
def test_an_answer_that_nobody_asked_for_is_refused(provider: Provider) -> None:
    provider.say("s-1", preferred_username="nora", groups=["portal-operators"])
    away = Client().get("/sign-in/sso/").url
    back = provider.go(away, "s-1")
    for query in (back, "/sign-in/sso/callback/", "/sign-in/sso/callback/?code=x&state=y", "?".join([back, "x"])):
        client = Client()
        answer = client.get(query)
        assert answer.status_code == 302
        assert client.get("/submissions/").status_code == 302
    assert not User.objects.exists()


def test_it_leads_nowhere_else(provider: Provider) -> None:
    provider.say("s-1", preferred_username="nora", groups=["portal-operators"])
    for elsewhere in ("https://evil.example/", "//evil.example"):
        client, answer = provider.enter("s-1", next_=elsewhere)
        assert answer.url == "/"
        page = client.get("/sign-in/again/sso/", {"next": elsewhere}).content.decode()
        [away] = re.findall(r'href="(http://localhost[^"]+)"', page)
        provider.say("s-1", groups=["portal-operators"], amr=["mfa"])
        assert client.get(provider.go(away.replace("&amp;", "&"), "s-1")).url == "/"


def test_the_way_there_is_protected(provider: Provider) -> None:
    asked = parse_qs(urlsplit(Client().get("/sign-in/sso/").url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == ["http://testserver/sign-in/sso/callback/"]
    assert len(asked["state"][0]) >= 16


@pytest.mark.parametrize(
    "given",
    [
        {"id_token": {"iss": "https://evil.example", "sub": "1"}},
        {"id_token": {"iss": "ISSUER", "sub": "1"}, "userinfo": {"sub": "2"}},
        {"userinfo": {"sub": "2"}},
    ],
    ids=["another issuer", "another subject", "no signed word"],
)
def test_a_word_of_somebody_else_is_refused(provider: Provider, given: dict[str, Any]) -> None:
    if given.get("id_token", {}).get("iss") == "ISSUER":
        given["id_token"]["iss"] = provider.issuer
    with pytest.raises(NotAllowed):
        Claims.of(given)


def test_a_provider_that_is_away_is_told(provider: Provider, settings: Any) -> None:
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"APPS": [app | {"settings": {"server_url": "http://127.0.0.1:1"}}]}
    }
    client = Client()
    answer = client.get("/sign-in/sso/")
    assert "be reached just now" in said(client, answer)


def test_without_an_issuer_there_is_no_door(database: None) -> None:
    assert Client().get("/sign-in/sso/").url == "/sign-in/"
    assert Client().get("/sign-in/sso/callback/?code=x&state=y").url == "/sign-in/"
    assert "/sign-in/sso/" not in Client().get("/sign-in/").content.decode()


def test_an_erased_person_is_not_known_any_more(provider: Provider) -> None:
    provider.say("s-1", preferred_username="nora", groups=["portal-operators"])
    provider.enter("s-1")
    make_person("adele", Role.ADMINISTRATOR)
    people.erase_name(User.objects.get(username="nora"), reason="asked", by=COMMAND_LINE)
    assert not SocialAccount.objects.exists()


def test_a_reset_takes_the_link_away_too(provider: Provider, operator: User) -> None:
    provider.say("s-5", preferred_username="whatever")
    link(provider, signed_in(operator), "s-5")
    sign_in.reset(operator, by=COMMAND_LINE)
    assert not SocialAccount.objects.exists()
