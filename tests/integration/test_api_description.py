"""The API's description: it is the code's, whole, and what the API answers is what it says.

After a change of the API this writes it anew: ``.venv/bin/python manage.py spectacular --format openapi-json --file
docs/openapi.json``.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from jobs_app import submissions
from jobs_app.actors import Role, Scope
from jobs_app.models import User
from portal.wsgi import application
from tests.conftest import Api, make_person, token_of
from tests.doors import operator_actor
from tests.examples import body
from tests.integration.test_every_address import ALL

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"
UNDESCRIBED = {"/api/v1/", "/api/v1/schema/", "/api/v1/docs/"}
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


schema = schemathesis.openapi.from_dict(DESCRIBED)
schema.app = application
CALLERS = ["nobody", *Role, *Scope]


@pytest.fixture(params=CALLERS)
def caller(request: pytest.FixtureRequest, database: None) -> dict[str, str]:
    owner = make_person("somebody", Role.OPERATOR)
    submissions.submit(body("copy"), by=operator_actor(owner))
    if request.param in list(Scope):
        return {"Authorization": f"Bearer {token_of('tried', request.param)}"}
    if request.param in list(Role):
        client = Client()
        client.force_login(make_person("tried", request.param))
        return {"Cookie": f"session={client.cookies['session'].value}"}
    return {}


@schema.parametrize()
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_answer_is_outside_of_the_description(case: Any, caller: dict[str, str]) -> None:
    # What the description allows may still contradict itself, or another call with the same key.
    case.call_and_validate(headers=caller, excluded_checks=[positive_data_acceptance])
