"""A table of files: one operation on all of them, in as many submissions as it takes; errors name its lines."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.test import Client as Browser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs_app import bulk, submissions
from jobs_app.actors import SUBMISSION_SCOPES
from jobs_app.errors import Invalid
from jobs_app.models import Batch, Submission, SubmissionFile, User
from tests.conftest import Api, token_of
from tests.doors import operator_actor
from tests.examples import FOLDER, SPACE, body, file_id

COPY = {
    "operation": "copy",
    "srcContainerId": SPACE,
    "dstContainerId": SPACE,
    "newFilePath": FOLDER,
    "reason": "CHG-1",
}


class Importer:
    def __init__(self, token: str) -> None:
        self._token, self._client = token, Browser(raise_request_exception=False)

    def __call__(self, table: str | bytes, content_type: str = "text/csv", key: str = "", **parameters: str) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} | ({"Idempotency-Key": key} if key else {})
        path = f"/api/v1/submissions/bulk/?{urlencode(COPY | parameters)}"
        return self._client.post(path, table, content_type=content_type, headers=headers)


@pytest.fixture
def load(database: None) -> Importer:
    return Importer(token_of("payroll", *SUBMISSION_SCOPES))


def table(count: int, *, first: int = 0) -> str:
    return "fileId\n" + "".join(f"{file_id(number)}\n" for number in range(first, first + count))


def errors(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.content
    return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]


def test_a_table_becomes_one_submission_with_names_and_paths(load: Importer) -> None:
    answer = load(f'fileId,name,filePath\r\n{file_id(1)},"Report, old",/root/a\r\n\r\n{file_id(2)},,\r\n')
    assert answer.status_code == 201
    [result] = answer.json()["results"]
    made = result["submission"]
    assert (made["source"], made["operation"], made["reason"]) == ("import", "copy", "CHG-1")
    assert made["request"]["taskInfo"]["fileInfo"] == [
        {"fileId": file_id(1), "filePath": "/root/a"},
        {"fileId": file_id(2)},
    ]
    assert made["labels"] == {file_id(1): "Report, old"}
    assert list(SubmissionFile.objects.values_list("row", flat=True)) == [2, 4], "a file doesn't know its line"


def test_more_files_than_one_submission_takes_become_several(load: Importer, settings: LazySettings) -> None:
    settings.KOODRIVE_MAX_FILES = 3
    results = load(table(7)).json()["results"]
    assert [each["submission"]["files"]["total"] for each in results] == [3, 3, 1]
    assert [each["index"] for each in results] == [2, 5, 8], "not the lines of the first files"
    assert list(SubmissionFile.objects.order_by("row").values_list("file_id", flat=True)) == list(
        map(file_id, range(7))
    )
    assert Batch.objects.get().operation == "copy"


def test_archives_are_listed_one_by_one(load: Importer) -> None:
    answer = load(table(3), operation="preview_archive", newFilePath="")
    assert [each["submission"]["files"]["total"] for each in answer.json()["results"]] == [1, 1, 1]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_tables_of_spreadsheets_are_read(load: Importer, separator: str, mark: bytes) -> None:
    text = separator.join(["fileId", "name"]) + "\r\n" + separator.join([file_id(1), "Möhre"]) + "\r\n"
    made = load(mark + text.encode()).json()["results"][0]["submission"]
    assert made["labels"] == {file_id(1): "Möhre"}


def test_what_holds_for_all_may_stand_in_columns(load: Importer) -> None:
    text = f"fileId,operation,reason\n{file_id(1)},move,CHG-9\n{file_id(2)},move,\n"
    made = load(text, operation="", reason="").json()["results"][0]["submission"]
    assert (made["operation"], made["reason"], made["files"]["total"]) == ("move", "CHG-9", 2)


def test_every_error_is_told_at_once_with_its_line(load: Importer, settings: LazySettings) -> None:
    settings.KOODRIVE_MAX_FILES = 2
    text = (
        "fileId,name,reason\n"
        f"{file_id(1)},ok,CHG-1\n"
        ",nameless,\n"
        f"{file_id(1)},again in another part,\n"
        f"{file_id(3)},{'x' * 1001},\n"
        f"{file_id(4)},ok,another\n"
        f"{file_id(5)}\n"
        f'{file_id(6)},"two\nlines",\n'
        f"{'x' * 257},long,\n"
    )
    found = errors(load(text, dstContainerId=" ", notAfter="soon", more="1"))
    assert sorted(found) == sorted(
        [
            ("/dstContainerId", "empty"),
            ("/notAfter", "wrong_format"),
            ("/lines/3/fileId", "empty"),
            ("/lines/4/fileId", "duplicate"),
            ("/lines/5/name", "too_long"),
            ("/lines/6/reason", "differs"),
            ("/lines/7", "wrong_length"),
            ("/lines/8/name", "forbidden_character"),
            ("/lines/10/fileId", "too_long"),
            ("more", "unknown_field"),
        ]
    )
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("text", "pointer", "code"),
    [
        ("\n\n", "/lines/1/fileId", "required"),
        ("fileId\n", "/lines", "empty"),
        ("name\nx\n", "/lines/1/fileId", "required"),
        ("fileId,colour\nx,red\n", "/lines/1/colour", "unknown_column"),
        ("fileId,fileId\nx,y\n", "/lines/1/fileId", "duplicate"),
        ("fileId\n1.30924E+18\n", "/lines/2/fileId", "rounded"),
        ('fileId\n"x\n', "/lines/2", "malformed"),
        ('fileId\n"x"y\n', "/lines/2", "malformed"),
        ("fileId\n" + "x" * 200_000, "/lines/2", "malformed"),
    ],
    ids=range(9),
)
def test_what_is_no_table_is_refused_in_words(load: Importer, text: str, pointer: str, code: str) -> None:
    assert (pointer, code) in errors(load(text))


@pytest.mark.parametrize("operation", ["", "clear", "extract_some"])
def test_an_operation_that_no_table_can_ask_for_is_refused(load: Importer, operation: str) -> None:
    pointers = {pointer for pointer, _ in errors(load(table(1), operation=operation))}
    assert pointers == {"/uncompressFilePaths" if operation == "extract_some" else "/operation"}


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "latin-1"])
def test_a_table_in_another_encoding_is_refused(load: Importer, encoding: str) -> None:
    answer = load(f"fileId,name\n{file_id(1)},Möhre\n".encode(encoding))
    assert answer.status_code == 400
    assert "UTF-8" in answer.json()["detail"]


def test_too_much_is_refused_whole(load: Importer, settings: LazySettings) -> None:
    assert load(table(10_001)).status_code == 413
    settings.KOODRIVE_MAX_FILES = 9
    assert load(table(9_001)).status_code == 413, "more than 1,000 submissions"
    assert load(b"x" * (12 * 1024 * 1024 + 1)).status_code == 413
    assert not Batch.objects.exists()


def test_ten_thousand_files_are_one_call(load: Importer) -> None:
    answer = load(table(10_000))
    assert answer.status_code == 201
    assert len(answer.json()["results"]) == 10
    assert SubmissionFile.objects.count() == 10_000


def test_the_same_table_again_gives_the_same_batch(load: Importer) -> None:
    first, again = load(table(2), key="k"), load(table(2), key="k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert load(table(3), key="k").status_code == 422
    assert load(table(2), key="k", reason="another").status_code == 422


def test_only_this_call_takes_a_table(load: Importer, service: Api) -> None:
    other = Browser().post("/api/v1/submissions/", "fileId\n", content_type="text/csv", headers=service._headers)
    assert other.status_code == 415
    assert load(table(1), content_type="text/plain").status_code == 415


def test_who_may_not_submit_imports_nothing(database: None) -> None:
    assert Importer(token_of("reader", SUBMISSION_SCOPES[0]))(table(1)).status_code == 403
    assert not Submission.objects.exists()


# --- The same inputs are refused by every door -----------------------------------------------------------------------
_TEXT = st.text(st.sampled_from("aF/,;\"'\n\r\t\0\x1f\x85 \xa0é漢‮=-"), max_size=4)
_LONG = st.sampled_from([0, 0, 0, 255, 256, 1000, 4096])
_VALUE = st.builds(lambda text, length: (text + "x" * length).strip(" "), _TEXT, _LONG)
_FILES = st.lists(st.tuples(st.one_of(_VALUE, st.just("twin")), _VALUE), min_size=1, max_size=4)


def _codes(submit: Any) -> list[str]:
    """The codes that a door refuses with; none when it takes it."""
    try:
        submit()
    except Invalid as error:
        return sorted(problem.code for problem in error.problems)
    return []


@given(files=_FILES, space=_VALUE, folder=_VALUE, reason=_VALUE)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_by_one_in_bulk_and_by_table_the_same_is_refused(
    operator: User, files: list[tuple[str, str]], space: str, folder: str, reason: str
) -> None:
    by = operator_actor(operator)
    document = body("copy", dstContainerId=space, reason=reason)
    document["taskInfo"] |= {"newFilePath": folder}
    document["taskInfo"]["fileInfo"] = [{"fileId": id_} | ({"filePath": path} if path else {}) for id_, path in files]
    shared = {"operation": "copy", "srcContainerId": SPACE, "dstContainerId": space, "newFilePath": folder}
    # An empty parameter is no parameter: a table can't say that a field is there and empty.
    for name, parent in (("dstContainerId", document), ("newFilePath", document["taskInfo"]), ("reason", document)):
        if not parent[name]:
            del parent[name]
    rows = [["fileId", "filePath"], *map(list, files)]
    text = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows)
    # A line in which nothing stands is no file.
    document["taskInfo"]["fileInfo"] = [each for each in document["taskInfo"]["fileInfo"] if any(each.values())]
    if not document["taskInfo"]["fileInfo"]:
        return
    single = _codes(lambda: submissions.submit(document, by=by))
    many = _codes(lambda: bulk.submit({"submissions": [document]}, by=by))
    imported = _codes(lambda: bulk.submit_table(text, shared | {"reason": reason}, by=by))
    assert single == many == imported
