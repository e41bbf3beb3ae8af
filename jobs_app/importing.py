"""A table of files (CSV) as the requests it asks for: one operation on all of them, in as many parts as it takes.

The table has a line for each file. What holds for all of them (``SHARED``) is given beside the table, or in columns
that say the same in every line. No rule about a request stands here: each part is checked like any other.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import csvs, operations
from .documents import escape
from .errors import Problem, TooLarge
from .operations import Operation

MOST_FILES = 10_000
COLUMNS = ("fileId", "name", "filePath")
SHARED = (
    *("operation", "srcContainerId", "dstContainerId", "newFilePath"),
    *("reason", "reference", "notBefore", "notAfter"),
)
_INFO = ("srcContainerId", "newFilePath")  # those that stand in taskInfo
_ROW = re.compile(r"/taskInfo/fileInfo/(\d+)(.*)")
# What the table itself says better: which operation is meant, which line names a file again; and a name can't stand
# here without its file.
_SAID_OTHERWISE = ("/taskType", "/actionType")
_CODES_SAID_OTHERWISE = ("duplicate", "unknown_file")


@dataclass(frozen=True)
class Part:
    """One request, in KooDrive's form, and the lines in which its files stand."""

    body: dict[str, Any]
    lines: tuple[int, ...]

    def problems(self, found: Iterable[Problem]) -> Iterator[Problem]:
        """What is wrong with the request, at the place in the table where it is wrong."""
        labelled = {f"/labels/{escape(file['fileId'])}": n for file, n in zip(self._files, self.lines, strict=True)}
        for problem in found:
            if row := _ROW.match(problem.pointer):
                place = f"/lines/{self.lines[int(row.group(1))]}{row.group(2)}"
            elif problem.pointer in labelled:
                place = f"/lines/{labelled[problem.pointer]}/name"
            else:
                place = problem.pointer.removeprefix("/taskInfo")
            if problem.pointer not in _SAID_OTHERWISE and problem.code not in _CODES_SAID_OTHERWISE:
                yield Problem(place, problem.code, problem.detail)

    @property
    def _files(self) -> list[dict[str, str]]:
        files: list[dict[str, str]] = self.body["taskInfo"]["fileInfo"]
        return files


@dataclass(frozen=True)
class Table:
    """The requests that a table asks for, and what is wrong with the table itself."""

    parts: list[Part]
    problems: list[Problem]

    def all_problems(self, found: Iterable[tuple[int, Sequence[Problem]]]) -> list[Problem]:
        """Its own and those found in its parts, each by the part's number; what all parts share is said once."""
        of_parts = [problem for n, problems in found for problem in self.parts[n].problems(problems)]
        # What is no id at all is no repeated one either.
        wrong = {problem.pointer for problem in of_parts}
        own = [each for each in self.problems if each.code != "duplicate" or each.pointer not in wrong]
        return list(dict.fromkeys([*own, *of_parts]))


def read(text: str, parameters: Mapping[str, str], *, max_files: int) -> Table:
    """The requests of a table, at most ``max_files`` files in each; where the operation takes one file, one in each.

    Raises ``Invalid`` when its lines can't be understood at all, or ``TooLarge``.
    """
    records = list(csvs.records(text))
    header = csvs.header(records, (*COLUMNS, *SHARED), key="fileId")
    if len(records) - 1 > MOST_FILES:
        raise TooLarge
    problems = [_unknown_parameter(name) for name in parameters if name not in SHARED]
    rows = list(csvs.rows(header, records[1:], problems))
    problems += _repeated(rows)
    shared = _shared(parameters, rows, problems)
    if not rows and not problems:
        problems.append(Problem("/lines", "empty", "Put at least one line with a file below the names of the columns."))
    operation = operations.BY_NAME.get(shared.get("operation", ""))
    if operation is None:
        code, known = ("unknown_value" if "operation" in shared else "required"), ", ".join(operations.BY_NAME)
        problems.append(Problem("/operation", code, f"Say which operation is meant: {known}."))
    size = 1 if operation and operation.one_file else max_files
    return Table([_part(operation, shared, rows[n : n + size]) for n in range(0, len(rows), size)], problems)


def _repeated(rows: Iterable[tuple[int, dict[str, str]]]) -> Iterator[Problem]:
    """Files that stand in several lines, in whichever parts; a part alone can't see those of the others."""
    first: dict[str, int] = {}
    for number, row in rows:
        file_id = row["fileId"]
        if file_id and first.setdefault(file_id, number) != number:
            detail = f"Name each file once; this is the one of line {first[file_id]}."
            yield Problem(f"/lines/{number}/fileId", "duplicate", detail)


def _shared(
    parameters: Mapping[str, str], rows: Iterable[tuple[int, dict[str, str]]], problems: list[Problem]
) -> dict[str, str]:
    """What holds for all files; an empty cell says nothing, another value is a mistake."""
    said = {name: parameters[name] for name in SHARED if parameters.get(name)}
    for number, row in rows:
        for name in SHARED:
            if (value := row.get(name)) and said.setdefault(name, value) != value:
                detail = "Say the same in every line, and as the parameter does; one table is one operation."
                problems.append(Problem(f"/lines/{number}/{name}", "differs", detail))
    return said


def _part(operation: Operation | None, shared: Mapping[str, str], rows: Sequence[tuple[int, dict[str, str]]]) -> Part:
    files = [row for _, row in rows]
    info: dict[str, Any] = {"fileInfo": [_file(row) for row in files]}
    body: dict[str, Any] = {"taskInfo": info}
    if operation:
        body["taskType"] = operation.task_type
        body |= {"actionType": operation.action_type} if operation.action_type is not None else {}
    for name, value in shared.items():
        if name != "operation":
            (info if name in _INFO else body)[name] = value
    if labels := {row["fileId"]: row["name"] for row in files if row.get("name")}:
        body["labels"] = labels
    return Part(body, tuple(number for number, _ in rows))


def _file(row: Mapping[str, str]) -> dict[str, str]:
    """A file without an id is still one, so that its line is told of."""
    return {"fileId": row["fileId"]} | ({"filePath": row["filePath"]} if row.get("filePath") else {})


def _unknown_parameter(name: str) -> Problem:
    return Problem(name, "unknown_field", f"Leave it out; known here: {', '.join(SHARED)}.")
