"""Tables from and for spreadsheets: CSV whose cells no spreadsheet takes for a formula."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .documents import escape
from .errors import Invalid, Problem

Record = tuple[int, list[str]]  # the number of a line, and its cells
_SEPARATORS = ",;\t"
_SEPARATOR = re.compile(f"[{_SEPARATORS}]")
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARKED = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


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


def as_text(identifier: str) -> str:
    """An id so that a spreadsheet neither carries it out nor takes it for a number, of which it keeps 15 digits."""
    return f"'{identifier}" if identifier[:1].isdigit() else cell(identifier)


def plain_id(text: str) -> str:
    """What ``as_text`` was made of."""
    return text[1:] if text.startswith("'") and text[1:2].isdigit() else plain(text)


def pasted(rows: Iterable[Sequence[str]]) -> str:
    """Rows as lines of cells separated by tabs, without the empty ones at their ends, which ``records`` reads back."""
    found = [[_quoted(cell) for cell in row] for row in rows]
    text = "\n".join("\t".join(row).rstrip("\t") for row in found)
    # A separator within the first cell must not be taken for the one between cells.
    return re.sub(r'^("[^\t\n]*)$', "\\1\t", text, count=1, flags=re.MULTILINE) if "\t" in text else text


def decode(content: bytes) -> str:
    """The text of a table; raises ``Invalid`` for what ``decode_named`` doesn't know."""
    return decode_named(content)[0]


def decode_named(content: bytes) -> tuple[str, str]:
    """The text of a table and its encoding: UTF-8, with or without a byte order mark, UTF-16 with one, or GB18030.

    Raises ``Invalid`` for others.
    """
    marked = [encoding for mark, encoding in _MARKED.items() if content.startswith(mark)]
    for encoding in (*marked, "utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text, encoding.removesuffix("-sig").upper()
    raise Invalid([Problem("/lines", "malformed", "The table can't be read as text; save it as CSV in UTF-8.")])


def records(text: str) -> Iterator[Record]:
    """The lines that hold anything, each with the number at which it begins: a quoted cell may go on in the next.

    Cells are separated by tabs if the first line with any separator has one, else by what it has most of: commas or
    semicolons. Raises ``Invalid`` at a line that isn't CSV.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
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
        if problem := wrong_length(number, cells, len(header)):
            problems.append(problem)
        else:
            yield number, dict(zip(header, cells, strict=True))


def wrong_length(number: int, cells: Sequence[str], columns: int) -> Problem | None:
    """What is wrong with a line that has not as many cells as there are names of columns."""
    if len(cells) == columns:
        return None
    detail = f"This line has {len(cells)} cells, the names of the columns are {columns}."
    return Problem(f"/lines/{number}", "wrong_length", detail)


def _separator(text: str) -> str:
    first = _SEPARATOR.search(text)
    if first is None:
        return ","
    begin, end = text.rfind("\n", 0, first.start()) + 1, text.find("\n", first.start())
    line = text[begin:] if end < 0 else text[begin:end]
    return "\t" if "\t" in line else max(_SEPARATORS, key=line.count)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if re.search(rf'[{_SEPARATORS}"\r\n]', cell) else cell


class _Echo:
    """What the writer writes to: it gives the line back."""

    def write(self, line: str) -> Any:
        return line
