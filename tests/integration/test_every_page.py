"""Every address as an attacker looks at it: headers, methods, forms without a token, others' things, redirects."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from jobs_app.actors import SUBMISSION_SCOPES
from jobs_app.models import Submission, User
from tests.conftest import PASSWORD, Api, token_of
from tests.following import browser_of
from tests.walking import ALL, CALLS, CANARY, PAGES, Page, World, world

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = {"default-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"}
WHO = ["nobody", "stranger", "operator", "approver", "auditor", "administrator"]
# Load balancers and containers ask these by whatever method they have.
PLAIN = {"/healthz", "/readyz"}
ELSEWHERE = ["//evil.example", "https://evil.example/", "/\\evil.example", "https:evil.example", "javascript:alert(1)"]


@pytest.fixture
def there(database: None, loopback_allowed: None) -> World:
    return world()


def visitor(there: World, who: str, *, csrf: bool = False) -> Client:
    client = Client(raise_request_exception=False, enforce_csrf_checks=csrf)
    if who != "nobody":
        client.force_login(there.people[who])
    return client


# --- What stands in every answer -------------------------------------------------------------------------------------
def headers_missing(answer: Any) -> list[str]:
    found = [name for name, value in HEADERS.items() if answer.headers.get(name) != value]
    policy = set(answer.headers.get("Content-Security-Policy", "").split("; "))
    if not policy >= POLICY or "unsafe" in str(policy):
        found.append("Content-Security-Policy")
    if "camera=()" not in answer.headers.get("Permissions-Policy", ""):
        found.append("Permissions-Policy")
    if "no-store" not in answer.headers.get("Cache-Control", ""):
        found.append("Cache-Control")
    return found


def is_elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc or parts.scheme not in ("", "data"))


def in_the_page(answer: Any) -> list[str]:
    if "text/html" not in answer.headers.get("Content-Type", ""):
        return []
    page = Page(answer)
    outside = [address for address in page.loads + [form.action for form in page.forms] if is_elsewhere(address)]
    return page.inline + outside + (["Traceback"] if b"Traceback" in answer.content else [])


@pytest.mark.parametrize("who", WHO)
def test_every_answer_is_closed_and_kept_by_nobody(there: World, who: str) -> None:
    client, wrong = visitor(there, who), []
    for path in ALL:
        answer = client.get(there.at(path))
        found = headers_missing(answer) + in_the_page(answer)
        is_own = answer.status_code < 500 or path in PLAIN
        wrong += [(path, answer.status_code, each) for each in (found if is_own else ["fails"])]
    assert wrong == []


def test_an_address_that_is_none_is_as_closed(there: World) -> None:
    for who in ("nobody", "operator"):
        for path in ("/nothing-here", "/api/v1/nothing-here", "/admin/nothing-here"):
            answer = visitor(there, who).get(path)
            assert (headers_missing(answer), answer.status_code < 500) == ([], True), (who, path)


# --- Methods and forms -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_no_page_takes_another_method(there: World, method: str) -> None:
    client = visitor(there, "administrator")
    taken = {path: getattr(client, method)(there.at(path)).status_code for path in PAGES}
    assert {path: status for path, status in taken.items() if status != 405} == {}


def test_nothing_that_changes_is_done_by_looking(there: World) -> None:
    """A GET of a page is a read, or refused: 405 where only a form leads."""
    before = list(Submission.objects.order_by("pk").values_list("pk", "status"))
    for who in WHO[1:]:
        client = visitor(there, who)
        for path in PAGES:
            client.get(there.at(path))
    assert list(Submission.objects.order_by("pk").values_list("pk", "status")) == before


@pytest.mark.parametrize("who", WHO)
def test_no_form_is_taken_without_its_token(there: World, who: str) -> None:
    client = visitor(there, who, csrf=True)
    answers = {path: client.post(there.at(path)) for path in PAGES}
    wanted = {403} if who != "nobody" else {302, 403}
    taken = {path: answer.status_code for path, answer in answers.items() if path not in PLAIN}
    assert {path: status for path, status in taken.items() if status not in wanted} == {}


def test_the_api_takes_no_session_without_the_token_of_its_forms(there: World) -> None:
    client = visitor(there, "operator", csrf=True)
    answers = {path: client.post(there.at(path), "{}", content_type="application/json") for path in CALLS}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code != 403} == {}


# --- What is others' -------------------------------------------------------------------------------------------------
def test_somebody_without_a_role_reads_nothing(there: World) -> None:
    client = visitor(there, "stranger")
    assert [path for path in ALL if CANARY.encode() in client.get(there.at(path)).content] == []


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_another_service_finds_nothing_of_others(there: World, method: str) -> None:
    headers = {"Authorization": f"Bearer {token_of('another', *(set(SUBMISSION_SCOPES) - {'submissions:read_all'}))}"}
    client, found = Client(raise_request_exception=False), []
    for path in CALLS:
        options = {} if method == "get" else {"data": "{}", "content_type": "application/json"}
        answer = getattr(client, method)(there.at(path), headers=headers, **options)
        if CANARY.encode() in answer.content or ("<" in path and answer.status_code not in (403, 404, 405)):
            found.append((path, answer.status_code))
    assert found == []


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("who", WHO[1:])
def test_ids_of_what_is_not_there_are_answered_in_words(there: World, who: str, method: str) -> None:
    nothing = World(there.people, {"/callbacks/<int:pk>/": "pause"})
    client = visitor(there, who)
    paths = [path for path in ALL if "<uuid" in path]
    answers = {path: getattr(client, method)(nothing.at(path)).status_code for path in paths}
    assert {path: status for path, status in answers.items() if status not in (403, 404, 405)} == {}


# --- Redirects and cookies -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_no_redirect_leads_out_of_the_portal(there: World, elsewhere: str) -> None:
    named = dict.fromkeys(("next", "from", "url", "return", "to", "back", "q"), elsewhere)
    out = []
    for who in ("nobody", "operator", "administrator"):
        client = visitor(there, who)
        for path in PAGES:
            for answer in (client.get(there.at(path), named), client.post(there.at(path), named)):
                where = urlsplit(answer.headers.get("Location", ""))
                if where.netloc or where.scheme or where.path.startswith(("//", "/\\")):
                    out.append((who, path, answer.headers["Location"]))
            if who != "nobody":
                client.force_login(there.people[who])
    assert out == []


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_signing_in_leads_to_the_portal_alone(operator: User, elsewhere: str) -> None:
    given = {"username": operator.get_username(), "password": PASSWORD, "next": elsewhere}
    assert Client().post(f"/sign-in/?next={elsewhere}", given).headers["Location"] == "/"


def _cookies(**options: Any) -> dict[str, Any]:
    """The cookies of signing in, and of a page that says something afterwards."""
    client = Client()
    client.get("/sign-in/", **options)
    client.post("/sign-in/", {"username": "olga", "password": PASSWORD}, **options)
    client.post("/health/pause/", {"reason": ""}, **options)
    return dict(client.cookies)


def test_cookies_stay_with_the_portal(operator: User) -> None:
    cookies = _cookies()
    assert set(cookies) == {"session", "csrf", "device"}
    assert cookies["session"]["httponly"]
    assert cookies["device"]["httponly"]
    for cookie in cookies.values():
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")


def test_over_https_they_are_sent_in_no_other_way(operator: User, settings: Any) -> None:
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    settings.DEVICE_COOKIE_NAME = "__Host-device"
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    cookies = _cookies(secure=True)
    assert set(cookies) == {"__Host-session", "__Host-csrf", "__Host-device"}
    assert all(cookie["secure"] for cookie in cookies.values())


def test_a_session_id_is_new_after_signing_in(operator: User) -> None:
    client = Client()
    client.get("/sign-in/")
    client.cookies["session"] = "chosen-by-somebody-else"
    client.post("/sign-in/", {"username": "olga", "password": PASSWORD})
    assert client.cookies["session"].value != "chosen-by-somebody-else"


def test_after_signing_out_the_old_session_opens_nothing(operator: User) -> None:
    client = browser_of(operator)
    old = client.cookies["session"].value
    client.post("/sign-out/")
    client.cookies["session"] = old
    assert client.get("/").status_code == 302


def test_a_token_of_the_api_opens_no_page_by_any_method(there: World) -> None:
    headers = {"Authorization": f"Bearer {token_of('another', *SUBMISSION_SCOPES)}"}
    for path in PAGES:
        answer = Client().post(there.at(path), headers=headers)
        assert path in PLAIN or answer.status_code in (302, 200, 403, 405), path
        assert CANARY.encode() not in answer.content
    assert Api(token=token_of("more", *SUBMISSION_SCOPES)).get("me/").status_code == 200
