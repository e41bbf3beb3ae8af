"""Composing: tables of targets that are loaded, mended and edited."""

import csv
import io
import re
from typing import Any

import pytest

from jobs_app.actors import Role
from jobs_app.models import Submission, User
from jobs_app.operations import OPERATIONS, Operation
from tests.composing import (
    BAD,
    NEW,
    PREVIEW,
    REVIEW,
    TARGETS,
    box,
    chosen,
    done,
    field,
    reviewed,
    said,
    submit,
    table,
    text,
    typed,
    upload,
)
from tests.conftest import make_person
from tests.examples import file_id
from tests.following import browser_of

ONE, TWO, THREE = file_id(1), file_id(2), file_id(3)


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


def test_mending_the_last_line_brings_the_box_back(operator: User) -> None:
    fields = typed("copy", table(f"{ONE},a,", ",b,"))
    page = done(operator, "drop", fields | {"in_rows": "1", "only_bad": "1"})
    assert 'name="row_fileId"' not in page
    assert box(page) == f"{ONE}\ta"


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


# --- The example of a demo -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_a_demo_fills_in_an_example_that_can_be_submitted(operator: User, operation: Operation) -> None:
    browser = browser_of(operator)
    address = f"/submissions/new/?operation={operation.name}"
    assert f"{address}&amp;example" in browser.get(address).content.decode()
    page = browser.get(f"{address}&example").content.decode()
    fields = {name: field(page, name) for name in ("files", "source", "target", "folder", "entries", "reason", "key")}
    review = reviewed(browser, {"operation": operation.name, **chosen(page), **fields})
    assert "report 1.pdf" in review
    assert "Please consider" not in review


def test_a_production_has_no_example(operator: User, settings: Any) -> None:
    settings.IS_DEMO = False
    page = browser_of(operator).get("/submissions/new/?operation=copy&example").content.decode()
    assert "Fill in an example" not in page
    assert field(page, "source") == ""
