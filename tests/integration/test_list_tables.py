"""What the list finds as a table: asked for on its page, written by a worker, loaded by whoever asked."""

import csv
import io
import re

import pytest
from django.test import Client as Browser

from jobs_app import exporting, submissions
from jobs_app.actors import Role
from jobs_app.errors import Invalid, NotAllowed, NotFound
from jobs_app.models import Export, User
from tests.conftest import make_person
from tests.doors import newest_event, operator_actor
from tests.examples import body
from tests.exports import content, written
from tests.following import browser_of


def rows_of(export: Export) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(export).decode("utf-8-sig"))))


def ask(browser: Browser, address: str = "/submissions/") -> Export:
    """Presses the button of the list at this address."""
    page = browser.get(address).content.decode()
    [query] = re.findall(r'action="/submissions/tables/">.*?name="query" value="([^"]*)"', page, re.S)
    answer = browser.post("/submissions/tables/", {"query": query.replace("&amp;", "&")})
    assert answer.url == "/submissions/tables/"
    return Export.objects.latest("requested_at")


def test_what_a_filter_finds_comes_as_a_table_the_newest_first(operator: User) -> None:
    for reason in ("CHG-1", "=2+2"):
        submissions.submit(body("copy", reason=reason), by=operator_actor(operator))
    submissions.submit(body("delete"), by=operator_actor(operator))
    browser = browser_of(operator)
    made = written(ask(browser, "/submissions/?operation=copy&mine=1"))
    assert (made.status, made.done) == ("ready", 2)
    assert [row["reason"] for row in rows_of(made)] == ["'=2+2", "CHG-1"]
    assert rows_of(made)[0]["by"] == "olga"
    assert newest_event("export.requested")["kind"] == "list"
    loaded = browser.get(f"/exports/{made.pk}/download/")
    assert b"".join(loaded.streaming_content) == content(made)
    assert newest_event("export.handed_out")["export"] == str(made.pk)


def test_it_is_nobody_elses(operator: User, auditor: User) -> None:
    submissions.submit(body("copy"), by=operator_actor(operator))
    made = written(ask(browser_of(operator)))
    for other in (auditor, make_person("oskar", Role.OPERATOR)):
        with pytest.raises(NotFound):
            exporting.hand_out(made.pk, by=operator_actor(other))
        assert str(made.pk) not in browser_of(other).get("/submissions/tables/").content.decode()
    assert str(made.pk) not in browser_of(auditor).get("/exports/").content.decode()


def test_whoever_lost_their_roles_gets_nothing_any_more(operator: User) -> None:
    submissions.submit(body("copy"), by=operator_actor(operator))
    waiting = ask(browser_of(operator))
    operator.role_grants.all().delete()
    made = written(waiting)
    assert rows_of(made) == []
    with pytest.raises(NotAllowed):
        exporting.hand_out(made.pk, by=operator_actor(User.objects.get(pk=operator.pk)))


def test_a_stranger_asks_for_none_and_nonsense_is_refused(operator: User, stranger: User) -> None:
    with pytest.raises(NotAllowed):
        exporting.request_list("", by=operator_actor(stranger))
    for query in ("status=nonsense", "since=yesterday", "x" * 10_000):
        with pytest.raises(Invalid):
            exporting.request_list(query, by=operator_actor(operator))
    assert not Export.objects.exists()


def test_a_list_is_no_export_of_the_trail(auditor: User) -> None:
    with pytest.raises(Invalid):
        exporting.request("list", "", by=operator_actor(auditor))
