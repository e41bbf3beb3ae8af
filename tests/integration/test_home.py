"""Home: each person sees what needs them, and figures that are right and cheap."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from django.utils import timezone

from jobs_app import figures, submissions, tasks
from jobs_app.actors import Role
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.koodrive.sandbox.magic import file_id as magic
from jobs_app.models import Submission, User
from tests.composing import text
from tests.conftest import make_person
from tests.doors import operator_actor
from tests.examples import body, file_id
from tests.following import Send, browser_of, polled


def home(person: User) -> str:
    answer = browser_of(person).get("/")
    assert answer.status_code == 200
    return text(answer)


def steps(person: User) -> str:
    """The page of the set-up as words alone."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text(browser_of(person).get("/set-up/"))))


def test_an_empty_portal_teaches(operator: User) -> None:
    shown = home(operator)
    assert "Nothing waits for you." in shown
    assert "Nothing is under way." in shown
    assert "Compose a task" in shown
    assert "canvas" not in shown


def test_each_sees_what_needs_them(operator: User, approver: User, auditor: User) -> None:
    submissions.submit(body("delete"), by=operator_actor(operator))
    assert "1 submission waits for your approval" in home(approver)
    assert "waits for your approval" not in home(operator)
    assert "Sending" in home(operator)
    shown = home(auditor)
    assert "The audit trail" in shown
    assert "the switch that stops sending" not in shown


def test_own_ones_that_went_wrong_stay_until_they_are_submitted_again(
    send: Send, sandbox: Sandbox, client: Client, operator: User
) -> None:
    row = send(magic("fails"), file_id(2))
    sandbox.clock.advance(60)
    polled(row, client)
    assert "Yours of the last 7 days" in home(operator)
    assert "Yours of the last 7 days" not in home(make_person("another", Role.OPERATOR))
    submissions.retry(
        Submission.objects.get(pk=row.pk),
        reason="CHG-2",
        password=None,
        by=operator_actor(operator),
        as_id=None,
        phrase="",
    )
    assert "Yours of the last 7 days" not in home(operator)


def test_an_administrator_is_led_to_the_set_up(administrator: User, operator: User) -> None:
    assert "steps of the set-up are open" in home(administrator)
    assert "set-up are open" not in home(operator)
    page = steps(administrator)
    assert "A second administrator open" in page
    assert "A first administrator done" in page
    assert "An operator done" in page


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.APPROVER, Role.AUDITOR])
def test_the_set_up_is_the_administrators(database: None, role: Role) -> None:
    assert browser_of(make_person("olga", role)).get("/set-up/").status_code == 403


def test_steps_of_the_set_up_are_done_when_they_are(administrator: User, second: User, approver: User) -> None:
    page = steps(administrator)
    assert "A second administrator done" in page
    assert "Enough approvers done" in page
    assert "The policy is in force open" in page


# --- The figures -----------------------------------------------------------------------------------------------------
def ended(operator: User, count: int, status: str, **ago: float) -> None:
    """Rows that ended so long ago."""
    for number in range(count):
        row = submissions.submit(body("copy", reason=f"{status} {number}"), by=operator_actor(operator))
        at = (timezone.now() - timedelta(**ago)).isoformat()
        set_ended(row, status, at)


def set_ended(row: Submission, status: str, at: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_app_submission DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE jobs_app_submission SET status = %(status)s, due_at = NULL, finished_at = %(at)s, "
            "updated_at = %(at)s WHERE id = %(id)s",
            {"status": status, "at": at, "id": row.pk},
        )
        cursor.execute("ALTER TABLE jobs_app_submission ENABLE TRIGGER USER")


def fresh() -> figures.Figures:
    """As minutes later, with what was kept of the days that are over."""
    kept: dict[str, Any] = cache.get("figures")
    cache.set("figures", kept | {"at": kept["at"] - figures.FRESH})
    return figures.now()


def test_the_days_and_what_waits_are_counted(operator: User) -> None:
    ended(operator, 2, "cancelled", days=3)
    ended(operator, 1, "expired", days=29)
    ended(operator, 1, "expired", days=31)
    submissions.submit(body("copy"), by=operator_actor(operator))
    submissions.submit(body("delete"), by=operator_actor(operator))
    found = figures.now()
    assert len(found.days) == 30
    assert {ago: day.ended for ago, day in enumerate(reversed(found.days)) if day.total} == {
        3: {"cancelled": 2},
        29: {"expired": 1},
    }
    assert found.waiting == {"queued": [1, 0, 0, 0, 0], "awaiting_approval": [1, 0, 0, 0, 0]}
    assert found.open == {"queued": 1, "awaiting_approval": 1}


def test_a_page_takes_what_a_worker_has_counted(operator: User, django_assert_num_queries: Any) -> None:
    tasks.count()
    ended(operator, 1, "cancelled", seconds=0)
    with django_assert_num_queries(1):
        assert not figures.now().today.total
    tasks.count()
    assert figures.now().today.ended == {"cancelled": 1}


def test_without_a_worker_they_are_counted_now_and_then_and_a_day_that_is_over_only_once(
    operator: User, django_assert_num_queries: Any
) -> None:
    figures.now()
    ended(operator, 1, "cancelled", days=3)
    ended(operator, 1, "cancelled", seconds=0)
    with django_assert_num_queries(1):
        assert not any(day.total for day in figures.now().days)
    # What ended today is told minutes later; what is said to have ended days ago can't be, in truth.
    assert [day.total for day in fresh().days[-4:]] == [0, 0, 0, 1]


def test_the_page_draws_them_and_tells_them_in_a_table(operator: User) -> None:
    ended(operator, 2, "cancelled", seconds=1)
    page = browser_of(operator).get("/").content.decode()
    assert '<script id="figures" type="application/json">' in page
    assert "The figures as a table" in page
