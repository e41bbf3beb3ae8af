"""The fields of the compose form, as KooDrive's body and back. No rule stands here: the one check reads the body."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime

from .. import canonical, moments
from ..errors import Invalid, Problem
from ..operations import BY_NAME, Operation, Use

NAMES = (
    *("operation", "files", "source", "target", "folder", "entries", "password"),
    *("reason", "reference", "not_before", "not_after"),
    "origin",
    "zone",
)
_PLACES = {
    "/dstContainerId": "target",
    "/taskInfo/srcContainerId": "source",
    "/taskInfo/newFilePath": "folder",
    "/taskInfo/uncompressFilePaths": "entries",
    "/password": "password",
    "/reason": "reason",
    "/reference": "reference",
    "/notBefore": "not_before",
    "/notAfter": "not_after",
}
_ORIGIN = re.compile(r"(clone|follow):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_ROW = re.compile(r"/taskInfo/fileInfo/(\d+)")
_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Fields:
    """What stands in the form; every value is text as it was typed."""

    operation: Operation
    values: Mapping[str, str]

    @classmethod
    def empty(cls, operation: Operation) -> "Fields":
        return cls(operation, dict.fromkeys(NAMES, "") | {"operation": operation.name, "zone": moments.zone_name()})

    @classmethod
    def posted(cls, posted: Mapping[str, Any]) -> "Fields":
        """Raises ``Invalid`` when no known operation was chosen."""
        values = {name: str(posted.get(name, "")) for name in NAMES}
        values["zone"] = values["zone"] if moments.zone(values["zone"]) else moments.zone_name()
        if values["operation"] not in BY_NAME:
            raise Invalid([Problem("", "required", "Choose an operation first.")])
        return cls(BY_NAME[values["operation"]], values)

    @classmethod
    def of(cls, operation: Operation, document: Mapping[str, Any], *, origin: str) -> "Fields":
        """The form filled in with a request in the API's form; what it lacks stays empty.

        ``origin`` is the submission that it was made from: ``clone:`` or ``follow:``, and its id.
        """
        info, labels = document["taskInfo"], document.get("labels", {})
        rows = [(row["fileId"], labels.get(row["fileId"], ""), row.get("filePath", "")) for row in info["fileInfo"]]
        given = {
            "files": "\n".join("\t".join(row).rstrip("\t") for row in rows),
            "source": info["srcContainerId"],
            "target": document["dstContainerId"],
            "folder": info.get("newFilePath", ""),
            "entries": "\n".join(info.get("uncompressFilePaths", [])),
            "reason": document.get("reason", ""),
            "reference": document.get("reference", ""),
        }
        return cls(operation, {**cls.empty(operation).values, **given, "origin": origin})

    @property
    def clone_of(self) -> UUID | None:
        return self._origin("clone")

    @property
    def follows(self) -> UUID | None:
        return self._origin("follow")

    def _origin(self, kind: str) -> UUID | None:
        found = _ORIGIN.fullmatch(self.values["origin"])
        return UUID(found.group(2)) if found and found.group(1) == kind else None

    @property
    def takes_folder(self) -> bool:
        return self.operation.new_file_path is not Use.NO

    @property
    def zone(self) -> str:
        """The zone in which its times are typed: the person's own when the form was opened."""
        return self.values["zone"]

    @property
    def takes_entries(self) -> bool:
        return self.operation.uncompress_file_paths is not Use.NO

    @property
    def takes_password(self) -> bool:
        return self.operation.password is not Use.NO

    def document(self) -> dict[str, Any]:
        """KooDrive's body with the portal's additions; empty fields are left out."""
        rows = [_cells(line) for _, line in _lines(self.values["files"])]
        info: dict[str, Any] = {"fileInfo": [_file(cells) for cells in rows]}
        info |= self._given(srcContainerId="source", newFilePath="folder")
        if self.values["entries"].strip():
            info["uncompressFilePaths"] = [line for _, line in _lines(self.values["entries"])]
        document: dict[str, Any] = {"taskType": self.operation.task_type}
        if self.operation.action_type is not None:
            document["actionType"] = self.operation.action_type
        document |= {"taskInfo": info} | self._given(dstContainerId="target", reason="reason", reference="reference")
        if self.values["password"]:
            document["password"] = self.values["password"]
        if labels := {cells[0]: cells[1] for cells in rows if len(cells) > 1 and cells[1]}:
            document["labels"] = labels
        for name, field in (("notBefore", "not_before"), ("notAfter", "not_after")):
            if value := self.values[field].strip():
                document[name] = self._moment(value)
        return document

    def errors(self, problems: Sequence[Problem]) -> dict[str, list[str]]:
        """The problems by field; those of a file name its line."""
        numbers = [number for number, _ in _lines(self.values["files"])]
        found: dict[str, list[str]] = {}
        for problem in problems:
            row = _ROW.match(problem.pointer)
            place = next((name for start, name in _PLACES.items() if problem.pointer.startswith(start)), "files")
            line = f"Line {numbers[int(row.group(1))]}: " if row else ""
            found.setdefault(place, []).append(line + problem.detail)
        return found

    def _moment(self, typed: str) -> str:
        """With its offset, where it is a time at all; one without is meant in the form's zone."""
        try:
            moment = parse_datetime(typed)
            if moment and not moment.tzinfo:
                return canonical.moment(moment.replace(tzinfo=moments.zone(self.zone))) or typed
        except (ValueError, OverflowError):
            pass
        return typed

    def _given(self, **names: str) -> dict[str, str]:
        return {name: self.values[field].strip() for name, field in names.items() if self.values[field].strip()}


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines of a box that say something, each with its number; no other character than a line's end ends one."""
    return [(number, line.strip()) for number, line in enumerate(_END.split(text), 1) if line.strip()]


def _cells(line: str) -> list[str]:
    """File id, name for people, path: separated by tabs, or by commas where there is no tab."""
    return [cell.strip() for cell in line.split("\t" if "\t" in line else ",", 2)]


def _file(cells: Sequence[str]) -> dict[str, str]:
    return {"fileId": cells[0]} | ({"filePath": cells[2]} if len(cells) > 2 and cells[2] else {})
