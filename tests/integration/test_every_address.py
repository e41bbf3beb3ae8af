"""Closed unless opened: every address, as nobody, as each role, and as a token of each scope."""

import pytest
from django.test import Client

from jobs_app import submissions
from jobs_app.actors import Role, Scope
from jobs_app.models import User
from tests.conftest import Api, make_person, token_of
from tests.doors import operator_actor
from tests.examples import body
from tests.walking import CALLS, PAGES

OPEN = {"/sign-in/", "/sign-in/set/<uidb64>/<token>/", "/healthz", "/readyz", "/metrics"}
ASKED_FOR = {"/sign-in/sso/", "/sign-in/sso/callback/"}  # by links and by the identity provider, not by forms
LANGUAGE = "/sign-in/language/"  # leads back to where it was chosen
SUBMITS, DECIDES = {Role.OPERATOR}, {Role.APPROVER}


def concrete(path: str, id_: object) -> str:
    return path.replace("<uuid:pk>", str(id_)).replace("<int:seq>", "1").replace("<int:pk>", "1")


ALL = PAGES + CALLS


@pytest.fixture
def id_(database: None) -> object:
    owner = make_person("somebody", Role.OPERATOR)
    return submissions.submit(body("delete"), by=operator_actor(owner)).pk


def test_the_walk_finds_pages_and_calls() -> None:
    assert {"/", "/sign-in/", "/submissions/", "/submissions/new/", "/approvals/", "/api/v1/submissions/"} <= set(ALL)


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_gets_in(id_: object, path: str, method: str) -> None:
    answer = getattr(Client(), method)(concrete(path, id_))
    if path.startswith("/api/"):
        assert answer.status_code == 401
    elif path in OPEN:
        # Readiness answers anybody, and here it has neither broker nor worker.
        assert answer.status_code in (200, 405) or (path, answer.status_code) == ("/readyz", 503)
    elif path == LANGUAGE and method == "post":
        assert (answer.status_code, answer.url) == (302, "/")
    elif path == LANGUAGE or (path in ASKED_FOR and method == "post"):
        assert answer.status_code == 405
    else:
        assert (answer.status_code, answer.url.partition("?")[0]) == (302, "/sign-in/")


@pytest.mark.parametrize("path", ALL)
def test_somebody_without_a_role_sees_no_submission(id_: object, path: str, stranger: User) -> None:
    client = Client()
    client.force_login(stranger)
    answer = client.get(concrete(path, id_))
    assert answer.status_code != 500
    assert str(id_).encode() not in answer.content.replace(f"/{id_}/".encode(), b"")
    if "<uuid:pk>" in path:
        assert answer.status_code in (403, 404, 405)


@pytest.mark.parametrize("role", Role)
def test_what_each_role_may_do_through_the_api(id_: object, role: Role) -> None:
    api = Api(person=make_person("p", role))
    assert api.get("operations/").status_code == 200
    assert api.get(f"submissions/{id_}/").status_code == 200
    assert (api.post("submissions/", body("copy")).status_code == 201) == (role in SUBMITS)
    sha256 = api.get(f"submissions/{id_}/").json()["requestSha256"]
    decided = api.post(f"submissions/{id_}/approve/", {"requestSha256": sha256})
    assert decided.status_code == (200 if role in DECIDES else 403)


@pytest.mark.parametrize("scope", Scope)
def test_what_each_scope_may_do(id_: object, scope: Scope) -> None:
    api = Api(token=token_of("some", scope))
    reads = {Scope.READ, Scope.READ_ALL}
    assert api.get("me/").status_code == 200
    assert (api.get("operations/").status_code == 200) == (scope in {*reads, Scope.WRITE})
    assert (api.get("submissions/").status_code == 200) == (scope in reads)
    assert (api.get(f"submissions/{id_}/").status_code == 200) == (scope is Scope.READ_ALL)
    assert (api.get(f"submissions/{id_}/events/").status_code == 200) == (scope in {Scope.READ_ALL, Scope.AUDIT})
    assert (api.post("submissions/", body("copy")).status_code == 201) == (scope is Scope.WRITE)
    assert api.post(f"submissions/{id_}/approve/", {"requestSha256": "0" * 64}).status_code in (403, 404)


@pytest.mark.parametrize("scope", Scope)
def test_a_token_opens_no_page(id_: object, scope: Scope) -> None:
    answer = Client().get("/submissions/", headers={"Authorization": f"Bearer {token_of('some', scope)}"})
    assert answer.status_code == 302
