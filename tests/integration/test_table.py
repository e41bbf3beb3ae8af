"""A table of the trail: every field where it belongs, and nothing in it that a spreadsheet takes for something else."""

import csv
import io
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jobs_app import audit, submissions
from jobs_app.audit import Action, table
from jobs_app.audit.copying import Progress
from jobs_app.audit.read import Line
from jobs_app.audit.search import Query
from jobs_app.models import Event, User
from tests.doors import operator_actor, past_the_guards
from tests.examples import SPACE, TASK, body

HEADER = (
    "seq,time (UTC),time (Asia/Shanghai),action,outcome,actor,name,auth,channel,ip,request,submission,operation,space,"
    "task,reference,reason,detail,hash"
)


def written(line: str, zone: str = "Asia/Shanghai") -> tuple[bytes, dict[str, Any]]:
    file = io.BytesIO()
    told = table.write_into(file, Query.read(line), ZoneInfo(zone), Progress())
    return file.getvalue(), told


def rows(line: str, zone: str = "Asia/Shanghai") -> list[dict[str, str]]:
    text = written(line, zone)[0].decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def noted(person: User, **details: Any) -> dict[str, str]:
    """The row of an event with these fields."""
    receipt = audit.record(Action.TASKS_NOTED, by=operator_actor(person), **details)
    return next(row for row in rows("action:tasks.noted") if row["seq"] == str(receipt.seq))


def test_it_has_a_mark_a_header_and_the_ends_of_lines_of_rfc_4180(operator: User) -> None:
    content, told = written(f"actor:person:{operator.pk}")
    assert content.startswith(b"\xef\xbb\xbf" + HEADER.encode() + b"\r\n")
    assert content.endswith(b"\r\n")
    assert told["events"] == len(content.splitlines()) - 1


def test_every_column_is_what_the_line_says(operator: User) -> None:
    made = submissions.submit(body("copy", reference="CHG-7"), by=operator_actor(operator))
    [row] = rows(f"submission:{made.pk}")
    event = Event.objects.get(submission=made.pk)
    said = Line(event.line).parsed
    assert row == {
        "seq": str(event.seq),
        "time (UTC)": said["at"],
        "time (Asia/Shanghai)": event.at.astimezone(ZoneInfo("Asia/Shanghai")).isoformat(timespec="microseconds"),
        "action": "submission.created",
        "outcome": "ok",
        "actor": f"person:{operator.pk}",
        "name": "olga",
        "auth": "session",
        "channel": "web",
        "ip": "192.0.2.7",
        "request": "test-request",
        "submission": str(made.pk),
        "operation": "copy",
        "space": SPACE,
        "task": "",
        "reference": "CHG-7",
        "reason": "CHG-20311 move of the archive",
        "detail": "",
        "hash": Line(event.line).hash,
    }
    assert row["time (Asia/Shanghai)"].endswith("+08:00")
    assert datetime.fromisoformat(row["time (UTC)"]) == event.at


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "'"])
def test_nothing_in_it_is_a_formula(operator: User, first: str) -> None:
    text = f'{first}HYPERLINK("http://x";"y"),2\r\nand a second line'
    row = noted(operator, reason=text, detail=f" {text}")
    assert row["reason"] == f"'{text}"
    assert row["detail"] == f" {text}"


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (TASK, f"'{TASK}"),
        ("123456789012345", "123456789012345"),
        ("1234567890123456", "'1234567890123456"),
        ("1E5", "'1E5"),
    ],
)
def test_long_numbers_survive_a_spreadsheet(operator: User, task: str, told: str) -> None:
    assert noted(operator, task=task)["task"] == told


def test_a_name_that_was_erased_is_empty(operator: User) -> None:
    noted(operator)
    past_the_guards(f"UPDATE audit.actor_name SET name = NULL, salt = NULL WHERE actor = 'person:{operator.pk}'")
    row = noted(operator)
    assert (row["actor"], row["name"]) == (f"person:{operator.pk}", "")


def test_many_events_come_in_order_and_in_portions(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "AT_ONCE", 3)
    by = operator_actor(operator)
    for number in range(10):
        audit.record(Action.TASKS_NOTED, by=by, detail=f'{number}\u2028 中文 \\ "')
    found = [row["detail"] for row in rows(f"actor:{by.id}")]
    assert found == [f'{number}\u2028 中文 \\ "' for number in range(10)]
