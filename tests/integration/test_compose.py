"""Composing: tables of targets that are loaded, mended and edited, what the page says before, and batches by review."""

import csv
import io
import re
import threading
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from jobs_app import submissions
from jobs_app.actors import Role
from jobs_app.models import Batch, Submission, SubmissionFile, User
from tests.composing import field, reviewed, submit, text, typed
from tests.conftest import Api, make_person
from tests.doors import operator_actor as acting
from tests.examples import FOLDER, OTHER_SPACE, SPACE, body, file_id
from tests.following import browser_of, events
from tests.policies import ruled

NEW = "/submissions/new/"
REVIEW, TARGETS, BAD, PREVIEW = f"{NEW}review/", f"{NEW}targets/", f"{NEW}targets/bad-rows/", f"{NEW}preview/"
MOST_QUERIES = 15
ONE, TWO, THREE = file_id(1), file_id(2), file_id(3)


def table(*lines: str, names: str = "fileId,name,filePath") -> str:
    return "\r\n".join([names, *lines]) + "\r\n"


def upload(content: str | bytes, name: str = "files.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content, "text/csv")


def done(person: User, do: str, fields: dict[str, str], **more: Any) -> str:
    """The form after what its button says."""
    answer = browser_of(person).post(TARGETS, {**fields, "do": do, **more})
    assert answer.status_code == 200, text(answer)
    return str(answer.content.decode())


def box(page: str) -> str:
    return field(page, "files").replace("\r\n", "\n")


def chosen(page: str) -> dict[str, str]:
    """What the page says of the columns."""
    selects = re.findall(r'<select[^>]*name="(\w+)".*?<option value="(\w*)" selected', page, re.S)
    return {**dict(selects), "columns_of": field(page, "columns_of")}


def said(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


# --- A file ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_goes_to_the_review_without_a_script_whatever_made_it(
    operator: User, encoding: str, separator: str
) -> None:
    lines = [("名称", "File ID"), ("报告 一", "1309243162258308352"), ("Möhre", TWO)]
    content = "\r\n".join(separator.join(line) for line in lines).encode(encoding)
    browser = browser_of(operator)
    page = reviewed(browser, typed("copy", " ") | {"table": upload(content)})  # type: ignore[dict-item]
    if encoding in ("gb18030", "utf-16"):
        assert f"It was read as {encoding.upper()}" in page
    assert submit(browser, page).status_code == 302
    made = Submission.objects.get()
    assert made.labels == {"1309243162258308352": "报告 一", TWO: "Möhre"}


def test_a_file_takes_the_place_of_what_stood_there_or_comes_below_it(operator: User) -> None:
    fields = typed("copy", ONE)
    page = done(operator, "load", fields, table=upload(table(f"{TWO},b,")))
    assert "“files.csv”: 1 file. They took the place of the 1 file that stood there." in said(page).replace(
        "&quot;", '"'
    )
    assert box(page) == f"fileId,name,filePath\n{TWO},b,\n"
    page = done(operator, "add", fields, table=upload(table(f"{TWO},b,")))
    assert box(page) == f"{ONE}\n{TWO}\tb"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xff\xff", "can&#x27;t be read as text"),
        (b"fileId\na\0b\n", "a table as text (CSV) of at most 8 MB"),
        (b"fileId\n" + b"x" * (8 * 1024**2), "a table as text (CSV) of at most 8 MB"),
        (b"fileId\n" + b"x\n" * 10_001, "at most 10,000 lines"),
        (b'fileId\n"x\n', "look at its quotation marks"),
    ],
    ids=["no text", "nul", "too large", "too long", "quotation mark"],
)
def test_a_file_that_is_no_table_is_told_in_words_and_takes_nothing(operator: User, content: bytes, words: str) -> None:
    page = done(operator, "load", typed("copy", ONE), table=upload(content))
    assert words in page
    answer = browser_of(operator).post(REVIEW, {**typed("copy"), "table": upload(content)})
    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_a_button_without_a_file_says_so(operator: User) -> None:
    assert "Choose a file first." in done(operator, "load", typed("copy", ONE))


def test_a_name_of_a_file_is_text(operator: User) -> None:
    page = done(operator, "load", typed("copy", " "), table=upload(table(ONE + ",,"), name="<svg onload=alert(1)>.csv"))
    assert "<svg onload" not in page


def test_columns_that_had_to_be_guessed_are_looked_at_before_the_review(operator: User) -> None:
    browser = browser_of(operator)
    fields = typed("copy", f"Objekt;Kennung\nReport;{ONE}")
    answer = browser.post(REVIEW, fields)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "Look whether the columns are the right ones" in page
    assert chosen(page)["column_fileId"] == "2"
    page = reviewed(browser, fields | chosen(page) | {"column_name": "1"})
    assert submit(browser, page).status_code == 302
    assert Submission.objects.get().labels == {ONE: "Report"}


# --- Errors ----------------------------------------------------------------------------------------------------------
BAD_LINES = (f"{ONE},a,/root/a", ",nameless,", f"{ONE},again,", f"{TWO},{'x' * 1001},", "1.3E+18,rounded,", "=1+1,ok,")


def test_every_line_with_an_error_is_told_at_once(operator: User) -> None:
    answer = browser_of(operator).post(REVIEW, typed("copy", table(*BAD_LINES), reason="", target=""))
    assert answer.status_code == 400
    page = said(answer.content.decode())
    assert "4 lines have to be mended." in page
    for words in ("Put something here", "this is the one of line 2", "at most 1000 characters", "has rounded this id"):
        assert words in page
    assert "Give reason." in page
    assert "Give dstContainerId." in page
    assert not Submission.objects.exists()


def test_what_has_errors_is_loaded_down_mended_and_takes_their_place(operator: User) -> None:
    fields = typed("copy", table(*BAD_LINES))
    answer = browser_of(operator).post(BAD, fields)
    assert answer["Content-Disposition"] == 'attachment; filename="to-mend.csv"'
    content = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert [row["name"][:8] for row in rows] == ["nameless", "again", "xxxxxxxx", "rounded"]
    assert all(row["error"] for row in rows)
    mended = [
        f"{THREE},nameless,,{rows[0]['error']}",
        f"{TWO},short,,too long",
        "'1309243162258308352,whole,,rounded",
    ]
    page = done(
        operator, "load", fields, table=upload(table(*mended, names="fileId,name,filePath,error"), name="mended.csv")
    )
    assert "They took the place of the 4 lines that had errors." in said(page)
    assert box(page).split("\n") == [
        f"{ONE}\ta\t/root/a",
        "=1+1\tok",
        f"{THREE}\tnameless",
        f"{TWO}\tshort",
        "1309243162258308352\twhole",
    ]
    assert "to be mended" not in page


def test_repeated_lines_go_with_one_click(operator: User) -> None:
    fields = typed("copy", table(f"{ONE},a,", f"{TWO},b,", f"{ONE},c,", f"{ONE},d,"))
    assert "Remove 2 repeated lines" in said(done(operator, "columns", fields))
    page = done(operator, "once", fields)
    assert "2 lines that named a file again are gone." in page
    assert box(page) == f"{ONE}\ta\n{TWO}\tb"


def test_lines_with_errors_go_with_one_click(operator: User) -> None:
    page = done(operator, "drop", typed("copy", table(*BAD_LINES)))
    assert "4 lines with errors are gone." in page
    assert box(page) == f"{ONE}\ta\t/root/a\n=1+1\tok"


def test_the_list_is_emptied_with_one_click(operator: User) -> None:
    assert box(done(operator, "clear", typed("copy", ONE))) == ""


# --- Row by row ------------------------------------------------------------------------------------------------------
def test_rows_are_edited_added_and_removed_one_by_one(operator: User) -> None:
    fields = typed("copy", table(f"{ONE},a,", f"{TWO},b,"))
    page = done(operator, "rows", fields)
    assert page.count('name="row_fileId"') == 2 + 5
    edited = fields | {
        "in_rows": "1",
        "row_number": ["2", "3", "", ""],
        "row_fileId": [ONE, "", THREE, ""],
        "row_name": ["changed", "", "new", ""],
        "row_filePath": ["/root/a", "", "", ""],
    }
    page = done(operator, "page:0", edited)  # type: ignore[arg-type]
    assert box(page) == f"{ONE}\tchanged\t/root/a\n{THREE}\tnew"
    assert 'name="in_rows"' in page
    browser = browser_of(operator)
    assert submit(browser, reviewed(browser, edited)).status_code == 302  # type: ignore[arg-type]
    assert Submission.objects.get().labels == {ONE: "changed", THREE: "new"}


def test_rows_with_errors_stand_alone_and_are_mended_in_place(operator: User) -> None:
    fields = typed("copy", table(f"{ONE},a,", ",b,", f"{TWO},c,"))
    page = done(operator, "bad", fields)
    assert re.findall(r'name="row_number" value="(\d*)"', page) == ["3"]
    edited = fields | {"in_rows": "1", "only_bad": "1", "row_number": "3", "row_fileId": THREE}
    assert box(done(operator, "text", edited | {"row_name": "b", "row_filePath": ""})).split("\n")[1] == f"{THREE}\tb"


@pytest.mark.parametrize("start", ["0", "50", "100", "99999999999999", "-1", "x", "²", ""])
def test_many_rows_are_edited_page_by_page(operator: User, start: str) -> None:
    fields = typed("copy", *(file_id(n) for n in range(120))) | {"in_rows": "1"}
    page = done(operator, f"page:{start}", fields)
    first = int(start) if start in ("50", "100") else 0
    numbers = re.findall(r'name="row_number" value="(\d+)"', page)
    assert numbers == [str(n + 1) for n in range(first, min(first + 50, 120))]


def test_a_box_that_was_not_edited_stays_as_it_was_typed(operator: User) -> None:
    given = table(f"{ONE},a,")
    row = {"row_number": "2", "row_fileId": ONE, "row_name": "a", "row_filePath": ""}
    assert box(done(operator, "text", typed("copy", given) | row)) == given.replace("\r\n", "\n")


# --- Who may ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", [None, Role.APPROVER, Role.AUDITOR, Role.ADMINISTRATOR])
@pytest.mark.parametrize("address", [TARGETS, BAD, PREVIEW, REVIEW])
def test_who_may_not_submit_does_nothing_with_tables(database: None, role: Role | None, address: str) -> None:
    browser = browser_of(make_person("else", *([role] if role else [])))
    assert browser.post(address, typed("copy") | {"do": "once"}).status_code == 403
    assert browser.get(f"{TARGETS}template/").status_code == 403


@pytest.mark.parametrize("address", [TARGETS, BAD, PREVIEW, REVIEW])
def test_what_names_no_operation_is_refused_in_words(operator: User, address: str) -> None:
    answer = browser_of(operator).post(address, {"operation": "clear", "files": ONE})
    assert answer.status_code == 400
    assert "Choose an operation first." in text(answer)


@pytest.mark.parametrize("address", [REVIEW, f"{NEW}submit/"])
def test_whoever_had_to_sign_in_on_the_way_begins_with_the_form(operator: User, address: str) -> None:
    answer = browser_of(operator).get(address)
    assert (answer.status_code, answer.url) == (302, NEW)


def test_the_template_is_a_table_that_spreadsheets_open(operator: User) -> None:
    answer = browser_of(operator).get(f"{TARGETS}template/")
    assert b"".join(answer.streaming_content) == b"\xef\xbb\xbffileId,name,filePath\r\n"


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


def test_mending_the_last_line_brings_the_box_back(operator: User) -> None:
    fields = typed("copy", table(f"{ONE},a,", ",b,"))
    page = done(operator, "drop", fields | {"in_rows": "1", "only_bad": "1"})
    assert 'name="row_fileId"' not in page
    assert box(page) == f"{ONE}\ta"


def test_ten_thousand_files_go_from_a_file_to_a_batch(operator: User) -> None:
    browser = browser_of(operator)
    content = table(*(f"{file_id(n)},file {n},/root/{n}" for n in range(10_000)))
    page = reviewed(browser, typed("copy", " ") | {"table": upload(content)})  # type: ignore[dict-item]
    assert "a batch of 10 submissions" in page
    assert submit(browser, page).status_code == 302
    assert SubmissionFile.objects.count() == 10_000
