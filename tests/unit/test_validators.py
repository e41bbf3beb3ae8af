"""What a request may be: every operation passes, everything the contract forbids is refused with its code and place."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs_app import validators
from jobs_app.errors import Invalid
from jobs_app.operations import OPERATIONS, Use
from tests.examples import FILE, FOLDER, VENDOR_EXAMPLE, body, file_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMIT = 10


def check(values: Any) -> validators.Request:
    return validators.check(values, max_files=LIMIT, now=NOW)


def problems(values: Any) -> set[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        check(values)
    assert all(problem.detail.endswith(".") for problem in caught.value.problems)
    return {(problem.pointer, problem.code) for problem in caught.value.problems}


def changed(operation: str, path: str, value: Any) -> dict[str, Any]:
    """A good body with the value at this path replaced, or taken out when it is ``...``."""
    document = body(operation)
    *parents, name = path.split(".")
    target: Any = document
    for parent in parents:
        target = target[int(parent) if isinstance(target, list) else parent]
    if value is ...:
        del target[name]
    else:
        target[name] = value
    return document


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_a_good_body_passes_unchanged(operation: Any) -> None:
    given = body(operation.name)
    request = check(given)
    assert request.operation is operation
    assert request.body == {name: value for name, value in given.items() if name != "reason"}
    assert not request.warnings


def test_the_vendors_example_passes_field_for_field() -> None:
    assert check(VENDOR_EXAMPLE | {"reason": "as documented"}).body == VENDOR_EXAMPLE


@pytest.mark.parametrize(("operation", "action"), [("copy", 101), ("move", 301)])
def test_an_omitted_action_is_filled_in(operation: str, action: int) -> None:
    given = body(operation)
    del given["actionType"]
    assert check(given).body["actionType"] == action


def test_the_hash_is_of_the_meaning_not_of_the_key_order() -> None:
    given = body("copy")
    turned = dict(reversed(given.items()))
    assert check(given).sha256 == check(turned).sha256
    assert check(given).sha256 != check(body("copy", dstContainerId="another")).sha256


def test_the_password_is_masked_in_the_body_and_kept_apart() -> None:
    request = check(body("extract", password="open sesame"))
    assert request.body["password"] == validators.MASK
    assert request.password == "open sesame"


REFUSED = [
    ("copy", "taskType", ..., {("/taskType", "required")}),
    ("copy", "taskType", "1", {("/taskType", "wrong_type")}),
    ("copy", "taskType", True, {("/taskType", "wrong_type")}),
    ("copy", "taskType", 1.0, {("/taskType", "wrong_type")}),
    ("copy", "taskType", None, {("/taskType", "wrong_type")}),
    ("copy", "taskType", 7, {("/taskType", "not_supported")}),
    ("copy", "taskType", 8, {("/taskType", "unknown_value")}),
    ("copy", "actionType", "101", {("/actionType", "wrong_type")}),
    ("copy", "actionType", 201, {("/actionType", "unknown_pair")}),
    ("restore", "actionType", 401, {("/actionType", "unknown_pair")}),
    ("package", "actionType", 0, {("/actionType", "unknown_pair")}),
    ("trash", "actionType", ..., {("/actionType", "action_required")}),
    ("extract", "actionType", ..., {("/actionType", "action_required")}),
    ("copy", "taskInfo", ..., {("/taskInfo", "required")}),
    ("copy", "taskInfo", [], {("/taskInfo", "wrong_type")}),
    ("copy", "taskInfo.extra", 1, {("/taskInfo/extra", "unknown_field")}),
    ("copy", "extra/~", 1, {("/extra~1~0", "unknown_field")}),
    ("copy", "taskInfo.fileInfo", ..., {("/taskInfo/fileInfo", "required")}),
    ("copy", "taskInfo.fileInfo", [], {("/taskInfo/fileInfo", "empty")}),
    ("copy", "taskInfo.fileInfo", {}, {("/taskInfo/fileInfo", "wrong_type")}),
    ("copy", "taskInfo.fileInfo", ["x"], {("/taskInfo/fileInfo/0", "wrong_type")}),
    ("copy", "taskInfo.fileInfo.0.fileId", ..., {("/taskInfo/fileInfo/0/fileId", "required")}),
    ("copy", "taskInfo.fileInfo.0.fileId", 7, {("/taskInfo/fileInfo/0/fileId", "wrong_type")}),
    ("copy", "taskInfo.fileInfo.0.fileId", "  ", {("/taskInfo/fileInfo/0/fileId", "empty")}),
    ("copy", "taskInfo.fileInfo.0.fileId", "a\x00b", {("/taskInfo/fileInfo/0/fileId", "forbidden_character")}),
    ("copy", "taskInfo.fileInfo.0.fileId", "a\ud800", {("/taskInfo/fileInfo/0/fileId", "forbidden_character")}),
    ("copy", "taskInfo.fileInfo.0.fileId", "x" * 257, {("/taskInfo/fileInfo/0/fileId", "too_long")}),
    ("copy", "taskInfo.fileInfo.0.size", 1, {("/taskInfo/fileInfo/0/size", "unknown_field")}),
    ("copy", "taskInfo.srcContainerId", ..., {("/taskInfo/srcContainerId", "required")}),
    ("copy", "taskInfo.newFilePath", 5, {("/taskInfo/newFilePath", "wrong_type")}),
    ("copy", "taskInfo.uncompressFilePaths", ["a"], {("/taskInfo/uncompressFilePaths", "not_taken")}),
    ("extract", "taskInfo.uncompressFilePaths", ["a"], {("/taskInfo/uncompressFilePaths", "not_taken")}),
    ("extract_some", "taskInfo.uncompressFilePaths", ..., {("/taskInfo/uncompressFilePaths", "required")}),
    ("extract_some", "taskInfo.uncompressFilePaths", [], {("/taskInfo/uncompressFilePaths", "empty")}),
    ("extract_some", "taskInfo.uncompressFilePaths", [1], {("/taskInfo/uncompressFilePaths/0", "wrong_type")}),
    ("copy", "dstContainerId", ..., {("/dstContainerId", "required")}),
    ("copy", "dstContainerId", "", {("/dstContainerId", "empty")}),
    ("copy", "password", "x", {("/password", "not_taken")}),
    ("package", "password", "x", {("/password", "not_taken")}),
    ("extract", "password", "", {("/password", "empty")}),
    ("trash", "taskInfo.newFilePath", FOLDER, {("/taskInfo/newFilePath", "not_taken")}),
    ("preview_archive", "taskInfo.newFilePath", FOLDER, {("/taskInfo/newFilePath", "not_taken")}),
    ("copy", "reason", ..., {("/reason", "required")}),
    ("copy", "reason", " ", {("/reason", "empty")}),
    ("copy", "reason", "one\ntwo", {("/reason", "forbidden_character")}),
    ("copy", "reason", "see \u202egpj.exe", {("/reason", "forbidden_character")}),
    ("copy", "reference", 12, {("/reference", "wrong_type")}),
    ("copy", "labels", [], {("/labels", "wrong_type")}),
    ("copy", "labels", {"F/1": "a"}, {("/labels/F~11", "unknown_file")}),
    ("copy", "notBefore", "tomorrow", {("/notBefore", "wrong_format")}),
    ("copy", "notBefore", "2026-03-02T00:00:00", {("/notBefore", "wrong_format")}),
    ("copy", "notBefore", "2026-02-31T00:00:00Z", {("/notBefore", "wrong_format")}),
    ("copy", "notAfter", "2026-03-01T11:59:59Z", {("/notAfter", "in_the_past")}),
    ("copy", "notAfter", "2026-04-01T12:00:01Z", {("/notAfter", "too_late")}),
]


@pytest.mark.parametrize(("operation", "path", "value", "expected"), REFUSED)
def test_what_is_forbidden_is_refused_with_its_place(
    operation: str, path: str, value: Any, expected: set[tuple[str, str]]
) -> None:
    assert problems(changed(operation, path, value)) == expected


@pytest.mark.parametrize("values", [None, [], "text", 7, [body("copy")]])
def test_anything_but_an_object_is_refused(values: Any) -> None:
    assert problems(values) == {("", "wrong_type")}


def test_every_problem_is_told_at_once() -> None:
    found = problems({"taskType": 2, "taskInfo": {"fileInfo": [{"fileId": FILE}, {"fileId": FILE}, {}]}, "extra": 1})
    assert found == {
        ("/actionType", "action_required"),
        ("/taskInfo/fileInfo/1/fileId", "duplicate"),
        ("/taskInfo/fileInfo/2/fileId", "required"),
        ("/taskInfo/srcContainerId", "required"),
        ("/dstContainerId", "required"),
        ("/reason", "required"),
        ("/extra", "unknown_field"),
    }


def test_as_many_files_as_allowed_pass_and_one_more_does_not() -> None:
    assert len(check(body("copy", files=LIMIT)).files) == LIMIT
    assert problems(body("copy", files=LIMIT + 1)) == {("/taskInfo/fileInfo", "too_many")}


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.one_file], ids=lambda each: each.name)
def test_an_archive_operation_on_one_file_takes_one_file(operation: Any) -> None:
    assert problems(body(operation.name, files=2)) == {("/taskInfo/fileInfo", "too_many")}


def test_a_time_window_must_be_one() -> None:
    early, late = (NOW + timedelta(hours=hours) for hours in (1, 2))
    request = check(body("copy", notBefore=early.isoformat(), notAfter=late.isoformat()))
    assert (request.not_before, request.not_after) == (early, late)
    turned = body("copy", notBefore=late.isoformat(), notAfter=early.isoformat())
    assert problems(turned) == {("/notAfter", "wrong_order")}


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.new_file_path is Use.ADVISED], ids=lambda each: each.name
)
def test_a_missing_target_folder_is_a_warning(operation: Any) -> None:
    given = changed(operation.name, "taskInfo.newFilePath", ...)
    assert [(each.pointer, each.code) for each in check(given).warnings] == [
        ("/taskInfo/newFilePath", "target_folder_missing")
    ]


def test_each_trashed_file_without_its_path_is_a_warning() -> None:
    given = body("trash", files=3)
    del given["taskInfo"]["fileInfo"][1]["filePath"]
    assert [each.pointer for each in check(given).warnings] == ["/taskInfo/fileInfo/1/filePath"]


def test_labels_stand_beside_the_files_and_are_not_sent() -> None:
    request = check(body("copy", files=2, labels={file_id(1): "报告.pdf"}))
    assert [file.label for file in request.files] == ["", "报告.pdf"]
    assert "labels" not in request.body
