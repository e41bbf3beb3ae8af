"""The fields of the compose form, as KooDrive's body and back. No rule stands here: the one check reads the body."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.http import QueryDict
from django.utils.crypto import salted_hmac
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from .. import canonical, importing, moments, spaces, targets
from ..errors import Invalid, Problem, TooLarge
from ..operations import BY_NAME, Operation, Use

# How the columns of the box are read, and of which table that was said.
_CHOICE = ("header", *(f"column_{name}" for name in targets.COLUMNS), "columns_of")
NAMES = (
    *("operation", "files", "source", "target", "folder", "entries", "password"),
    *("reason", "reference", "not_before", "not_after"),
    *("origin", "key", "zone", *_CHOICE),
)
# What the portal itself writes into the box: no line of names, and the columns in their order.
_PLAIN = dict(zip(_CHOICE, ("no", "1", "2", "3", ""), strict=True))
SPACES = {"/dstContainerId": "target", "/srcContainerId": "source"}
_PLACES = SPACES | {
    "/newFilePath": "folder",
    "/uncompressFilePaths": "entries",
    "/password": "password",
    "/reason": "reason",
    "/reference": "reference",
    "/notBefore": "not_before",
    "/notAfter": "not_after",
}
_ORIGIN = re.compile(r"(clone|follow):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_LINE = re.compile(r"/lines/(\d+)")
_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Fields:
    """What stands in the form; every value is text as it was typed."""

    operation: Operation
    values: Mapping[str, str]

    @classmethod
    def empty(cls, operation: Operation) -> "Fields":
        own = {"operation": operation.name, "key": str(uuid4()), "zone": moments.zone_name()}
        return cls(operation, dict.fromkeys(NAMES, "") | own)

    @classmethod
    def posted(cls, posted: QueryDict) -> "Fields":
        """With the rows that were edited one by one, and the ids of spaces that were typed by name.

        Raises ``Invalid`` when no known operation was chosen.
        """
        values = {name: str(posted.get(name, "")) for name in NAMES}
        values["zone"] = values["zone"] if moments.zone(values["zone"]) else moments.zone_name()
        places = {name: values[name].strip() for name in SPACES.values()}
        ids = spaces.ids_of(places.values())
        values |= {name: ids[text] for name, text in places.items()}
        if values["operation"] not in BY_NAME:
            raise Invalid([Problem("", "required", _("Choose an operation first."))])
        return cls(BY_NAME[values["operation"]], values)._edited(posted)

    @classmethod
    def of(cls, operation: Operation, document: Mapping[str, Any], *, origin: str) -> "Fields":
        """The form filled in with a request in the API's form; what it lacks stays empty.

        ``origin`` is the submission that it was made from: ``clone:`` or ``follow:``, and its id.
        """
        info, labels = document["taskInfo"], document.get("labels", {})
        rows = [{**row, "name": labels.get(row["fileId"], "")} for row in info["fileInfo"]]
        given = {
            "source": info["srcContainerId"],
            "target": document["dstContainerId"],
            "folder": info.get("newFilePath", ""),
            "entries": "\n".join(info.get("uncompressFilePaths", [])),
            "reason": document.get("reason", ""),
            "reference": document.get("reference", ""),
        }
        return cls(operation, {**cls.empty(operation).values, **given, "origin": origin}).with_rows(rows)

    # --- What it was filled in from ----------------------------------------------------------------------------------
    @property
    def clone_of(self) -> UUID | None:
        return self._origin("clone")

    @property
    def follows(self) -> UUID | None:
        return self._origin("follow")

    def _origin(self, kind: str) -> UUID | None:
        found = _ORIGIN.fullmatch(self.values["origin"])
        return UUID(found.group(2)) if found and found.group(1) == kind else None

    def review_id(self, person: int) -> UUID:
        """The id of what is made of it: the same for the same content of the same form, so that it is made once."""
        key = self.values["key"] or str(uuid4())
        content = repr([person, key, *(self.values[name] for name in NAMES)])
        return UUID(bytes=salted_hmac("jobs_app.compose", content, algorithm="sha256").digest()[:16], version=4)

    # --- Its targets -------------------------------------------------------------------------------------------------
    @cached_property
    def targets(self) -> targets.Table:
        """The lines of the box; of a table that is too large, that it is."""
        names = {name: self.values[f"column_{name}"] for name in targets.COLUMNS}
        choice = targets.Choice(self.values["header"], names, self.values["columns_of"])
        try:
            return targets.read(self.values["files"], choice)
        except TooLarge:
            limits = f"{targets.MOST_FILES:,}", targets.LARGEST // 1024**2
            said = _("A table takes at most %s lines and %d MB; split it into several.") % limits
            return targets.Table([], [Problem("/lines", "malformed", said)])

    def with_rows(self, rows: Sequence[Mapping[str, str]]) -> "Fields":
        """With these files in the box in place of what stood there."""
        return self._with(files=targets.text_of(rows), **_PLAIN)

    def with_text(self, text: str) -> "Fields":
        """With another table in the box, of which nothing was said yet."""
        return self._with(files=text, **dict.fromkeys(_CHOICE, ""))

    def _with(self, **values: str) -> "Fields":
        return replace(self, values={**self.values, **values})

    def _edited(self, posted: QueryDict) -> "Fields":
        """With what stands in the rows of the editor: one that is empty goes, one without a number is new."""
        columns = [posted.getlist(f"row_{name}") for name in ("number", *targets.COLUMNS)]
        edited = {}
        new = []
        for number, *cells in zip(*columns, strict=False):
            row = dict(zip(targets.COLUMNS, map(str.strip, map(str, cells)), strict=True))
            if str(number).isascii() and str(number).isdigit():
                edited[int(number[:9])] = row
            elif any(row.values()):
                new.append(row)
        before = [row for _, row in self.targets.rows]
        after = [edited.get(number, row) for number, row in self.targets.rows]
        if before == after and not new:
            return self
        return self.with_rows([row for row in [*after, *new] if any(row.values())])

    # --- Its fields --------------------------------------------------------------------------------------------------
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

    @cached_property
    def table(self) -> importing.Table:
        """The requests that it asks for: more than one where there are more files than one may name."""
        return importing.of_targets(self.operation, self.base(), self.targets, max_files=settings.KOODRIVE_MAX_FILES)

    def base(self) -> dict[str, Any]:
        """KooDrive's body with the portal's additions, without its files; empty fields are left out."""
        info = self._given(srcContainerId="source", newFilePath="folder")
        if self.values["entries"].strip():
            info["uncompressFilePaths"] = _lines(self.values["entries"])
        document: dict[str, Any] = {"taskType": self.operation.task_type}
        if self.operation.action_type is not None:
            document["actionType"] = self.operation.action_type
        document |= {"taskInfo": info} | self._given(dstContainerId="target", reason="reason", reference="reference")
        if self.values["password"]:
            document["password"] = self.values["password"]
        for name, field in (("notBefore", "not_before"), ("notAfter", "not_after")):
            if value := self.values[field].strip():
                document[name] = self._moment(value)
        return document

    def _moment(self, typed: str) -> str:
        """With its offset, where it is a time at all; one without is meant in the form's zone."""
        try:
            moment = parse_datetime(typed)
            if moment and not moment.tzinfo:
                return canonical.moment(moment.replace(tzinfo=moments.zone(self.zone))) or typed
        except (ValueError, OverflowError):
            pass
        return typed

    def _given(self, **names: str) -> dict[str, Any]:
        return {name: self.values[field].strip() for name, field in names.items() if self.values[field].strip()}


def by_field(problems: Sequence[Problem]) -> dict[str, list[str]]:
    """The problems by field; those of lines stand apart."""
    found: dict[str, list[str]] = {}
    for problem in problems:
        if problem.pointer == "/fileInfo":
            found["files"] = [_("Name at least one file: paste ids, or drop a table.")]
        elif not _LINE.match(problem.pointer):
            place = next((name for start, name in _PLACES.items() if problem.pointer.startswith(start)), "files")
            found.setdefault(place, []).append(problem.detail)
    return found


def labels() -> dict[str, str]:
    """What the form calls the fields that may have to be filled in."""
    return {
        "files": _("Files"),
        "source": _("Space that the files are in"),
        "target": _("Target space"),
        "folder": _("Target folder"),
        "entries": _("Entries to extract"),
        "reason": _("Reason or ticket"),
    }


def by_line(problems: Sequence[Problem]) -> dict[int, list[str]]:
    """What is wrong with each line that has a problem."""
    found: dict[int, list[str]] = {}
    for problem in problems:
        if line := _LINE.match(problem.pointer):
            found.setdefault(int(line.group(1)), []).append(problem.detail)
    return dict(sorted(found.items()))


def _lines(text: str) -> list[str]:
    """The lines of a box that say something; no other character than a line's end ends one."""
    return [line.strip() for line in _END.split(text) if line.strip()]
