"""Drafts: a request that a person gets filled in, as a copy of a submission or to undo what one has done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from . import permissions
from .actors import Actor
from .errors import NotFound
from .models import Submission, SubmissionFile
from .operations import BY_NAME, Operation, Use

# What can be done next with the files that an operation has dealt with.
FOLLOWING = {
    "trash": ("restore", "delete"),
    "restore": ("trash",),
    "move": ("move",),
    "copy": ("trash",),
}
_UNDONE = ngettext_lazy(
    "%d file of it isn't known to have succeeded and is left out.",
    "%d files of it aren't known to have succeeded and are left out.",
)
_LOST = ngettext_lazy(
    "KooDrive did not tell the new id of %d copy, so it is left out.",
    "KooDrive did not tell the new ids of %d copies, so they are left out.",
)
_BARE = ngettext_lazy(
    "No path was given for %d file: KooDrive may not be able to restore it.",
    "No path was given for %d files: KooDrive may not be able to restore them.",
)
_OLD_IDS = ngettext_lazy(
    "KooDrive told no new id of %d file; its old one is taken, which may not fit any more.",
    "KooDrive told no new ids of %d files; their old ones are taken, which may not fit any more.",
)
_ADDED = ngettext_lazy("%d more", "%d more")
_LEFT_OUT = ngettext_lazy("%d left out", "%d left out")
_NAMED_ANEW = ngettext_lazy("%d with another name or path", "%d with another name or path")
# Those after which the files are in the target space, and may have new ids.
_ELSEWHERE = {"move", "copy"}


@dataclass(frozen=True)
class Draft:
    """A request to go on from, in the API's form but incomplete; ``notes`` say what the portal could not know."""

    operation: Operation
    values: dict[str, Any]
    notes: list[str]


def offered(by: Actor, submission: Submission) -> list[Operation]:
    """The operations for which this person gets a draft from what the submission has done."""
    if permissions.submit(by) or not (submission.is_final and submission.files_succeeded):
        return []
    return [BY_NAME[name] for name in FOLLOWING.get(submission.operation, ())]


def clone(submission: Submission, *, with_files: bool) -> Draft:
    """The same request once more; the password and the time window aren't carried over."""
    values = submission.document
    has_password = bool(values.pop("password", None))
    files = list(submission.files.all()) if with_files else []
    values["taskInfo"]["fileInfo"] = values["taskInfo"]["fileInfo"] if with_files else []
    values |= {"labels": _labels(files), "reason": submission.reason}
    if submission.reference:
        values["reference"] = submission.reference
    notes = [_("The archive's password isn't carried over; give it again.")] if has_password else []
    return Draft(submission.kind, values, notes)


@dataclass(frozen=True)
class Change:
    """What is different in a clone: the field, in words, and what stood and stands there."""

    field: str
    before: str
    after: str


def changes(original: Submission, base: Mapping[str, Any], files: Sequence[Mapping[str, str]]) -> Iterator[Change]:
    """What of a clone isn't as in the original; ``base`` is the request without its files, in the API's form.

    A file is told by its ``fileId``, ``name`` and ``filePath``.
    """
    was = original.document | {"reason": original.reason, "reference": original.reference}
    told = {
        _("Space that the files are in"): ("taskInfo", "srcContainerId"),
        _("Target space"): ("", "dstContainerId"),
        _("Target folder"): ("taskInfo", "newFilePath"),
        _("Entries to extract"): ("taskInfo", "uncompressFilePaths"),
        _("Reason or ticket"): ("", "reason"),
        _("Reference"): ("", "reference"),
    }
    for field, (part, name) in told.items():
        before, after = (_told((each.get(part, {}) if part else each).get(name)) for each in (was, base))
        if before != after:
            yield Change(field, before, after)
    if said := _changed_files(original, files):
        yield Change(_("Files"), str(original.files_total), f"{len(files)} ({said})")


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _changed_files(original: Submission, files: Sequence[Mapping[str, str]]) -> str:
    """How many came, went, and are called otherwise; empty when they are the same."""
    was = {file.file_id: (file.label, file.file_path or "") for file in original.files.all()}
    now = {file["fileId"]: (file.get("name", ""), file.get("filePath", "")) for file in files}
    counted = [
        (_ADDED, len(now.keys() - was.keys())),
        (_LEFT_OUT, len(was.keys() - now.keys())),
        (_NAMED_ANEW, sum(was[file_id] != now[file_id] for file_id in was.keys() & now.keys())),
    ]
    return ", ".join(text % count for text, count in counted if count)


def follow(submission: Submission, operation: str, *, by: Actor) -> Draft:
    """A draft for the files that the submission has dealt with; raises ``NotFound`` when none is offered."""
    kind = next((each for each in offered(by, submission) if each.name == operation), None)
    if kind is None:
        raise NotFound
    done = [file for file in submission.files.all() if file.status == SubmissionFile.Status.SUCCEEDED]
    # A copy is another file; whatever else was moved may have kept its id.
    usable = [file for file in done if file.new_file_id or submission.operation != "copy"]
    is_elsewhere = submission.operation in _ELSEWHERE
    source = submission.space if is_elsewhere else submission.source_space
    values: dict[str, Any] = {
        "taskInfo": {"fileInfo": [_file(file, is_elsewhere) for file in usable], "srcContainerId": source},
        "dstContainerId": submission.source_space if is_elsewhere and kind.name == "move" else source,
        "labels": _labels(usable),
    }
    if submission.reference:
        values["reference"] = submission.reference
    return Draft(kind, values, _notes(submission, kind, done, usable))


def extract(submission: Submission, rows: Sequence[int], *, by: Actor) -> Draft:
    """A draft that extracts these entries of the archive that was listed, of a folder whatever is known to be in it.

    Raises ``NotFound`` when it listed no archive, or this person may not submit.
    """
    if permissions.submit(by) or submission.operation != "preview_archive":
        raise NotFound
    wanted = Q(row__in=rows)
    for folder in submission.entries.filter(row__in=rows, is_folder=True).values_list("name", flat=True):
        wanted |= Q(name__startswith=f"{folder.rstrip('/')}/")
    names = submission.entries.filter(wanted, is_folder=False).values_list("name", flat=True)
    [archive] = submission.files.all()
    values: dict[str, Any] = {
        "taskInfo": {
            "fileInfo": [_file(archive, is_elsewhere=False)],
            "srcContainerId": submission.source_space,
            "uncompressFilePaths": list(dict.fromkeys(names)),
        },
        "dstContainerId": submission.source_space,
        "labels": _labels([archive]),
    }
    if submission.reference:
        values["reference"] = submission.reference
    has_password = "password" in submission.document
    notes = [_("The archive's password isn't carried over; give it again.")] if has_password else []
    return Draft(BY_NAME["extract_some"], values, notes)


def _file(file: SubmissionFile, is_elsewhere: bool) -> dict[str, str]:
    path = file.new_file_path if is_elsewhere else file.file_path
    return {"fileId": file.new_file_id or file.file_id} | ({"filePath": path} if path else {})


def _labels(files: Sequence[SubmissionFile]) -> dict[str, str]:
    return {file.new_file_id or file.file_id: file.label for file in files if file.label}


def _notes(
    submission: Submission, kind: Operation, done: Sequence[SubmissionFile], usable: Sequence[SubmissionFile]
) -> list[str]:
    """What the person has to know or to find out, because the portal can't."""
    counted = [
        (_UNDONE, submission.files_total - len(done)),
        (_LOST, len(done) - len(usable)),
        (_BARE, sum(not file.file_path for file in done) if kind.name == "restore" else 0),
        (_OLD_IDS, sum(not file.new_file_id for file in done) if submission.operation == "move" else 0),
    ]
    notes = [text % count for text, count in counted if count]
    if kind.new_file_path is not Use.NO:
        notes.append(_("The portal doesn't know which folder the files came from; give its id."))
    return notes
