"""Tables from and for spreadsheets: CSV whose cells no spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .documents import escape
from .errors import Invalid, Problem

Record = tuple[int, list[str]]  # the number of a line, and its cells
_SEPARATORS = ",;\t"
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


def plain(text: str) -> str:
    """What ``cell`` was made of."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_BEGINS_A_FORMULA) else text


def decode(content: bytes) -> str:
    """The text of a table: UTF-8, with or without a byte order mark, or GB18030; raises ``Invalid`` for others."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid([Problem("/lines", "malformed", "The table can't be read as text; save it as CSV in UTF-8.")])


def records(text: str) -> Iterator[Record]:
    """The lines that hold anything, each with the number at which it begins: a quoted cell may go on in the next.

    Cells are separated by what the first line has most of: comma, semicolon or tab. Raises ``Invalid`` at a line that
    isn't CSV.
    """
    separator = max(_SEPARATORS, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        while True:
            number = reader.line_num + 1
            cells = [cell.strip(" ") for cell in next(reader)]
            if any(cells):
                yield number, cells
    except StopIteration:
        return
    except csv.Error as error:
        detail = f"This line can't be read as CSV ({error}); look at its quotation marks."
        raise Invalid([Problem(f"/lines/{number}", "malformed", detail)]) from error


def header(records: Sequence[Record], known: Sequence[str], *, key: str) -> list[str]:
    """The names of the columns; raises ``Invalid`` unless all are known and ``key`` is among them."""
    number, names = records[0] if records else (1, [])
    problems = [
        Problem(f"/lines/{number}/{escape(name)}", "unknown_column", f"Leave it out; known are {', '.join(known)}.")
        for name in names
        if name not in known
    ]
    problems += [
        Problem(f"/lines/{number}/{name}", "duplicate", "Name each column once.")
        for name in known
        if names.count(name) > 1
    ]
    if key not in names:
        detail = f"Begin with a line that names the columns, {key} among them."
        problems.append(Problem(f"/lines/{number}/{key}", "required", detail))
    if problems:
        raise Invalid(problems)
    return names


def rows(
    header: Sequence[str], records: Iterable[Record], problems: list[Problem]
) -> Iterator[tuple[int, dict[str, str]]]:
    """The other lines by the names of the columns; those of another length go to ``problems``."""
    for number, cells in records:
        if len(cells) == len(header):
            yield number, dict(zip(header, cells, strict=True))
        else:
            detail = f"This line has {len(cells)} cells, the names of the columns are {len(header)}."
            problems.append(Problem(f"/lines/{number}", "wrong_length", detail))


class _Echo:
    """What the writer writes to: it gives the line back."""

    def write(self, line: str) -> Any:
        return line
