"""What the page of composing says before, and what comes of it: preview, clones, the review, and batches by review."""

import re
import threading

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from jobs_app import submissions
from jobs_app.actors import Role
from jobs_app.models import Batch, Submission, SubmissionFile, User
from tests.composing import (
    NEW,
    PREVIEW,
    REVIEW,
    TARGETS,
    box,
    field,
    reviewed,
    said,
    submit,
    table,
    text,
    typed,
    upload,
)
from tests.conftest import Api, make_person
from tests.doors import operator_actor as acting
from tests.examples import FOLDER, OTHER_SPACE, SPACE, body, file_id
from tests.following import browser_of, events
from tests.policies import ruled

MOST_QUERIES = 15
ONE, TWO = file_id(1), file_id(2)


# --- What the page says before ---------------------------------------------------------------------------------------
def previewed(person: User, fields: dict[str, str]) -> str:
    answer = browser_of(person).post(PREVIEW, fields)
    assert answer.status_code == 200
    return said(answer.content.decode()).replace("&quot;", '"')


def test_the_preview_is_the_request_that_the_review_shows(operator: User) -> None:
    fields = typed("copy", ONE, TWO)
    page = previewed(operator, fields)
    assert "2 files or folders" in page
    assert "No approval is needed." in page
    shown = re.search(r"POST /koodrive/ose/v1/jobs (\{.*\})", page)
    exact = re.search(r"POST /koodrive/ose/v1/jobs (\{.*?\}) SHA", said(reviewed(browser_of(operator), fields)))
    assert shown
    assert exact
    assert shown.group(1).split() == exact.group(1).replace("&quot;", '"').split()


def test_the_preview_says_what_is_lacking_and_never_shows_a_password(operator: User) -> None:
    page = previewed(operator, {"operation": "extract", "files": ONE, "password": "kanarienvogel", "not_after": "soon"})
    assert "Still to be filled in: Space that the files are in, Target space, Reason or ticket." in page
    assert "Give a time as RFC 3339" in page
    assert "kanarienvogel" not in page
    page = previewed(operator, typed("extract") | {"password": "kanarienvogel"})
    assert '"password": "********"' in page


def test_an_empty_form_previews_nothing(operator: User) -> None:
    page = previewed(operator, {"operation": "copy"})
    assert "0 files or folders" in page
    assert "Still to be filled in" not in page


def test_the_preview_says_how_many_submissions_it_becomes(operator: User, settings: LazySettings) -> None:
    settings.KOODRIVE_MAX_FILES = 2
    page = previewed(operator, typed("trash", *(file_id(n) for n in range(5))))
    assert "a batch of 3 submissions" in page
    assert "No filePath is given" in page
    assert "(5×)" in page


# --- A clone ---------------------------------------------------------------------------------------------------------
def test_a_clone_says_what_was_changed_against_the_original(operator: User) -> None:
    first = submissions.submit(body("copy", files=3, labels={file_id(0): "a"}), by=acting(operator))
    browser = browser_of(operator)
    page = browser.get(NEW, {"from": str(first.pk)}).content.decode()
    assert "Nothing is changed against the original." in page
    names = ("operation", "files", "source", "target", "folder", "reason", "origin", "key")
    filled = {name: field(page, name) for name in names}
    changes = {"files": f"{file_id(0)}\tb\n{file_id(7)}", "target": OTHER_SPACE, "reason": "CHG-9"}
    for shown in (previewed(operator, filled | changes), said(reviewed(browser, filled | changes))):
        assert f"Target space : {SPACE} → {OTHER_SPACE}" in shown
        assert f"Reason or ticket : {first.reason} → CHG-9" in shown
        assert "Files : 3 → 2 (1 more, 2 left out, 1 with another name or path)" in shown
        assert "Target folder : " not in shown


def test_a_clone_of_what_nobody_may_see_is_not_compared(operator: User) -> None:
    fields = typed("copy", origin="clone:00000000-0000-0000-0000-000000000007")
    assert "against the original" in previewed(operator, fields)


# --- More files than one submission takes ----------------------------------------------------------------------------
@pytest.fixture
def small(settings: LazySettings) -> None:
    settings.KOODRIVE_MAX_FILES = 2


def many(operation: str = "copy", count: int = 5, **changes: str) -> dict[str, str]:
    lines = [f"{file_id(n)},file {n},/root/{n}" for n in range(count)]
    return typed(operation, table(*lines), **changes)


def test_more_files_than_one_submission_takes_become_a_batch(operator: User, small: None) -> None:
    browser = browser_of(operator)
    page = reviewed(browser, many())
    assert "They become a batch of 3 submissions" in page
    answer = submit(browser, page)
    batch = Batch.objects.get()
    assert answer.url == f"/batches/{batch.pk}/"
    assert [row.files_total for row in batch.members.order_by("row")] == [2, 2, 1]
    assert {row.reason for row in batch.members.all()} == {"CHG-20311"}
    numbers = SubmissionFile.objects.order_by("file_id").values_list("row", "label")
    assert list(numbers) == [(n + 2, f"file {n}") for n in range(5)], "the lines of the table"


def test_one_archive_for_each_submission_where_the_operation_takes_one(operator: User) -> None:
    browser = browser_of(operator)
    page = reviewed(browser, typed("preview_archive", ONE, TWO))
    assert "a batch of 2 submissions" in page
    submit(browser, page)
    assert Batch.objects.get().total == 2


def test_more_submissions_than_a_batch_takes_are_refused_in_words(operator: User) -> None:
    answer = browser_of(operator).post(REVIEW, typed("preview_archive", *(file_id(n) for n in range(1001))))
    assert answer.status_code == 400
    assert "at most 1,000 submissions" in text(answer)


def test_a_batch_that_is_submitted_twice_is_made_once(operator: User, small: None) -> None:
    browser = browser_of(operator)
    page = reviewed(browser, many())
    assert submit(browser, page).url == submit(browser, page).url
    assert Batch.objects.count() == 1


def test_two_clicks_at_the_same_moment_make_one_batch(operator: User, small: None) -> None:
    page = reviewed(browser_of(operator), many())
    answers: list[str] = []

    def click() -> None:
        answers.append(submit(browser_of(operator), page).url)
        connections.close_all()

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert len(set(answers)) == 1
    assert (Batch.objects.count(), Submission.objects.count()) == (1, 3)


def test_a_batch_of_deletions_takes_one_phrase_and_one_approval(operator: User, small: None) -> None:
    browser = browser_of(operator)
    page = reviewed(browser, many("delete"))
    assert f'data-phrase="delete 5 from {SPACE}"' in page
    assert "has to approve exactly this batch" in page
    answer = submit(browser, page, phrase="delete 2 from it")
    assert answer.status_code == 400
    assert not Batch.objects.exists()
    assert submit(browser, answer.content.decode(), phrase=f"delete 5 from {SPACE}").status_code == 302
    assert {row.status for row in Submission.objects.all()} == {"awaiting_approval"}


def test_what_a_batch_warns_of_is_acknowledged_once_and_told_in_every_event(
    operator: User, service: Api, small: None
) -> None:
    other = service.post("submissions/", body("trash", files=1)).json()["id"]
    browser = browser_of(operator)
    page = reviewed(browser, typed("trash", *(file_id(n) for n in range(5))))
    assert f"/submissions/{other}/" in page
    assert "(5×)" in page
    assert submit(browser, page).status_code == 400
    assert submit(browser, page, acknowledged="on").status_code == 302
    members = list(Batch.objects.get().members.order_by("row"))
    told = [{each["code"]: each for each in events(row)[0]["acknowledged"]} for row in members]
    assert [each["file_path_missing"]["count"] for each in told] == [2, 2, 1]
    assert all(each["same_effect"]["submissions"] == [other] for each in told)


def test_the_policy_counts_the_whole_batch(operator: User, administrator: User, small: None) -> None:
    ruled(administrator, **{"above.copy": 4, "approvals_above.copy": 1})
    page = reviewed(browser_of(operator), many())
    assert "of more than 4 items (5 here) takes 1 approval." in page


def test_a_clone_that_became_a_batch_knows_its_original(operator: User, small: None) -> None:
    first = submissions.submit(body("copy"), by=acting(operator))
    browser = browser_of(operator)
    page = reviewed(browser, many(origin=f"clone:{first.pk}"))
    assert submit(browser, page, acknowledged="on").status_code == 302
    assert {row.clone_of_id for row in Batch.objects.get().members.all()} == {first.pk}


# --- The review ------------------------------------------------------------------------------------------------------
def test_the_review_shows_the_first_files_and_all_of_them_when_asked(operator: User) -> None:
    browser = browser_of(operator)
    page = reviewed(browser, many(count=120))
    assert "file 19<" in page
    assert "file 20<" not in page.partition('id="request"')[0]
    sealed = field(page, "sealed")
    everything = browser.post(REVIEW, {"sealed": sealed, "show": "all"}).content.decode()
    assert "file 119<" in everything
    assert submit(browser, everything).url == submit(browser, page).url, "another view of the same review"


@pytest.mark.parametrize(("asked", "part"), [("2", 2), ("0", 1), ("99", 3), ("x", 1), ("²", 1)])
def test_each_request_of_a_batch_is_shown_when_asked(operator: User, small: None, asked: str, part: int) -> None:
    browser = browser_of(operator)
    sealed = field(reviewed(browser, many()), "sealed")
    page = said(browser.post(REVIEW, {"sealed": sealed, "show": "part", "part": asked}).content.decode())
    assert f"The exact request {part} of 3, lines {part * 2} to {min(part * 2 + 1, 6)}" in page


def test_the_review_says_by_when_it_has_to_be_approved(operator: User) -> None:
    page = said(reviewed(browser_of(operator), typed("delete")))
    assert re.search(r"Without that it expires on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", page)


def test_coming_back_to_the_review_of_what_was_submitted_says_so(operator: User) -> None:
    browser = browser_of(operator)
    fields = typed("copy") | {"key": "00000000-0000-4000-8000-000000000001"}
    made = submit(browser, reviewed(browser, fields)).url
    page = reviewed(browser, fields)
    assert "You have submitted exactly this already." in page
    assert made in page
    assert "data-submits" not in page
    assert submit(browser, page).url == made, "even so it is made once"
    # Another form, or other content, is something else.
    other = reviewed(browser, fields | {"key": "00000000-0000-4000-8000-000000000002"})
    assert submit(browser, other, acknowledged="on").status_code == 302
    changed = reviewed(browser, fields | {"reason": "CHG-2"})
    assert submit(browser, changed, acknowledged="on").status_code == 302
    assert Submission.objects.count() == 3


def test_the_same_form_of_another_person_is_another_submission(operator: User) -> None:
    fields = typed("copy") | {"key": "00000000-0000-4000-8000-000000000001"}
    second = make_person("oscar", Role.OPERATOR)
    for person in (operator, second):
        browser = browser_of(person)
        assert submit(browser, reviewed(browser, fields), acknowledged="on").status_code == 302
    assert Submission.objects.count() == 2


def test_a_review_of_somebody_else_can_not_be_read(operator: User) -> None:
    page = reviewed(browser_of(operator), typed("copy"))
    second = browser_of(make_person("oscar", Role.OPERATOR))
    for address, more in ((f"{NEW}submit/", {}), (REVIEW, {"back": "1"}), (REVIEW, {"show": "all"})):
        answer = second.post(address, {"sealed": field(page, "sealed"), **more})
        assert answer.status_code == 400
        assert "compose it again" in text(answer)


def test_back_gives_the_form_as_it_was(operator: User) -> None:
    browser = browser_of(operator)
    given = typed("copy", table(f"{ONE},a,"), folder=FOLDER)
    page = browser.post(REVIEW, {"sealed": field(reviewed(browser, given), "sealed"), "back": "1"}).content.decode()
    assert box(page) == table(f"{ONE},a,").replace("\r\n", "\n")
    assert field(page, "folder") == FOLDER


@pytest.mark.parametrize("count", [1, 1500])
def test_no_page_of_composing_asks_the_database_often(operator: User, count: int) -> None:
    fields = typed("trash", *(file_id(n) for n in range(count)))
    browser = browser_of(operator)
    sealed = field(reviewed(browser, fields), "sealed")
    for address, given in (
        (REVIEW, fields),
        (REVIEW, {"sealed": sealed, "show": "all"}),
        (PREVIEW, fields),
        (TARGETS, fields | {"do": "rows"}),
    ):
        with CaptureQueriesContext(connection) as asked:
            assert browser.post(address, given).status_code == 200
        assert len(asked) <= MOST_QUERIES, (address, len(asked))


def test_ten_thousand_files_go_from_a_file_to_a_batch(operator: User) -> None:
    browser = browser_of(operator)
    content = table(*(f"{file_id(n)},file {n},/root/{n}" for n in range(10_000)))
    page = reviewed(browser, typed("copy", " ") | {"table": upload(content)})  # type: ignore[dict-item]
    assert "a batch of 10 submissions" in page
    assert submit(browser, page).status_code == 302
    assert SubmissionFile.objects.count() == 10_000
