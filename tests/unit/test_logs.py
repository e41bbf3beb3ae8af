"""The log as JSON: one object a line, whatever is said, with the ids of the work; and the trace of a caller."""

import json
import logging
import sys
from typing import Any

import pytest

from jobs_app import tracing
from portal import logs

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def told(message: str, *values: object, **more: Any) -> dict[str, Any]:
    record = logging.LogRecord(
        "jobs_app.some", logging.WARNING, __file__, 1, message, values, **{"exc_info": None} | more
    )
    line = logs.Objects().format(record)
    assert "\n" not in line
    assert not logs.is_event(line)
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_says_when_how_bad_who_and_what() -> None:
    found = told("%s of %d", "three", 4)
    assert found.pop("time").endswith("+00:00")
    assert found == {"level": "WARNING", "logger": "jobs_app.some", "message": "three of 4"}


@pytest.mark.parametrize("text", ['two\nlines\r\x85\u2028"\\', '{"audit":{"seq":1}}', "中文", "\ud800", "\0"])
def test_whatever_a_stranger_has_written_is_one_line_and_no_event(text: str) -> None:
    assert told("%s", text)["message"] == text
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "%s", (text,), None)
    assert '{"audit"' not in logs.Objects().format(record)
    logs.Objects().format(record).encode("ascii")


def test_a_traceback_is_in_the_line() -> None:
    try:
        raise ValueError("no number")
    except ValueError:
        found = told("it broke", exc_info=sys.exc_info())
    assert found["exception"].startswith("Traceback")
    assert found["exception"].endswith("ValueError: no number")


def test_lines_carry_the_ids_of_the_work_until_its_end() -> None:
    with tracing.at_work(request="r", trace=TRACE):
        with tracing.at_work(submission="s"):
            assert told("x").items() >= {"requestId": "r", "traceId": TRACE, "submission": "s"}.items()
        assert "submission" not in told("x")
        tracing.about("t")
        assert told("x")["submission"] == "t"
    assert told("x").keys() == {"time", "level", "logger", "message"}


def test_what_is_done_outside_of_any_work_leaves_nothing_behind() -> None:
    tracing.about("s")
    assert "submission" not in told("x")


@pytest.mark.parametrize(
    "given", [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00", f"cc-{TRACE}-{PARENT}-01-what-the-future-brings"]
)
def test_the_trace_of_a_caller_is_kept(given: str) -> None:
    assert tracing.trace_of(given) == TRACE


@pytest.mark.parametrize(
    "given",
    [
        "",
        TRACE,
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"cc-{TRACE}-{PARENT}-01more",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
    ],
)
def test_a_trace_that_is_not_well_formed_is_replaced(given: str) -> None:
    made = {tracing.trace_of(given) for _ in range(2)}
    assert len(made) == 2
    assert all(len(trace) == 32 and set(trace) <= set("0123456789abcdef") for trace in made)
    assert TRACE not in made
