"""Holds what the portal shows against the sandbox's own record of what it received and did."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from uuid import UUID

from jobs_app.audit import read
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Submission

# States that say that KooDrive did nothing.
_NOTHING_DONE = {"awaiting_approval", "queued", "refused", "rejected", "expired", "cancelled"}


@dataclass
class Report:
    """Numbers of submissions, but for ``drained``: seconds from the last submit until none was queued or being sent.

    ``doubled``: KooDrive has several tasks of it. ``lost``: it is gone, or still waits. ``wrong``: it shows a task that
    isn't its own. ``otherwise``: KooDrive has its task, and it is shown as if nothing had been done. ``again``: it was
    in doubt and is neither settled nor flagged, or one claim made two calls.
    """

    run: str
    submitted: int = 0
    executed: int = 0
    doubled: int = 0
    lost: int = 0
    wrong: int = 0
    otherwise: int = 0
    again: int = 0
    settled: int = 0
    flagged: int = 0
    drained: float = 0.0

    @property
    def is_sound(self) -> bool:
        return not (self.doubled or self.lost or self.wrong or self.otherwise or self.again)


def check(run: str, submitted: Mapping[str, UUID], sandbox: Sandbox, drained: float) -> Report:
    """``submitted`` has the id of each submission by the one file that it is about."""
    report = Report(run, submitted=len(submitted), drained=drained)
    made: dict[str, list[str]] = {}
    traces = [entry.headers["x-traceid"] for entry in sandbox.received.of("create")]
    report.again += len(traces) - len(set(traces))
    for entry in sandbox.received.of("create"):
        if entry.task_id:
            made.setdefault(entry.file_ids[0], []).append(entry.task_id)
    rows = Submission.objects.in_bulk(list(submitted.values()))
    for file, id_ in submitted.items():
        _count(report, rows.get(id_), made.get(file, []))
    return report


def _count(report: Report, row: Submission | None, tasks: list[str]) -> None:
    report.executed += bool(tasks)
    report.doubled += len(tasks) > 1
    if row is None or row.status in ("queued", "sending"):
        report.lost += 1
        return
    report.wrong += row.task_id is not None and row.task_id not in tasks
    report.otherwise += bool(tasks) and row.status in _NOTHING_DONE
    if row.status == "unknown":
        report.flagged += 1
    elif _was_in_doubt(row):
        report.settled += row.outcome_basis is not None
        report.again += row.outcome_basis is None and row.status != "cancelled"


def _was_in_doubt(row: Submission) -> bool:
    return any(line.parsed["event"]["action"] == "send.unknown" for line in read.of_submission(row.pk))


def table(reports: Iterable[Report]) -> str:
    names = [field.name for field in fields(Report)]
    lines = [
        [f"{value:.0f}" if isinstance(value, float) else str(value) for value in vars(r).values()] for r in reports
    ]
    widths = [max(len(row[column]) for row in (names, *lines)) for column in range(len(names))]
    return "\n".join(
        " | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (names, *lines)
    )
