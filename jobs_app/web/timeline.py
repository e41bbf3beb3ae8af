"""What happened to a submission, told from its audit events."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop as _

from ..audit import read
from ..audit.actions import meaning
from ..models import Submission


@dataclass(frozen=True)
class Step:
    """One event as people read it; ``facts`` are its particulars, each with its name."""

    seq: int
    at: datetime
    action: str
    meaning: str
    actor: str
    channel: str
    failed: bool
    facts: list[tuple[str, str]]


_FACTS = {
    "comment": _("comment"),
    "reason": _("reason"),
    "detail": _("detail"),
    "task": _("KooDrive task"),
    "retryOf": _("retry of"),
    "cloneOf": _("clone of"),
    "follows": _("made from the result of"),
    "attempt": _("attempt"),
    "traceId": _("trace id"),
    "milliseconds": _("milliseconds"),
    "why": _("refused because"),
}


def timeline(row: Submission) -> list[Step]:
    """The submission's events, oldest first."""
    lines = [line.parsed for line in read.of_submission(row.pk)]
    names = read.names({line["event"]["actor"]["id"] for line in lines})
    return [_step(line, names) for line in lines]


def _step(line: dict[str, Any], names: dict[str, str]) -> Step:
    event = line["event"]
    actor = event["actor"]["id"]
    return Step(
        seq=line["seq"],
        at=datetime.fromisoformat(line["at"]),
        action=event["action"],
        meaning=meaning(event["action"]),
        actor=names.get(actor, actor),
        channel=event["channel"],
        failed=event["outcome"] != "ok",
        facts=[(label, str(event[name])) for name, label in _FACTS.items() if event.get(name) is not None],
    )
