"""Waits grow as they say, and chance spreads them without making them longer or vanish."""

from collections.abc import Callable

import pytest

from jobs_app import waits

TIMES = 300
STEPS = (5, 30, 120)


def longest(wait: Callable[[], float]) -> float:
    """The bound that many of these waits keep, come near to, and are spread below."""
    found = [wait() for _ in range(TIMES)]
    assert all(each >= 1.0 for each in found)
    assert len(set(found)) > TIMES / 2
    return max(found)


@pytest.mark.parametrize("seconds", [2.0, 60.0, 3600.0])
def test_a_wait_is_anything_between_a_second_and_what_was_asked_for(seconds: float) -> None:
    assert 0.9 * seconds < longest(lambda: waits.jittered(seconds)) <= seconds


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.0])
def test_no_wait_is_shorter_than_a_second(seconds: float) -> None:
    assert waits.jittered(seconds) == 1.0


@pytest.mark.parametrize(("attempts", "most"), [(1, 5), (2, 30), (3, 120), (4, 120), (1000, 120)])
def test_steps_are_gone_one_by_one_and_the_last_goes_on(attempts: int, most: int) -> None:
    assert 0.9 * most < longest(lambda: waits.step(STEPS, attempts)) <= most


@pytest.mark.parametrize(("attempts", "most"), [(1, 4), (2, 8), (4, 32), (10, 300), (100_000, 300)])
def test_doubled_waits_double_up_to_the_longest(attempts: int, most: int) -> None:
    assert 0.9 * most < longest(lambda: waits.doubled(attempts, longest=300, first=2)) <= most
