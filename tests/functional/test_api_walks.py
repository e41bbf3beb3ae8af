"""A whole portal, walked through by its description: from what one call answered to what may be called next."""

import pytest

from tests.fuzzing import CALLERS, walk
from tests.processes import Processes


@pytest.fixture(scope="module")
def portal(running: Processes) -> str:
    """Where it answers, beside a worker, beat and the sandbox."""
    return running.web()


@pytest.mark.parametrize("caller", CALLERS)
def test_whoever_walks_gets_what_is_described_and_sees_what_is_theirs(portal: str, database: None, caller: str) -> None:
    walk(portal, caller, examples=4, steps=10)
