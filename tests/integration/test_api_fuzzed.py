"""What the API answers is what its description says, whoever calls with whatever."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from portal.wsgi import application
from tests.fuzzing import CALLERS, UNPROMISED, assert_hides, headers_of, impatient, schema

schema.app = application


@pytest.fixture(params=CALLERS)
def caller(request: pytest.FixtureRequest, database: None) -> tuple[str, dict[str, str]]:
    return request.param, headers_of(request.param)


@schema.parametrize()
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_answer_is_outside_of_the_description(case: Any, caller: tuple[str, dict[str, str]]) -> None:
    kind, headers = caller
    answer = impatient(case).call_and_validate(headers=headers, excluded_checks=UNPROMISED)
    assert_hides(answer.text, kind)
