"""A table of files (CSV) as the requests it asks for: one operation on all of them, in as many parts as it takes.

The table has a line for each file. What holds for all of them (``SHARED``) is given beside the table, or in columns
that say the same in every line. No rule about a request stands here: each part is checked like any other.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import csvs, operations, targets
from .documents import escape
from .errors import Problem, TooLarge
from .operations import Operation
from .targets import COLUMNS, MOST_FILES

SHARED = (
    *("operation", "srcContainerId", "dstContainerId", "newFilePath"),
    *("reason", "reference", "notBefore", "notAfter"),
)
_INFO = ("srcContainerId", "newFilePath")  # those that stand in taskInfo
_SENT = ("taskType", "actionType", "taskInfo", "dstContainerId")
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
    def sent(self) -> dict[str, Any]:
        """What of it is for KooDrive, as far as it goes, without the password."""
        return {name: self.body[name] for name in _SENT if name in self.body}

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
        told = list(dict.fromkeys([*own, *of_parts]))
        # Where the lines themselves can't be read, that there are none is no other problem.
        is_malformed = any(each.code == "malformed" for each in self.problems)
        return [each for each in told if not (is_malformed and each.pointer == "/fileInfo")]


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
    problems += targets.faults(rows)
    shared = _shared(parameters, rows, problems)
    if not rows and not problems:
        problems.append(Problem("/lines", "empty", "Put at least one line with a file below the names of the columns."))
    operation = operations.BY_NAME.get(shared.get("operation", ""))
    if operation is None:
        code, known = ("unknown_value" if "operation" in shared else "required"), ", ".join(operations.BY_NAME)
        problems.append(Problem("/operation", code, f"Say which operation is meant: {known}."))
    base = _base(operation, shared)
    return Table(list(_parts(operation, base, rows, max_files)) if rows else [], problems)


def of_targets(operation: Operation, base: Mapping[str, Any], table: targets.Table, *, max_files: int) -> Table:
    """The requests of a table that a person gave; ``base`` is the request without its files, in the API's form.

    Without a line it is one request, so that all that is wrong with it is told.
    """
    return Table(list(_parts(operation, base, table.rows, max_files)), table.problems)


def _parts(
    operation: Operation | None, base: Mapping[str, Any], rows: Sequence[targets.Row], max_files: int
) -> Iterator[Part]:
    size = 1 if operation and operation.one_file else max_files
    for n in range(0, max(len(rows), 1), size):
        yield _part(base, rows[n : n + size])


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


def _base(operation: Operation | None, shared: Mapping[str, str]) -> dict[str, Any]:
    """The request without its files."""
    info: dict[str, Any] = {}
    body: dict[str, Any] = {"taskInfo": info}
    if operation:
        body["taskType"] = operation.task_type
        body |= {"actionType": operation.action_type} if operation.action_type is not None else {}
    for name, value in shared.items():
        if name != "operation":
            (info if name in _INFO else body)[name] = value
    return body


def _part(base: Mapping[str, Any], rows: Sequence[targets.Row]) -> Part:
    files = [row for _, row in rows]
    body = {**base, "taskInfo": {**base["taskInfo"], "fileInfo": [_file(row) for row in files]}}
    if labels := {row["fileId"]: row["name"] for row in files if row.get("name")}:
        body["labels"] = labels
    return Part(body, tuple(number for number, _ in rows))


def _file(row: Mapping[str, str]) -> dict[str, str]:
    """A file without an id is still one, so that its line is told of."""
    return {"fileId": row["fileId"]} | ({"filePath": row["filePath"]} if row.get("filePath") else {})


def _unknown_parameter(name: str) -> Problem:
    return Problem(name, "unknown_field", f"Leave it out; known here: {', '.join(SHARED)}.")
