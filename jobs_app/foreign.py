"""Tasks in KooDrive that the portal did not send, as people see them, and what they note about them."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from . import audit, permissions
from .actors import Actor
from .audit import Action, read
from .documents import LONGEST_TEXT, Reader, instant
from .errors import Invalid, NotFound, Problem, WrongState
from .models import ForeignTask

PAGE = 50
_TASK_ID = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True)
class Page:
    """One page, what was found last first; ``older`` is the cursor of the next one, None where there is none."""

    rows: list[ForeignTask]
    older: str | None


def page(*, unnoted: bool = False, cursor: str = "", limit: int = PAGE) -> Page:
    """The page behind ``cursor``, the first one without; raises ``Invalid`` when it isn't a cursor of ours."""
    rows = ForeignTask.objects.unnoted() if unnoted else ForeignTask.objects.standing()
    if cursor:
        moment, task_id = _read_cursor(cursor)
        rows = rows.filter(Q(found_at__lt=moment) | Q(found_at=moment, task_id__lt=task_id))
    found = list(rows.select_related("noted_by").order_by("-found_at", "-task_id")[: limit + 1])
    shown = found[:limit]
    return Page(shown, _cursor(shown[-1]) if len(found) > limit else None)


def _cursor(row: ForeignTask) -> str:
    return f"{row.found_at.isoformat()}_{row.task_id}"


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    text, _, task_id = cursor.partition("_")
    moment = instant(text)
    if moment is None or not _TASK_ID.fullmatch(task_id):
        raise Invalid([Problem("cursor", "invalid", "Use a cursor as a page of this list gave it.")])
    return moment, task_id


@dataclass(frozen=True)
class Last:
    """How the comparison last ran, and up to when the tasks are compared in full, None when they never were."""

    at: datetime
    trouble: str
    until: datetime | None


def last() -> Last | None:
    """None before the first comparison."""
    newest = read.newest(Action.TASKS_COMPARED)
    if newest is None:
        return None
    well = newest if newest.outcome == "ok" else read.newest(Action.TASKS_COMPARED, outcome="ok")
    until = datetime.fromisoformat(well.said["until"]) if well else None
    return Last(newest.at, newest.said.get("detail", ""), until)


def note(task_id: str, *, text: str, by: Actor) -> None:
    """Keeps what somebody found out about a task, once, with its event.

    Raises ``NotAllowed``, ``Invalid``, ``NotFound`` when no such task stands, or ``WrongState`` when it has its note.
    """
    permissions.require(permissions.note_foreign(by), by=by, to="note a foreign task")
    said = _checked(text)
    known = ForeignTask.objects.standing().filter(pk=task_id) if _TASK_ID.fullmatch(task_id) else None
    if known is None or not known.exists():
        raise NotFound
    with transaction.atomic():
        if not known.filter(noted_by=None).update(noted_by=by.key, noted_at=Now(), note=said):
            raise WrongState("Somebody has noted this task already; load the page again to see who, and what.")
        audit.record(Action.TASKS_NOTED, by=by, task=task_id, note=said)


def _checked(text: str) -> str:
    reader, said = Reader(), text.strip()
    if said:
        reader.text({"note": said}, "note", "", longest=LONGEST_TEXT)
    else:
        reader.add("/note", "required", "Say what this task is; the note is kept in the audit trail.")
    if reader.problems:
        raise Invalid(reader.problems)
    return said
