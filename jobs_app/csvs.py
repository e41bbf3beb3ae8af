"""Tables for spreadsheets: CSV whose cells no spreadsheet takes for a formula."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """The value as text; an apostrophe before what a spreadsheet would carry out. None is an empty cell."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text


def lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """One line of CSV (RFC 4180) for each row, as they come."""
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([cell(value) for value in row])


class _Echo:
    """What the writer writes to: it gives the line back."""

    def write(self, line: str) -> Any:
        return line
