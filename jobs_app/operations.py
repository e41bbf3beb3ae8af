"""The catalogue: the one table of what the portal can ask of KooDrive.

Forms, REST, validation, the sandbox, the worker and the docs all read it here. Names of fields and numbers are
KooDrive's own (``POST /koodrive/ose/v1/jobs``). Where its reference page leaves a question open, the answer is this:

* ``actionType`` is said to belong to taskType 1, 2 and 3, yet 501-503 are listed: it is sent for 5 as well.
* taskType 2 or 5 without ``actionType`` is refused: the page doesn't say which is meant, and 202 can't be undone.
* ``newFilePath`` is called a path, but its only example is a bare id: it is the id of the target *folder*.
* Restoring depends on the ``filePath`` given when the file was moved to the recycle bin: its absence is a warning.
* taskType 7 (clear the recycle bin) of later editions is for whitelisted users and names no files: not offered.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_noop as _

CLEAR_RECYCLE_BIN = 7
_TAKE_AWAY = 2  # to the recycle bin, or for good
_ARCHIVES = (5, 6)


class Use(StrEnum):
    """Whether an operation takes an optional field of KooDrive's body."""

    NO = "no"
    MAY = "may"
    ADVISED = "advised"  # may be absent, with a warning
    MUST = "must"


class Danger(StrEnum):
    HARMLESS = "harmless"
    CAREFUL = "careful"
    IRREVERSIBLE = "irreversible"


@dataclass(frozen=True)
class Operation:
    """One kind of batch task; the texts are for people, English, and marked for translation."""

    name: str
    label: str
    effect: str
    way_back: str
    task_type: int
    action_type: int | None
    danger: Danger = Danger.HARMLESS
    action_may_be_omitted: bool = False
    one_file: bool = False
    file_path: Use = Use.MAY
    new_file_path: Use = Use.NO
    uncompress_file_paths: Use = Use.NO
    password: Use = Use.NO
    approvals: int = 0
    reads_content: bool = False  # what is in the files is processed, not only where they are

    @property
    def irreversible(self) -> bool:
        return self.danger is Danger.IRREVERSIBLE

    @property
    def detail_adds(self) -> bool:
        """Whether the detail of a wholly successful task says more than the list: new ids or paths, entries, a link."""
        return self.task_type != _TAKE_AWAY

    @property
    def tells_progress(self) -> bool:
        """Whether KooDrive tells how far the task is; others are too quick for it."""
        return self.task_type in _ARCHIVES


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="copy",
        label=_("Copy"),
        effect=_("Copies files into a folder of the same or another space; the originals stay."),
        way_back=_("Move the copies to the recycle bin."),
        task_type=1,
        action_type=101,
        action_may_be_omitted=True,
        new_file_path=Use.ADVISED,
    ),
    Operation(
        name="move",
        label=_("Move"),
        effect=_("Moves files into another folder; they leave the one they are in."),
        way_back=_("Move them back to the folder they came from."),
        task_type=3,
        action_type=301,
        danger=Danger.CAREFUL,
        action_may_be_omitted=True,
        new_file_path=Use.ADVISED,
    ),
    Operation(
        name="trash",
        label=_("Move to the recycle bin"),
        effect=_("Moves files to the recycle bin; they still use space there."),
        way_back=_("Restore them, as long as they are in the recycle bin and their path was given."),
        task_type=2,
        action_type=201,
        danger=Danger.CAREFUL,
        file_path=Use.ADVISED,
    ),
    Operation(
        name="restore",
        label=_("Restore from the recycle bin"),
        effect=_("Puts files of the recycle bin back into the folder they came from."),
        way_back=_("Move them to the recycle bin again."),
        task_type=4,
        action_type=None,
    ),
    Operation(
        name="preview_archive",
        label=_("List an archive"),
        effect=_("Lists what is in a zip, 7z or rar file; nothing changes."),
        way_back=_("Nothing to undo."),
        task_type=5,
        action_type=501,
        one_file=True,
        password=Use.MAY,
    ),
    Operation(
        name="extract",
        label=_("Extract archives"),
        effect=_("Unpacks whole archives into a folder."),
        way_back=_("Move what was unpacked to the recycle bin."),
        task_type=5,
        action_type=502,
        new_file_path=Use.ADVISED,
        password=Use.MAY,
        reads_content=True,
    ),
    Operation(
        name="extract_some",
        label=_("Extract part of an archive"),
        effect=_("Unpacks the named entries of one archive into a folder."),
        way_back=_("Move what was unpacked to the recycle bin."),
        task_type=5,
        action_type=503,
        one_file=True,
        new_file_path=Use.ADVISED,
        uncompress_file_paths=Use.MUST,
        password=Use.MAY,
        reads_content=True,
    ),
    Operation(
        name="package",
        label=_("Package for download"),
        effect=_("Packs files into one archive that can be downloaded for some days."),
        way_back=_("Nothing to undo; KooDrive deletes the package by itself."),
        task_type=6,
        action_type=None,
        reads_content=True,
    ),
    Operation(
        name="delete",
        label=_("Delete for good"),
        effect=_("Deletes files for good, past the recycle bin."),
        way_back=_("There is no way back."),
        task_type=2,
        action_type=202,
        danger=Danger.IRREVERSIBLE,
        approvals=1,
    ),
)

BY_NAME = {operation.name: operation for operation in OPERATIONS}
CHOICES = [(operation.name, operation.label) for operation in OPERATIONS]
# What takes files away, and what lets them leave the space that they are in; a directory of spaces may forbid either.
TAKING_AWAY = tuple(operation.name for operation in OPERATIONS if operation.task_type == _TAKE_AWAY)
LEAVING = (*TAKING_AWAY, "move")
TASK_TYPES = frozenset(operation.task_type for operation in OPERATIONS)


def of_task_type(task_type: int) -> tuple[Operation, ...]:
    return tuple(operation for operation in OPERATIONS if operation.task_type == task_type)


def of_pair(task_type: int, action_type: int | None) -> Operation | None:
    """The operation that KooDrive knows by this pair; an omitted actionType is filled in where only one is possible."""
    for operation in of_task_type(task_type):
        if operation.action_type == action_type or (action_type is None and operation.action_may_be_omitted):
            return operation
    return None
