"""Lives of submissions at random: whatever happens in whatever order, what must always be true is."""

import pytest

from jobs_app.models import User
from tests.doors import operator_actor as acting
from tests.machine import try_lives


@pytest.mark.timeout(120)
def test_no_order_of_events_breaks_what_must_always_be_true(operator: User, approver: User) -> None:
    try_lives(examples=25, steps=40, operator=acting(operator), approver=acting(approver), reproducible=True)
