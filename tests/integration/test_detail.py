"""The page of one submission: its files by result and page, the archive as a tree to choose from, and the inbox."""

import re
from typing import Any

import pytest
from django.test import Client as Browser

from jobs_app import approvals, submissions
from jobs_app.actors import Role
from jobs_app.errors import OwnSubmission
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.koodrive.sandbox.magic import file_id as magic
from jobs_app.models import ArchiveEntry, Submission, User
from jobs_app.web.archives import DEEPEST, tree
from tests.composing import field, text
from tests.conftest import give_role
from tests.doors import operator_actor
from tests.examples import body, file_id
from tests.following import Send, browser_of, naming, page, polled


@pytest.fixture
def finished(send: Send, sandbox: Sandbox, client: Client) -> Any:
    def send_and_finish(operation: str, *files: str, **changes: Any) -> Submission:
        row = send(*files, operation=operation, **changes)
        sandbox.clock.advance(60)
        return polled(row, client)

    return send_and_finish


def files_of(browser: Browser, row: Submission, query: str = "") -> list[str]:
    shown = browser.get(f"/submissions/{row.pk}/{query}").content.decode()
    return re.findall(r'<td><code class="text-break">([^<]+)</code>', shown)


def test_files_are_filtered_by_their_result(finished: Any, operator: User) -> None:
    row = finished("copy", file_id(1), magic("fails"), file_id(2))
    browser = browser_of(operator)
    assert len(files_of(browser, row)) == 3
    assert files_of(browser, row, "?result=failed") == [magic("fails")]
    assert files_of(browser, row, "?result=pending") == []
    assert "Failed 1" in page(browser, row)


def test_many_files_come_page_by_page(operator: User) -> None:
    row = submissions.submit(naming("copy", *map(file_id, range(120))), by=operator_actor(operator))
    browser = browser_of(operator)
    first = files_of(browser, row)
    second = files_of(browser, row, "?file=50")
    assert (len(first), len(second), set(first) & set(second)) == (50, 50, set())
    assert "?result=&amp;file=50#files" in browser.get(f"/submissions/{row.pk}/").content.decode()
    assert browser.get(f"/submissions/{row.pk}/?file=x").status_code == 400


def test_what_a_package_link_is_worth_stands_there(finished: Any, operator: User) -> None:
    assert "It works until about" in page(browser_of(operator), finished("package", file_id(1)))


# --- What is in an archive -------------------------------------------------------------------------------------------
def test_ticked_entries_become_an_extraction_to_look_at(finished: Any, operator: User) -> None:
    row = finished("preview_archive", file_id(5), labels={file_id(5): "march.zip"})
    browser = browser_of(operator)
    shown = browser.get(f"/submissions/{row.pk}/entries/").content.decode()
    assert "Extract what is ticked" in shown
    [folder] = row.entries.filter(is_folder=True, name__startswith="reports")[:1]
    [single] = row.entries.filter(name="readme.txt")
    form = browser.get(
        "/submissions/new/", {"from": str(row.pk), "as": "extract_some", "entry": [folder.row, single.row, "x"]}
    ).content.decode()
    chosen = field(form, "entries").splitlines()
    inside = row.entries.filter(name__startswith="reports").exclude(is_folder=True).values_list("name", flat=True)
    assert set(chosen) == {"readme.txt", *inside}
    assert (field(form, "operation"), field(form, "origin")) == ("extract_some", f"follow:{row.pk}")
    assert field(form, "files").startswith(file_id(5))


def test_who_may_not_submit_sees_the_tree_without_boxes(finished: Any, auditor: User) -> None:
    row = finished("preview_archive", file_id(5))
    assert 'name="entry"' not in browser_of(auditor).get(f"/submissions/{row.pk}/entries/").content.decode()
    answer = browser_of(auditor).get("/submissions/new/", {"from": str(row.pk), "as": "extract_some", "entry": "0"})
    assert answer.status_code == 403


def test_only_a_listed_archive_has_entries_to_extract(finished: Any, operator: User) -> None:
    row = finished("copy", file_id(1))
    answer = browser_of(operator).get("/submissions/new/", {"from": str(row.pk), "as": "extract_some"})
    assert answer.status_code == 404


def test_a_tree_is_as_deep_as_its_paths_but_not_without_end() -> None:
    rows = [ArchiveEntry(row=n, name=name) for n, name in enumerate(["a/b/c.txt", "a/d.txt", "/".join("x" * 500), "/"])]
    found = tree(rows)
    assert [node.name for node in found] == ["a", "x", "/"]
    assert [node.name for node in found[0].nodes] == ["b", "d.txt"]
    depth, node = 1, found[1]
    while node.inside:
        depth, node = depth + 1, node.nodes[0]
    assert depth == DEEPEST


# --- The inbox -------------------------------------------------------------------------------------------------------
def inbox(person: User, tab: str = "") -> str:
    return text(browser_of(person).get(f"/approvals/?tab={tab}" if tab else "/approvals/"))


def test_the_inbox_has_what_waits_what_is_mine_and_what_was_decided(operator: User, approver: User) -> None:
    row = submissions.submit(body("delete"), by=operator_actor(operator))
    assert f"/submissions/{row.pk}/" in inbox(approver)
    assert f"/submissions/{row.pk}/" in inbox(operator)
    assert f"/submissions/{row.pk}/" not in inbox(approver, "mine") + inbox(approver, "decided")
    approvals.approve(row, by=operator_actor(approver), request_sha256=row.request_sha256)
    assert f"/submissions/{row.pk}/" not in inbox(approver) + inbox(operator)
    assert f"/submissions/{row.pk}/" in inbox(approver, "decided")


def test_own_ones_stand_there_with_the_reason_why_one_may_not(operator: User, approver: User) -> None:
    give_role(operator, Role.APPROVER)
    submissions.submit(body("delete"), by=operator_actor(operator))
    assert OwnSubmission().detail in inbox(operator, "waiting")


def test_pages_of_errors_say_what_one_can_do(operator: User) -> None:
    missing = text(browser_of(operator).get("/nothing-here/"))
    assert "may be of something that you may not see" in missing
    denied = text(browser_of(operator).get("/people/"))
    assert "an administrator gives others" in denied
