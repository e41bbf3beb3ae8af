"""Very many lives of submissions at random."""

import time

import pytest

from jobs_app.models import User
from tests.chaos.conftest import scaled
from tests.doors import operator_actor as acting
from tests.machine import try_lives

EXAMPLES = 2_000
STEPS = 50


@pytest.mark.timeout(7200)
def test_no_order_of_events_breaks_what_must_always_be_true(operator: User, approver: User) -> None:
    began, examples = time.monotonic(), scaled(EXAMPLES)
    try_lives(examples=examples, steps=STEPS, operator=acting(operator), approver=acting(approver), reproducible=False)
    print(f"\n{examples} lives of up to {STEPS} steps, {time.monotonic() - began:.0f} s")
