"""A submission in doubt as its page and the page of all of them show it: asked for and found, side by side."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .. import evidence, permissions
from ..actors import Actor
from ..models import Submission
from ..states import State


@dataclass(frozen=True)
class Row:
    """One thing that can fit: its name, what was asked for, and for each candidate its reason, or None."""

    label: str
    asked: str
    found: list[dict[str, Any] | None]


@dataclass(frozen=True)
class Doubt:
    """``why_not`` is empty for who may settle it; ``likely`` is the only task that fits, if there is one."""

    row: Submission
    evidence: dict[str, Any] | None
    table: list[Row]
    why_not: str

    @property
    def is_looked_for(self) -> bool:
        return self.row.due_at is not None

    @property
    def checked_at(self) -> datetime | None:
        return datetime.fromisoformat(self.evidence["checkedAt"]) if self.evidence else None

    @property
    def likely(self) -> str:
        matching = [each["taskId"] for each in (self.evidence or {}).get("candidates", []) if each["matches"]]
        return matching[0] if len(matching) == 1 else ""


def doubt_of(row: Submission, *, by: Actor) -> Doubt | None:
    """None when the submission's outcome isn't unknown."""
    if row.state is not State.UNKNOWN:
        return None
    refusal = permissions.settle(by, row)
    found = evidence.of(row)
    candidates = found["candidates"] if found else []
    return Doubt(row, found, _table(row, candidates), refusal.detail if refusal else "")


def _table(row: Submission, candidates: list[dict[str, Any]]) -> list[Row]:
    asked = _asked(row)
    by_what = [{reason["what"]: reason for reason in each["reasons"]} for each in candidates]
    return [
        Row(label, asked.get(what, ""), [reasons.get(what) for reasons in by_what])
        for what, label in evidence.LABELS.items()
    ]


def _asked(row: Submission) -> dict[str, str]:
    return {
        "type": str(row.kind.task_type),
        "action": str(row.kind.action_type or "–"),
        "count": str(row.files_total),
        "space": row.space,
        "time": f"{row.sent_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if row.sent_at else "",
        "files": ", ".join(file.label or file.file_id for file in row.files.all()[:5]) + _more(row.files_total - 5),
    }


def _more(others: int) -> str:
    return f" + {others}" if others > 0 else ""
