"""What the API answers is what its description says, whoever calls with whatever."""

import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from portal.wsgi import application
from tests.fuzzing import CALLERS, UNPROMISED, assert_hides, headers_of, hide_something, impatient, schema

schema.app = application


@pytest.fixture
def everybody(database: None) -> dict[str, dict[str, str]]:
    """What each kind of caller calls with."""
    hide_something()
    return {caller: headers_of(caller) for caller in CALLERS}


@schema.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_answer_is_outside_of_the_description(case: Any, everybody: dict[str, dict[str, str]]) -> None:
    caller = whose(case)
    answer = impatient(case).call_and_validate(headers=everybody[caller], excluded_checks=UNPROMISED)
    assert_hides(answer.text, caller)


def whose(case: Any) -> str:
    """One of the callers, always the same for a case, so that one that fails can be tried again."""
    said = repr((case.method, case.path_parameters, case.query, case.headers, case.body))
    return CALLERS[zlib.crc32(said.encode("utf-8", "replace")) % len(CALLERS)]
