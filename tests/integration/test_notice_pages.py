"""The bell, the page of notices, and the profile: what is one's own, and nobody else's."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs_app import badges, submissions
from jobs_app.models import Notice, NoticeChoice, User
from jobs_app.notices import inbox
from jobs_app.notices.kinds import KINDS
from tests.conftest import Api
from tests.doors import operator_actor
from tests.examples import body
from tests.following import browser_of

PEOPLE = ["operator", "approver", "auditor", "administrator", "stranger"]


def give(person: User, count: int = 1, **values: Any) -> list[Notice]:
    now = timezone.now()
    rows = [
        Notice(
            **{
                "person": person,
                "kind": "export_ready",
                "key": f"test:{n}",
                "at": now - timedelta(minutes=n),
                "in_portal": True,
            }
            | values
        )
        for n in range(count)
    ]
    return Notice.objects.bulk_create(rows)


def shown(browser: Browser, path: str = "/notices/") -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def bell(page: str) -> str:
    """What the badge says, empty without one."""
    found = re.search(r'href="/notices/">.*?</a>', page, re.DOTALL)
    assert found
    badge = re.search(r"badge[^>]*>([^<]+)<", found.group())
    return badge.group(1) if badge else ""


@pytest.mark.parametrize("who", PEOPLE)
def test_everybody_sees_their_own_alone(who: str, request: pytest.FixtureRequest, second: User) -> None:
    person = request.getfixturevalue(who)
    give(second)
    browser = browser_of(person)
    assert "Nothing yet." in shown(browser)
    assert bell(shown(browser)) == ""
    give(person, 2)
    assert shown(browser).count("Your export of the audit trail is ready") == 4  # each with its button to mark it
    assert bell(shown(browser, "/profile/")) == "2"


def test_nobody_reads_or_marks_what_is_anothers(operator: User, auditor: User) -> None:
    [row] = give(auditor)
    answer = browser_of(operator).post(f"/notices/{row.pk}/")
    assert answer.status_code == 404
    assert Notice.objects.get().read_at is None
    browser_of(operator).post("/notices/read/", {"upto": timezone.now().isoformat()})
    assert Notice.objects.get().read_at is None
    for path in ("/notices/", "/notices/read/"):
        assert Browser().get(path).status_code == 302


def test_the_bell_counts_to_99(operator: User) -> None:
    give(operator, 120)
    assert bell(shown(browser_of(operator))) == "99+"


def test_the_unread_ones_come_first_and_pages_lose_none(operator: User) -> None:
    rows = give(operator, 130)
    Notice.objects.filter(pk__in=[row.pk for row in rows[:60]]).update(read_at=timezone.now())
    cursor, seen = "", []
    while cursor is not None:
        page = inbox.page(operator.pk, cursor=cursor)
        seen += [each.row for each in page.rows]
        cursor = page.older
    assert [row.pk for row in seen] == [row.pk for row in rows[60:]] + [row.pk for row in rows[:60]]


def test_of_the_same_moment_each_is_shown_once(operator: User) -> None:
    rows = give(operator, 120, at=timezone.now())
    first = inbox.page(operator.pk)
    second = inbox.page(operator.pk, cursor=first.older or "")
    assert len({each.row.pk for each in (*first.rows, *second.rows)}) == 100
    assert len(rows) == 120


@pytest.mark.parametrize("cursor", ["x", "0_now_1", "2_2026-01-01T00:00:00+00:00_1", "0_2026-01-01T00:00:00_1", "0_"])
def test_a_cursor_that_is_none_is_refused(operator: User, cursor: str) -> None:
    answer = browser_of(operator).get("/notices/", {"cursor": cursor})
    assert answer.status_code == 400


def test_following_one_reads_it(auditor: User) -> None:
    give(auditor, 2)
    browser, (first, second) = browser_of(auditor), Notice.objects.order_by("pk")
    assert browser.post(f"/notices/{first.pk}/").headers["Location"] == "/exports/"
    assert browser.post(f"/notices/{second.pk}/", {"stay": "1"}).headers["Location"] == "/notices/"
    assert badges.of(operator_actor(auditor)).unread == 0
    assert browser.get(f"/notices/{first.pk}/").status_code == 405


def test_all_are_marked_up_to_when_the_page_was_loaded(operator: User) -> None:
    browser = browser_of(operator)
    give(operator, 3)
    upto = re.search(r'name="upto" value="([^"]+)"', shown(browser))
    assert upto
    give(operator, at=timezone.now() + timedelta(seconds=5), key="later")
    page = browser.post("/notices/read/", {"upto": upto.group(1)}, follow=True).content.decode()
    assert "3 notices are read." in page
    assert bell(page) == "1"
    assert "0 notices" in browser.post("/notices/read/", {"upto": "now"}, follow=True).content.decode()


def test_a_text_is_no_markup(operator: User) -> None:
    give(operator, kind="token_ending", about={"token": 1, "service": "<b>x</b>", "ends": timezone.now().isoformat()})
    page = shown(browser_of(operator))
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<b>x</b>" not in page


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("path", ["/notices/", "/profile/"])
def test_a_page_takes_few_queries(who: str, path: str, request: pytest.FixtureRequest) -> None:
    person = request.getfixturevalue(who)
    give(person, 130)
    browser = browser_of(person)
    browser.get(path)
    with CaptureQueriesContext(connection) as asked:
        shown(browser, path)
    assert len(asked) <= 15, [each["sql"] for each in asked]


# --- Profile -------------------------------------------------------------------------------------------------------
def display(person: User, **values: str) -> Any:
    given = {"theme": "", "language": "", "time_zone": "UTC"} | values
    return browser_of(person).post("/profile/display/", given, follow=True)


def test_a_person_chooses_theme_language_and_zone(operator: User) -> None:
    answer = display(operator, theme="dark", language="en", time_zone="Asia/Shanghai")
    page = answer.content.decode()
    assert "Saved." in page
    assert '<html lang="en" data-theme="dark" data-bs-theme="dark">' in page
    person = User.objects.get(pk=operator.pk)
    assert (person.theme, person.language, person.time_zone) == ("dark", "en", "Asia/Shanghai")
    assert answer.client.cookies["language"].value == "en"
    page = display(operator).content.decode()
    assert '<html lang="en" data-theme="">' in page


@pytest.mark.parametrize(
    ("name", "value"), [("theme", "pink"), ("language", "tlh"), ("time_zone", "Nowhere/City"), ("time_zone", "")]
)
def test_what_can_not_be_chosen_is_refused(operator: User, name: str, value: str) -> None:
    page = display(operator, **{name: value}).content.decode()
    assert "Choose" in page
    assert "Saved." not in page
    assert getattr(User.objects.get(pk=operator.pk), name) == getattr(operator, name)


def test_pages_show_times_in_the_zone_and_the_api_in_utc(auditor: User, operator: User) -> None:
    at = timezone.now().replace(microsecond=0)
    give(auditor, at=at)
    browser = browser_of(auditor)
    assert f"{at:%Y-%m-%d %H:%M:%S} UTC" in shown(browser)
    User.objects.filter(pk=auditor.pk).update(time_zone="Asia/Shanghai")
    there = at + timedelta(hours=8)
    assert f"{there:%Y-%m-%d %H:%M:%S} Asia/Shanghai" in shown(browser)
    assert timezone.get_current_timezone_name() == "UTC", "whoever comes next isn't shown somebody else's zone"
    User.objects.filter(pk=operator.pk).update(time_zone="Asia/Shanghai")
    row = submissions.submit(body("copy", notBefore=f"{at + timedelta(hours=1):%FT%TZ}"), by=operator_actor(operator))
    answer = Api(person=operator).get(f"submissions/{row.pk}/").json()
    assert answer["createdAt"].endswith("Z")
    assert " UTC" in answer["statusDetail"]
    assert " Asia/Shanghai" in shown(browser_of(operator), f"/submissions/{row.pk}/")


def test_a_zone_that_is_gone_is_utc(operator: User) -> None:
    give(operator)
    User.objects.filter(pk=operator.pk).update(time_zone="Europe/Atlantis")
    assert " UTC</time>" in shown(browser_of(operator))
    assert "<option selected>Europe/Atlantis</option>" in shown(browser_of(operator), "/profile/")


def test_the_compose_form_speaks_the_zone(operator: User) -> None:
    User.objects.filter(pk=operator.pk).update(time_zone="Europe/Berlin")
    page = browser_of(operator).get("/submissions/new/", {"operation": "copy"}).content.decode()
    assert "Not before (Europe/Berlin)" in page
    assert "Not after (Europe/Berlin)" in page


def test_a_person_chooses_what_to_hear_of(operator: User, auditor: User) -> None:
    given = {"portal": ["failed"], "mail": ["failed", "trail_broken", "nonsense"]}
    page = browser_of(operator).post("/profile/notices/", given, follow=True).content.decode()
    assert "It holds for what happens from now on." in page
    chosen = {each.kind.name: (each.in_portal, each.by_mail) for each in inbox.choices(operator)}
    assert chosen["failed"] == (True, True)
    assert chosen["expired"] == (False, False)
    assert chosen["trail_broken"] == (True, True)
    assert chosen["rights_changed"] == (True, False)
    assert set(chosen) == {kind.name for kind in KINDS}
    assert not NoticeChoice.objects.filter(person=auditor).exists()
