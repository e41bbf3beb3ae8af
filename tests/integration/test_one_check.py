"""The form, the API's calls and tables of files refuse the same for the same reasons, and take the same."""

import csv
import html
import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs_app.actors import SUBMISSION_SCOPES, Role
from jobs_app.operations import OPERATIONS, Operation
from tests.conftest import make_person, token_of
from tests.examples import body, file_id

Said = set[tuple[str, str]]  # codes and sentences

# What a table and a form can say as well: no separators, and nothing around it that they would take off.
SEPARATORS = "\r\n\t,;"
TEXTS = st.one_of(
    st.text(st.characters(exclude_characters=SEPARATORS, exclude_categories=["Cs"]), min_size=1, max_size=6),
    st.sampled_from(
        ["x" * 257, "x" * 1001, "a\x0bb", "a\x85b", "a\u2028b", "see \u202egpj.exe", "a\x00b", "münchen", "=1+1"]
    ),
).filter(lambda text: text == text.strip())
TIMES = st.sampled_from(["tomorrow", "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59Z"])


@st.composite
def requests(draw: Any) -> tuple[Operation, dict[str, Any]]:
    """A good request of an operation with some of its texts changed or left out."""
    operation = draw(st.sampled_from([each for each in OPERATIONS if each.name != "extract_some"]))
    document = body(operation.name, files=1 if operation.one_file else draw(st.integers(1, 3)))
    info = document["taskInfo"]
    for row in info["fileInfo"]:
        if draw(st.booleans()):
            row["fileId"] = draw(st.one_of(TEXTS, st.just(file_id(0))))
    for where, name in ((info, "srcContainerId"), (info, "newFilePath"), (document, "dstContainerId")):
        _change(draw, where, name, TEXTS)
    _change(draw, document, "reason", TEXTS)
    _change(draw, document, "reference", TEXTS)
    for name in ("notBefore", "notAfter"):
        _change(draw, document, name, TIMES)
    return operation, document


def _change(draw: Any, where: dict[str, Any], name: str, values: Any) -> None:
    match draw(st.sampled_from(["as it is", "as it is", "other", "none"])):
        case "other":
            where[name] = draw(values)
        case "none":
            where.pop(name, None)


class Doors:
    """The same request through each of them: what is said of it, nothing when it is taken."""

    def __init__(self) -> None:
        self._service = Client()
        self._headers = {"Authorization": f"Bearer {token_of('payroll', *SUBMISSION_SCOPES)}"}
        self._person = Client()
        self._person.force_login(make_person("olga", Role.OPERATOR))

    def _post(self, path: str, data: str, kind: str = "application/json") -> Any:
        return self._service.post(f"/api/v1/submissions/{path}", data, content_type=kind, headers=self._headers)

    def create(self, document: dict[str, Any]) -> Said:
        return said(self._post("", json.dumps(document)))

    def validate(self, document: dict[str, Any]) -> Said:
        answer = self._post("validate/", json.dumps(document))
        return {(each["code"], each["detail"]) for each in answer.json()["errors"]}

    def bulk(self, document: dict[str, Any]) -> Said:
        return said(self._post("bulk/", json.dumps({"submissions": [document]})))

    def table(self, operation: Operation, document: dict[str, Any]) -> Said:
        info, out = document["taskInfo"], io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["fileId", "filePath"])
        writer.writerows([row["fileId"], row.get("filePath", "")] for row in info["fileInfo"])
        given = {"operation": operation.name, **info, **document}
        shared = ("operation", "srcContainerId", "dstContainerId", "newFilePath", "reason", "reference")
        query = urlencode({name: given[name] for name in (*shared, "notBefore", "notAfter") if name in given})
        return said(self._post(f"bulk/?{query}", out.getvalue(), "text/csv"))

    def form(self, operation: Operation, document: dict[str, Any]) -> tuple[bool, str]:
        """Whether it is taken, and the page."""
        info, out = document["taskInfo"], io.StringIO()
        # With names above the columns nothing has to be guessed, and asked about first.
        writer = csv.writer(out, delimiter="\t")
        writer.writerow(["fileId", "name", "filePath"])
        writer.writerows([row["fileId"], "", row.get("filePath", "")] for row in info["fileInfo"])
        places = {
            "source": info.get("srcContainerId", ""),
            "folder": info.get("newFilePath", ""),
            "target": document.get("dstContainerId", ""),
            "reason": document.get("reason", ""),
            "reference": document.get("reference", ""),
            "not_before": document.get("notBefore", ""),
            "not_after": document.get("notAfter", ""),
        }
        answer = self._person.post(
            "/submissions/new/review/", {"operation": operation.name, "files": out.getvalue(), **places}
        )
        return answer.status_code == 200, html.unescape(answer.content.decode())


def said(answer: Any) -> Said:
    assert answer.status_code in (201, 400), answer.content
    return {(each["code"], each["detail"]) for each in answer.json().get("errors", [])}


@pytest.fixture
def doors(database: None) -> Doors:
    return Doors()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(given=requests())
def test_every_door_says_the_same(doors: Doors, given: tuple[Operation, dict[str, Any]]) -> None:
    operation, document = given
    found = doors.validate(document)
    assert doors.create(document) == found
    assert doors.bulk(document) == found
    # Which line names a file again, the table and the form, which holds one as well, say in their own words.
    codes = {code for code, _ in found}
    assert {code for code, _ in doors.table(operation, document)} == codes
    is_taken, page = doors.form(operation, document)
    assert is_taken == (not found)
    for code, detail in found:
        # What an operation doesn't take has no field, so nobody can be told beside it.
        shown = detail.partition(";")[0] if code == "duplicate" else detail
        assert code == "not_taken" or shown in page


def test_good_requests_are_taken_by_every_door(doors: Doors) -> None:
    for operation in OPERATIONS:
        if operation.name != "extract_some":
            document = body(operation.name, reference="R-1")
            assert doors.create(document) == doors.bulk(document) == doors.table(operation, document) == set()
            assert doors.form(operation, document)[0]
