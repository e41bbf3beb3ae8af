"""The files of a table that a person pasted or saved from a spreadsheet, whatever its columns are called."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from . import csvs
from .csvs import Record
from .errors import Invalid, Problem, TooLarge

MOST_FILES = 10_000
LARGEST = 8 * 1024 * 1024  # bytes of UTF-8
COLUMNS = ("fileId", "name", "filePath")
ERROR = "error"  # the column that is added to lines that have to be mended, and passed over when they come back
_KNOWN_AS = {
    "fileId": ("fileid", "id", "文件id", "文件编号"),
    "name": ("name", "filename", "label", "title", "名称", "文件名", "文件名称"),
    "filePath": ("filepath", "path", "fullpath", "路径", "文件路径"),
}
_LOOKS_LIKE_AN_ID = re.compile(r"[A-Za-z0-9_-]{16,}")
_ROUNDED = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
_LOOKED_AT = 50  # lines by which the columns of a table without known names are guessed

Row = tuple[int, dict[str, str]]  # the number of a line, and its cells by COLUMNS


@dataclass(frozen=True)
class Choice:
    """What a person said of the columns: whether the first line names them, and which holds what, counted from 1.

    Empty texts leave it to the portal. ``of`` is the ``Table.signature`` of the table that they said it of; of another
    table it says nothing.
    """

    header: str = ""
    places: Mapping[str, str] = field(default_factory=dict)
    of: str = ""


@dataclass(frozen=True)
class Table:
    """The lines of a table, and what is wrong with them. ``places`` says in which column, from 0, what stands.

    ``names`` are the columns as a person knows them. ``is_guessed`` is whether they are a guess that might be wrong,
    ``is_sure`` whether they are none, or a person has looked at them; ``is_mended`` whether these are lines that came
    back with their errors.
    """

    rows: list[Row]
    problems: list[Problem] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    places: Mapping[str, int | None] = field(default_factory=dict)
    has_header: bool = False
    is_guessed: bool = False
    is_sure: bool = True
    is_mended: bool = False

    @property
    def signature(self) -> str:
        """What tells its columns from another table's: their names, or where its first line has what looks like ids."""
        if self.has_header:
            return "\t".join(self.names)
        cells = (name.partition(": ")[2] for name in self.names)
        return "-" + "".join("i" if _LOOKS_LIKE_AN_ID.fullmatch(cell) else "." for cell in cells)


def read(text: str, choice: Choice | None = None) -> Table:
    """The lines of a table that may have a line of names, with the columns as they were chosen or can be guessed.

    Raises ``TooLarge``; whatever else is wrong stands in ``problems``.
    """
    if len(text) > LARGEST or len(text.encode(errors="replace")) > LARGEST:
        raise TooLarge
    try:
        records = list(csvs.records(text))
    except Invalid as error:
        return Table([], list(error.problems))
    if not records:
        return Table([])
    guess = _guess(records)
    said = choice or Choice()
    table = _read(records, guess, said)
    # What was said of another table says nothing about this one.
    table = table if said.of in ("", table.signature) else _read(records, guess, Choice())
    if len(table.rows) > MOST_FILES:
        raise TooLarge
    table.problems.extend(faults(table.rows))
    return table


def faults(rows: Sequence[Row]) -> list[Problem]:
    """What only a table can be wrong in: ids that stand there twice, or were rounded."""
    return [*repeated(rows), *_rounded(rows)]


def repeated(rows: Iterable[Row]) -> Iterator[Problem]:
    """Files that stand in several lines, in whichever parts; a part alone can't see those of the others."""
    first: dict[str, int] = {}
    for number, row in rows:
        file_id = row["fileId"]
        if file_id and first.setdefault(file_id, number) != number:
            detail = f"Name each file once; this is the one of line {first[file_id]}."
            yield Problem(f"/lines/{number}/fileId", "duplicate", detail)


def once_each(rows: Iterable[Row]) -> list[Row]:
    """Without the lines that name a file again."""
    found = list(rows)
    again = {problem.pointer for problem in repeated(found)}
    return [(number, row) for number, row in found if f"/lines/{number}/fileId" not in again]


def text_of(rows: Iterable[Mapping[str, str]]) -> str:
    """The lines, without names above the columns, as ``read`` reads them in the order of ``COLUMNS``."""
    return csvs.pasted([row.get(name, "") for name in COLUMNS] for row in rows)


def to_mend(rows: Iterable[tuple[Mapping[str, str], Sequence[str]]]) -> Iterator[str]:
    """A table (CSV) of lines with what is wrong with each; a spreadsheet keeps its ids, and ``read`` reads it back."""
    yield from csvs.lines([(*COLUMNS, ERROR)])
    for row, said in rows:
        yield from csvs.lines([[csvs.as_text(row["fileId"]), row["name"], row["filePath"], " ".join(said)]])


def template() -> Iterator[str]:
    """A table without lines, to be filled in."""
    return csvs.lines([COLUMNS])


@dataclass(frozen=True)
class _Guess:
    has_header: bool
    places: Mapping[str, int | None]
    is_sure: bool
    is_named: bool  # a column has a name that is known


def _guess(records: Sequence[Record]) -> _Guess:
    """By the names of the columns; else by which of them holds what looks like ids."""
    cells = records[0][1]
    names = [re.sub(r"[\s_-]", "", cell).lower() for cell in cells]
    found = {
        column: next((names.index(name) for name in also if name in names), None) for column, also in _KNOWN_AS.items()
    }
    if found["fileId"] is not None:
        return _Guess(True, found, True, True)
    is_like = [bool(_LOOKS_LIKE_AN_ID.fullmatch(cell)) for cell in cells]
    place, below = _with_ids(records[1 : _LOOKED_AT + 1])
    if below and not any(is_like):
        return _Guess(True, found | {"fileId": place}, False, False)
    if is_like and not is_like[0] and any(is_like):
        return _Guess(False, {"fileId": is_like.index(True), "name": None, "filePath": None}, False, False)
    return _Guess(False, {name: place for place, name in enumerate(COLUMNS)}, True, False)


def _with_ids(records: Sequence[Record]) -> tuple[int, bool]:
    """The column in which most lines have what looks like an id, and whether there is one."""
    counts: dict[int, int] = {}
    for _, cells in records:
        for place, cell in enumerate(cells):
            if _LOOKS_LIKE_AN_ID.fullmatch(cell):
                counts[place] = counts.get(place, 0) + 1
    if not counts:
        return 0, False
    best = max(counts, key=lambda place: (counts[place], -place))
    return best, counts[best] * 2 > len(records)


def _read(records: Sequence[Record], guess: _Guess, said: Choice) -> Table:
    is_said = bool(said.header or any(said.places.values()))
    has_header = guess.is_named or (said.header == "yes" if said.header else guess.has_header)
    first, lines = records[0][1], records[1:] if has_header else records
    width = max((len(cells) for _, cells in records[:_LOOKED_AT]), default=0)
    names = first if has_header else [f"{n + 1}: {first[n] if n < len(first) else ''}" for n in range(width)]
    places = {name: _place(said.places.get(name, ""), guess.places.get(name), len(names)) for name in COLUMNS}
    most = len(names) if has_header else (None if is_said else len(COLUMNS))
    table = Table(
        rows=[(number, _row(cells, places)) for number, cells in lines],
        names=list(names),
        places=places,
        has_header=has_header,
        is_guessed=not guess.is_sure,
        is_sure=guess.is_sure or is_said,
        is_mended=has_header and ERROR in (name.lower() for name in names),
    )
    table.problems.extend(_wrong_lengths(lines, most, has_header))
    return table


def _place(said: str, guessed: int | None, columns: int) -> int | None:
    """Which column was chosen, "0" for none; the guess where nothing, or no such column, was."""
    if not said.isascii() or not said.isdigit() or len(said) > 3 or int(said) > columns:
        return guessed
    return int(said) - 1 if int(said) else None


def _row(cells: Sequence[str], places: Mapping[str, int | None]) -> dict[str, str]:
    found = {name: cells[place] if place is not None and place < len(cells) else "" for name, place in places.items()}
    return {name: (csvs.plain_id if name == "fileId" else csvs.plain)(cell) for name, cell in found.items()}


def _wrong_lengths(lines: Sequence[Record], most: int | None, has_header: bool) -> Iterator[Problem]:
    for number, cells in lines:
        if has_header:
            if problem := csvs.wrong_length(number, cells, most or 0):
                yield problem
        elif most and len(cells) > most:
            detail = f"This line has {len(cells)} cells; give an id, a name and a path, in quotation marks if need be."
            yield Problem(f"/lines/{number}", "wrong_length", detail)


def _rounded(rows: Iterable[Row]) -> Iterator[Problem]:
    for number, row in rows:
        if _ROUNDED.fullmatch(row["fileId"]):
            detail = "A spreadsheet has rounded this id; give all of it, from a column that is formatted as text."
            yield Problem(f"/lines/{number}/fileId", "rounded", detail)
