"""The API's description: it is the code's, whole, its examples are good ones, and every error stands in it.

After a change of the API this writes it anew: ``.venv/bin/python manage.py spectacular --format openapi-json --file
docs/openapi.json``.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator, FormatChecker

from jobs_app import errors
from jobs_app.api import deprecations
from jobs_app.api.deprecations import Deprecation
from jobs_app.models import User
from tests.conftest import Api
from tests.integration.test_every_address import ALL

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"
UNDESCRIBED = {"/api/", "/api/v1/", "/api/v1/schema/", "/api/v1/docs/"}
DESCRIBED: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)


def test_the_file_in_the_repository_is_the_codes() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == json.loads(json.dumps(DESCRIBED)), "write it anew, see above"


def test_it_is_openapi_3_1() -> None:
    validate_schema(DESCRIBED)
    assert DESCRIBED["openapi"] == "3.1.1"


def test_every_call_is_described() -> None:
    calls = {path.replace("<uuid:pk>", "{id}") for path in ALL if path.startswith("/api/")} - UNDESCRIBED
    assert set(DESCRIBED["paths"]) == calls


def test_whoever_is_signed_in_gets_it_and_a_page_to_try_it(service: Api, stranger: User) -> None:
    assert service.get("schema/").status_code == 200
    assert service.get("docs/").status_code == 200
    page = Client()
    page.force_login(stranger)
    shown = page.get("/api/v1/docs/").content.decode()
    assert "swagger-ui" in shown
    assert "http://" not in shown.replace("http://testserver", "")
    assert "https://" not in shown
    assert Client().get("/api/v1/schema/").status_code == 401


# --- Examples --------------------------------------------------------------------------------------------------------
def calls() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DESCRIBED["paths"].items():
        for method, call in methods.items():
            yield f"{method.upper()} {path}", call


CALLS = dict(calls())


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """The component that is referred to, or what stands there itself."""
    if "$ref" not in node:
        return node
    kind, name = node["$ref"].split("/")[-2:]
    found: dict[str, Any] = DESCRIBED["components"][kind][name]
    return found


def contents(call: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the call takes and gives, by status, with its media type's schema and examples."""
    yield from (("request", content) for content in call.get("requestBody", {}).get("content", {}).values())
    for status, answer in call["responses"].items():
        yield from ((status, content) for content in resolved(answer).get("content", {}).values())


@pytest.mark.parametrize("name", CALLS)
def test_every_request_and_every_answer_has_an_example_that_fits(name: str) -> None:
    found = list(contents(CALLS[name]))
    assert any(status.startswith("2") for status, _ in found) or "204" in CALLS[name]["responses"]
    for status, content in found:
        schema = content["schema"] | {"components": DESCRIBED["components"]}
        assert content["examples"], status
        for example in content["examples"].values():
            value = resolved(example)["value"]
            Draft202012Validator(schema, format_checker=FormatChecker()).validate(value)
            assert status[0] not in "45" or str(value["status"]) == status


def test_examples_name_no_two_things_alike() -> None:
    """A request and an answer of one name would have one example."""
    used: dict[str, set[str]] = {}
    for call in CALLS.values():
        for status, content in contents(call):
            for name in content["examples"]:
                used.setdefault(name, set()).add("request" if status == "request" else "answer")
    assert [name for name, kinds in used.items() if len(kinds) > 1] == []


# --- Errors ----------------------------------------------------------------------------------------------------------
# What no call of the API can come to: acts of pages and commands only, and names for what several have in common.
NEVER = {
    errors.PortalError,
    errors.TokenRefused,
    errors.AlreadySubmitted,
    errors.TooManyOpen,
    errors.AlreadyErased,
    errors.LastAdministrator,
    errors.OwnerNeeded,
    errors.OwnProposal,
    errors.OwnRights,
    errors.NotReviewed,
}


def kinds(of: type[errors.PortalError] = errors.PortalError) -> Iterator[type[errors.PortalError]]:
    if of.__module__.startswith(("jobs_app.errors", "jobs_app.api.")):
        yield of
    for kind in of.__subclasses__():
        yield from kinds(kind)


def test_every_error_that_the_api_can_answer_with_is_described_as_it_looks() -> None:
    described = {
        (value["type"].rpartition(":")[2], value["detail"])
        for call in CALLS.values()
        for status, content in contents(call)
        if status[0] in "45"
        for value in (resolved(example)["value"] for example in content["examples"].values())
    }
    assert {(kind.code, (kind.__doc__ or "").strip()) for kind in set(kinds()) - NEVER} == described


@pytest.mark.parametrize(
    ("status", "method", "path", "headers"),
    [
        (401, "get", "me/", {"Authorization": ""}),
        (404, "get", "submissions/00000000-0000-0000-0000-000000000000/", {}),
        (405, "put", "submissions/", {}),
        (406, "get", "me/", {"Accept": "text/html"}),
        (415, "post", "submissions/", {"Content-Type": "text/plain"}),
    ],
)
def test_a_real_error_is_one_of_the_described(
    service: Api, status: int, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = getattr(Client(), method)(f"/api/v1/{path}", headers=service._headers | headers)
    known = DESCRIBED["components"]["examples"].values()
    own = ("type", "title", "status", "detail", "errors")
    assert answer.status_code == status
    assert {name: answer.json()[name] for name in own} in [
        {name: each["value"].get(name) for name in own} for each in known if isinstance(each["value"], dict)
    ]


# --- Calls that are to go --------------------------------------------------------------------------------------------
def test_nothing_is_deprecated_without_notice() -> None:
    for name, announced in deprecations.DEPRECATED.items():
        assert name in CALLS
        assert announced.sunset - announced.since >= deprecations.NOTICE


@pytest.mark.parametrize("name", ["GET /api/v1/me/", "GET /api/v1/submissions/{id}/"])
def test_a_deprecated_call_says_so_in_every_answer_and_in_the_description(
    service: Api, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    goes = Deprecation(
        datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 9, 1, tzinfo=UTC), "https://example.com/changes"
    )
    monkeypatch.setitem(deprecations.DEPRECATED, name, goes)
    path = name.partition("/api/v1/")[2].replace("{id}", "00000000-0000-0000-0000-000000000000")
    answer = service.get(path)
    assert answer.status_code in (200, 404)
    assert answer["Deprecation"] == "@1803859200"
    assert answer["Sunset"] == "Wed, 01 Sep 2027 00:00:00 GMT"
    assert answer["Link"].startswith('<https://example.com/changes>; rel="deprecation"')
    assert "Deprecation" not in service.get("operations/")
    described = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    assert [p for p, methods in described.items() if methods.get("get", {}).get("deprecated")] == [name.split()[1]]
