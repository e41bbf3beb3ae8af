"""The list: recent ones first, filters that can be sent on and kept, rows that refresh without moving."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from jobs_app import cancelling, filters, submissions
from jobs_app.actors import Role
from jobs_app.errors import Invalid, NotAllowed
from jobs_app.models import SavedFilter, Submission, User
from tests.composing import text
from tests.conftest import make_person
from tests.doors import operator_actor
from tests.examples import body
from tests.following import browser_of


def made(person: User, **changes: Any) -> Submission:
    return submissions.submit(body("copy", **changes), by=operator_actor(person))


def aged(row: Submission, days: float) -> Submission:
    with connections["owner"].cursor() as cursor:
        at = timezone.now() - timedelta(days=days)
        cursor.execute("UPDATE jobs_app_submission SET created_at = %s WHERE id = %s", [at, row.pk])
    return row


def shown(person: User, query: str = "") -> list[str]:
    """The ids of the rows, in their order."""
    answer = browser_of(person).get(f"/submissions/{query}")
    assert answer.status_code == 200
    return re.findall(r'id="row-([0-9a-f-]{36})"', answer.content.decode())


@pytest.fixture
def another(operator: User) -> User:
    return make_person("oskar", Role.OPERATOR)


def test_the_last_seven_days_newest_first_and_the_rest_one_click_away(operator: User) -> None:
    old, first, second = aged(made(operator), 8), made(operator), made(operator)
    assert shown(operator) == [str(second.pk), str(first.pk)]
    assert shown(operator, "?when=all") == [str(second.pk), str(first.pk), str(old.pk)]
    assert 'href="?when=all"' in browser_of(operator).get("/submissions/").content.decode()


def test_who_looks_for_something_certain_finds_it_however_old(operator: User) -> None:
    old = aged(made(operator, reference="R-1"), 400)
    assert shown(operator, "?reference=R-1") == [str(old.pk)]


def test_an_empty_week_leads_further_back(operator: User) -> None:
    aged(made(operator), 8)
    page = text(browser_of(operator).get("/submissions/"))
    assert "Nothing was submitted in the last 7 days." in page
    assert "Show all" in page


def test_own_ones_are_one_click_away(operator: User, another: User) -> None:
    mine, theirs = made(operator), made(another)
    assert shown(operator) == [str(theirs.pk), str(mine.pk)]
    assert shown(operator, "?mine=1") == [str(mine.pk)]


# --- Rows that refresh -----------------------------------------------------------------------------------------------
def live_address(person: User, query: str = "") -> str:
    page = browser_of(person).get(f"/submissions/{query}").content.decode()
    [found] = re.findall(r'hx-get="(/submissions/rows/[^"]+)"', page)
    return found.replace("&amp;", "&")


def test_rows_stay_where_they_are_and_newer_ones_are_only_told_of(operator: User) -> None:
    rows = [made(operator) for _ in range(3)]
    address = live_address(operator, "?status=queued")
    cancelling.cancel(rows[1], by=operator_actor(operator))
    made(operator)
    answer = browser_of(operator).get(address).content.decode()
    ids = re.findall(r'id="row-([0-9a-f-]{36})"', answer)
    assert ids == [str(row.pk) for row in reversed(rows)]
    assert "Cancelled" in answer
    assert "1 is newer than this list" in answer


def test_rows_of_what_one_may_not_see_stay_away(operator: User, stranger: User) -> None:
    row = made(operator)
    answer = browser_of(stranger).get(f"/submissions/rows/?id={row.pk}")
    assert (answer.status_code, str(row.pk) in re.findall(r'id="row-(.*?)"', answer.content.decode())) == (200, False)


@pytest.mark.parametrize("query", ["?id=x", "?id=1&of=%00", "?of=status%3Dnonsense&id=", "?of=%3D%3D&id=a"])
def test_nonsense_is_answered_in_words(operator: User, query: str) -> None:
    assert browser_of(operator).get(f"/submissions/rows/{query}").status_code in (200, 400)


# --- Filters that people keep ----------------------------------------------------------------------------------------
def keep(person: User, **given: str) -> Any:
    return browser_of(person).post("/submissions/filters/keep/", {"name": "trouble", "query": "status=failed", **given})


def test_a_filter_is_kept_for_oneself(operator: User, another: User) -> None:
    assert keep(operator).url == "/submissions/?status=failed"
    assert (
        'href="/submissions/?status=failed">trouble</a>' in browser_of(operator).get("/submissions/").content.decode()
    )
    assert "trouble" not in browser_of(another).get("/submissions/").content.decode()


def test_a_shared_one_is_seen_by_all_and_forgotten_by_its_owner_alone(operator: User, another: User) -> None:
    keep(operator, shared="1", query="status=failed&cursor=abc")
    kept = SavedFilter.objects.get()
    assert (kept.query, kept.is_shared) == ("status=failed", True)
    assert "trouble" in browser_of(another).get("/submissions/").content.decode()
    assert browser_of(another).post(f"/submissions/filters/{kept.pk}/forget/").status_code == 404
    browser_of(operator).post(f"/submissions/filters/{kept.pk}/forget/")
    assert not SavedFilter.objects.exists()


def test_the_same_name_takes_the_place_of_the_former(operator: User) -> None:
    keep(operator)
    keep(operator, query="status=queued")
    assert SavedFilter.objects.get().query == "status=queued"


@pytest.mark.parametrize("given", [{"name": " "}, {"name": "x" * 61}, {"query": "status=nonsense"}, {"name": "a\0b"}])
def test_what_is_no_filter_is_not_kept(operator: User, given: dict[str, str]) -> None:
    keep(operator, **given)
    assert not SavedFilter.objects.exists()


def test_nobody_keeps_too_many_and_a_stranger_none(operator: User, stranger: User) -> None:
    for number in range(filters.MOST):
        filters.keep(str(number), "", is_shared=False, by=operator_actor(operator))
    with pytest.raises(Invalid):
        filters.keep("one more", "", is_shared=False, by=operator_actor(operator))
    with pytest.raises(NotAllowed):
        filters.keep("mine", "", is_shared=False, by=operator_actor(stranger))
