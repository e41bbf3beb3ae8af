"""The panel of the targets: what the box holds, how its columns are read, what is wrong with which line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import bulk, csvs, spaces, targets
from ..actors import Actor
from ..errors import Invalid, Problem, TooLarge
from .fields import SPACES, Fields, by_line

SHOWN = 50  # lines on a page of the editor, and of those to be mended


@dataclass(frozen=True)
class Line:
    """A line as it is shown: its number, None for a new one, its cells, and what is wrong with it."""

    number: int | None
    row: Mapping[str, str]
    said: Sequence[str] = ()


@dataclass(frozen=True)
class Panel:
    """What the page shows of the targets.

    ``edits`` is whether they are to be edited one by one, ``only_bad`` those alone that have to be mended, from the
    line at ``start`` on. ``notes`` say what was just done, ``trouble`` why it could not be.
    """

    fields: Fields
    problems: Sequence[Problem] = ()
    notes: Sequence[str] = ()
    edits: bool = False
    only_bad: bool = False
    start: int = 0
    trouble: Sequence[str] = field(default_factory=list)

    @property
    def in_rows(self) -> bool:
        """Whether the rows are shown in place of the box; where none has to be mended any more, the box is."""
        return self.edits and not (self.only_bad and not self.bad)

    @property
    def files(self) -> int:
        return len(self.fields.targets.rows)

    @property
    def submissions(self) -> int:
        return len(self.fields.table.parts) if self.files else 0

    @cached_property
    def bad(self) -> list[Line]:
        """The lines that have to be mended."""
        rows = dict(self.fields.targets.rows)
        empty = dict.fromkeys(targets.COLUMNS, "")
        return [Line(number, rows.get(number, empty), said) for number, said in by_line(self.problems).items()]

    @property
    def bad_shown(self) -> list[Line]:
        return self.bad[:SHOWN]

    @property
    def repeated(self) -> int:
        """How many lines name a file again."""
        return sum(problem.code == "duplicate" and problem.pointer.startswith("/lines/") for problem in self.problems)

    @property
    def mendable(self) -> bool:
        """Whether the lines could be read, so that those with errors can be told from the others."""
        return bool(self.bad and self.files)

    # --- The columns -------------------------------------------------------------------------------------------------
    @property
    def asks_for_columns(self) -> bool:
        """Whether there is something to choose."""
        table = self.fields.targets
        return table.has_header or table.is_guessed or len(table.names) > 1

    @property
    def columns(self) -> list[tuple[str, str, list[tuple[str, str, bool]]]]:
        """For each thing that a column may hold: its field, what it is, and the columns to choose from."""
        table = self.fields.targets
        known = {"fileId": _("Id"), "name": _("Name for people"), "filePath": _("Path")}
        found = []
        for name, label in known.items():
            place = table.places.get(name)
            choices = [(str(n + 1), text or str(n + 1), n == place) for n, text in enumerate(table.names)]
            none = [] if name == "fileId" else [("0", _("none"), place is None)]
            found.append((f"column_{name}", label, none + choices))
        return found

    # --- The editor --------------------------------------------------------------------------------------------------
    @cached_property
    def lines(self) -> list[Line]:
        """Those to be edited, or those that have to be mended alone."""
        if self.only_bad:
            return self.bad
        said = by_line(self.problems)
        return [Line(number, row, said.get(number, ())) for number, row in self.fields.targets.rows]

    @property
    def first(self) -> int:
        """Where the page begins; at the beginning where there is nothing any more."""
        return self.start if self.start < len(self.lines) else 0

    @property
    def shown(self) -> list[Line]:
        """A page of them, and behind the last some that are empty."""
        new = [] if self.only_bad or self.next is not None else [Line(None, {})] * 5
        return self.lines[self.first : self.first + SHOWN] + new

    @property
    def previous(self) -> int | None:
        return max(self.first - SHOWN, 0) if self.first else None

    @property
    def next(self) -> int | None:
        after = self.first + SHOWN
        return after if after < len(self.lines) else None

    @property
    def last(self) -> int:
        return min(self.first + SHOWN, len(self.lines))


def check(fields: Fields, *, by: Actor) -> bulk.Checked:
    """The requests that the form asks for; raises ``Invalid`` with every problem, or ``NotAllowed``."""
    unclear = _unclear(fields)
    try:
        checked = bulk.check_table(fields.table, by=by)
    except TooLarge as error:
        raise Invalid([*unclear, Problem("/lines", error.code, error.detail)]) from error
    except Invalid as error:
        raise Invalid([*unclear, *error.problems]) from error
    if unclear:
        raise Invalid(unclear)
    return checked


def _unclear(fields: Fields) -> list[Problem]:
    """Where a name was typed that several spaces have."""
    typed = {pointer: fields.values[name] for pointer, name in SPACES.items()}
    meant = spaces.called(typed.values())
    said = _("Several spaces are called so; give the id of one of them: %s.")
    return [
        Problem(pointer, "ambiguous", said % ", ".join(meant[text])) for pointer, text in typed.items() if text in meant
    ]


def problems_of(fields: Fields, *, by: Actor) -> list[Problem]:
    try:
        check(fields, by=by)
    except Invalid as error:
        return list(error.problems)
    return []


def taken_in(fields: Fields, upload: "UploadedFile[Any]", *, adding: bool, by: Actor) -> tuple[Fields, list[str]]:
    """The form with the table of a file, and what was done with it.

    It takes the place of what stood in the box, or with ``adding`` comes below it. Lines that come back mended take the
    place of those that have errors. Raises ``Invalid`` when it can't be read.
    """
    content = upload.read(targets.LARGEST + 1)
    text, encoding = csvs.decode_named(content)
    if len(content) > targets.LARGEST or "\0" in text:
        detail = _("The file can't be taken: it has to be a table as text (CSV) of at most %d MB.")
        raise Invalid([Problem("/lines", "malformed", detail % (targets.LARGEST // 1024**2))])
    loaded, before = fields.with_text(text), [row for _number, row in fields.targets.rows]
    new = [row for _number, row in loaded.targets.rows]
    notes = [_file_note(str(upload.name), len(new), encoding)]
    if not before or not new:
        return loaded, notes
    if loaded.targets.is_mended and (bad := by_line(problems_of(fields, by=by))):
        kept = [row for number, row in fields.targets.rows if number not in bad]
        return fields.with_rows([*kept, *new]), [*notes, _mended_note(len(before) - len(kept))]
    if adding:
        return fields.with_rows([*before, *new]), [*notes, _("They stand below those that were there.")]
    return loaded, [*notes, _replaced_note(len(before))]


def _file_note(name: str, files: int, encoding: str) -> str:
    said = ngettext("“%(name)s”: %(n)d file.", "“%(name)s”: %(n)d files.", files) % {"name": name, "n": files}
    if encoding == "UTF-8":
        return said
    return f"{said} {_('It was read as %s; look whether the names are right.') % encoding}"


def _mended_note(files: int) -> str:
    return (
        ngettext(
            "They took the place of the %d line that had an error.",
            "They took the place of the %d lines that had errors.",
            files,
        )
        % files
    )


def _replaced_note(files: int) -> str:
    return (
        ngettext(
            "They took the place of the %d file that stood there.",
            "They took the place of the %d files that stood there.",
            files,
        )
        % files
    )
