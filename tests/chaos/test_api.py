"""The API walked through at length, by every kind of caller."""

import pytest

from tests.chaos.conftest import scaled
from tests.fuzzing import CALLERS, walk
from tests.processes import Processes

WAYS, STEPS = 100, 30


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("caller", CALLERS)
def test_whoever_walks_gets_what_is_described_and_sees_what_is_theirs(own: Processes, caller: str) -> None:
    own.worker()
    own.beat()
    walk(own.web(), caller, examples=scaled(WAYS), steps=STEPS)
