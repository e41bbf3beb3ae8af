"""Tables that no spreadsheet carries out."""

import csv
import io

import pytest

from jobs_app import csvs


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_what_begins_a_formula_is_made_text(text: str) -> None:
    assert csvs.cell(text) == f"'{text}"


@pytest.mark.parametrize(("value", "shown"), [("a=b", "a=b"), ("", ""), (None, ""), (7, "7"), ("'x", "'x")])
def test_the_rest_stays_as_it_is(value: object, shown: str) -> None:
    assert csvs.cell(value) == shown


def test_lines_are_read_back_as_they_were() -> None:
    rows = [["a", 'say "x"'], ["two\nlines", "a,b"], ["", "Möhre"]]
    assert list(csv.reader(io.StringIO("".join(csvs.lines(rows)), newline=""))) == rows
