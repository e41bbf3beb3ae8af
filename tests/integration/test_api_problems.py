"""Every error of the API has one shape, says what to do, and stores nothing."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs_app.models import ApiToken, Submission
from tests.conftest import Api
from tests.examples import body
from tests.unit.test_validators import REFUSED, changed


def assert_is_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert list(document) == ["type", "title", "status", "detail", "instance", "requestId", "errors"]
    assert document["status"] == status
    assert document["requestId"] == answer["X-Request-ID"]
    assert document["detail"]
    return document


@pytest.mark.parametrize(("operation", "path", "value", "expected"), REFUSED)
def test_the_same_codes_as_the_check_and_nothing_stored(
    service: Api, operation: str, path: str, value: Any, expected: set[tuple[str, str]]
) -> None:
    answer = service.post("submissions/", changed(operation, path, value))
    errors = assert_is_problem(answer, 400)["errors"]
    assert expected <= {(each["pointer"], each["code"]) for each in errors} | in_the_future(expected)
    assert not Submission.objects.exists()


def in_the_future(expected: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The check's own tests stop the clock; by today's, their times lie in the past."""
    return {("/notAfter", "too_late")} & expected


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff", b'{"a": NaN}', b'{"taskType": 1, "taskType": 2}', b"[" * 100_000, b"nul", b'"\xed\xa0\x80"'],
)
def test_malformed_json(service: Api, raw: bytes) -> None:
    answer = Client().post("/api/v1/submissions/", raw, content_type="application/json", headers=service._headers)
    assert_is_problem(answer, 400)


@pytest.mark.parametrize("number", ["1.0", "1e0", "-0.0"])
def test_a_number_that_is_not_written_as_a_whole_one(service: Api, number: str) -> None:
    raw = f'{{"taskType": {number}, "reason": "x", "dstContainerId": "a"}}'
    answer = Client().post("/api/v1/submissions/", raw, content_type="application/json", headers=service._headers)
    assert {"pointer": "/taskType", "code": "wrong_type"}.items() <= assert_is_problem(answer, 400)["errors"][0].items()


def test_another_media_type(service: Api) -> None:
    answer = Client().post("/api/v1/submissions/", "<a/>", content_type="text/xml", headers=service._headers)
    assert_is_problem(answer, 415)


def test_a_body_above_the_limit(service: Api) -> None:
    raw = b'{"reason": "' + b"x" * (12 * 1024 * 1024) + b'"}'
    answer = Client().post("/api/v1/submissions/", raw, content_type="application/json", headers=service._headers)
    assert_is_problem(answer, 413)


@pytest.mark.parametrize(
    "path", ["nothing/", "submissions/7/", "submissions/00000000-0000-0000-0000-000000000000/", ""]
)
def test_what_is_not_there(service: Api, path: str) -> None:
    assert_is_problem(service.get(path), 404)


@pytest.mark.parametrize("path", ["/api/", "/api/v2/submissions/", "/api/v1", "/api//v1/me/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_beside_the_api_is_a_problem_too(service: Api, path: str, method: str) -> None:
    assert_is_problem(getattr(Client(), method)(path, headers=service._headers), 404)
    assert_is_problem(getattr(Client(), method)(path), 401)


def test_an_address_without_its_slash_is_told_so(service: Api) -> None:
    assert "slash" in assert_is_problem(service.post("submissions", body("copy")), 404)["detail"]


@pytest.mark.parametrize("path", ["submissions/", "schema/", "docs/", "me/"])
def test_a_method_that_is_not_offered(service: Api, path: str) -> None:
    answer = Client().delete(f"/api/v1/{path}", headers=service._headers)
    assert_is_problem(answer, 405)
    assert "GET" in answer["Allow"]


@pytest.mark.parametrize("path", ["me/", "schema/"])
def test_an_answer_that_is_not_offered(service: Api, path: str) -> None:
    assert_is_problem(Client().get(f"/api/v1/{path}", headers=service._headers | {"Accept": "application/xml"}), 406)


@pytest.mark.parametrize("path", ["submissions/", "operations/", "me/", "changes/", "me/callback/"])
def test_a_parameter_that_nothing_reads_is_an_error(service: Api, path: str) -> None:
    problem = assert_is_problem(service.get(path, statsu="queued"), 400)
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("statsu", "unknown_field")]


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_that_no_calendar_in_utc_holds(service: Api, time: str) -> None:
    errors = assert_is_problem(service.post("submissions/", body("copy", notBefore=time)), 400)["errors"]
    assert [(each["pointer"], each["code"]) for each in errors] == [("/notBefore", "wrong_format")]
    for name in ("since", "until", "updatedSince"):
        assert_is_problem(service.get("submissions/", **{name: time}), 400)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic b2xnYTpw", "Bearer \xff"])
@pytest.mark.parametrize("path", ["submissions/", "operations/", "me/", "nothing/"])
def test_a_stranger_is_told_to_authenticate(database: None, header: str, path: str) -> None:
    answer = Client().get(f"/api/v1/{path}", headers={"Authorization": header} if header else {})
    assert_is_problem(answer, 401)
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("column", ["expires_at", "revoked_at"])
def test_a_token_that_has_ended_is_refused(service: Api, column: str) -> None:
    ApiToken.objects.all().update(**{column: timezone.now()}) if column == "revoked_at" else None
    if column == "expires_at":
        from django.db import connections

        connections["owner"].cursor().execute("UPDATE jobs_app_apitoken SET expires_at = now()")
    assert_is_problem(service.get("me/"), 401)


def test_a_session_needs_the_csrf_token(operator: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    answer = client.post("/api/v1/submissions/", body("copy"), content_type="application/json")
    assert_is_problem(answer, 403)
    assert not Submission.objects.exists()


def test_a_well_formed_request_id_is_kept_and_another_replaced(service: Api) -> None:
    kept = Client().get("/api/v1/me/", headers=service._headers | {"X-Request-ID": "abc-12345"})
    assert kept["X-Request-ID"] == "abc-12345"
    replaced = Client().get("/api/v1/me/", headers=service._headers | {"X-Request-ID": "a b\tc"})
    assert len(replaced["X-Request-ID"]) == 32
