"""Settles ``unknown`` submissions from what KooDrive itself tells: its list of tasks, and the detail of what may fit.

One certain match binds the task's id. Everything else is kept as evidence (``evidence.py`` says in which shape) and
looked at again a few times; then it is left to a person. Nothing here ever sends anything again.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from . import audit, claiming, evidence, lifecycle, operations, pulse, tracing, tracking
from .actors import SETTLER
from .audit import Action
from .errors import WrongState
from .evidence import Candidate, Verdict, Wanted
from .koodrive import answers, listing
from .koodrive.answers import Detail, Job, Kind, ReadFailed
from .koodrive.client import Client
from .models import Submission
from .states import State

# When its task is looked for, after the call. After the last look it needs a person.
LOOKS = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 1200))
TAKEN = timedelta(minutes=10)  # for so long a settler has its rows for itself
RETRY = timedelta(seconds=30)
MOST_FAILURES = 3
MOST_DETAILS = 1000
# Those that may have made a task without the portal knowing which.
_RIVALS = (State.UNKNOWN, State.SENDING, State.CLOSED)


def settle(*, client: Client, limit: int = 500) -> None:
    """Looks for the tasks of the submissions that are due; several settlers at once share them."""
    due: dict[int, list[Submission]] = defaultdict(list)
    for row in Submission.objects.due(State.UNKNOWN)[:limit]:
        due[row.kind.task_type].append(row)
    for task_type, rows in due.items():
        taken = [row for row in rows if _take(row)]
        try:
            if taken:
                _settle(taken, task_type, client)
        except ReadFailed as error:
            tracking.pause_if_refused(error)
            _leave(taken, error)


def _take(row: Submission) -> bool:
    mine = Submission.objects.filter(pk=row.pk, status=State.UNKNOWN, due_at=row.due_at)
    row.due_at = timezone.now() + TAKEN
    return mine.update(due_at=row.due_at) == 1


def _leave(rows: list[Submission], error: ReadFailed) -> None:
    """Has those that are still this settler's looked at later; a failed read is no look."""
    wait = max(RETRY, timedelta(seconds=error.outcome.retry_after or 0))
    for row in rows:
        Submission.objects.filter(pk=row.pk, status=State.UNKNOWN, due_at=row.due_at).update(due_at=Now() + wait)


def _settle(rows: list[Submission], task_type: int, client: Client) -> None:
    earliest = min(_sent_at(row) for row in rows) - evidence.SHOWN_EARLIER
    look = Look(client, listing.read(client, task_type=task_type, since=earliest))
    failures = count(1)
    for row in rows:
        try:
            with tracing.at_work(**row.log_ids):
                _look_for(row, look)
        except ReadFailed as error:
            tracking.pause_if_refused(error)
            _leave([row], error)
            if next(failures) == MOST_FAILURES:
                raise


def _look_for(row: Submission, look: "Look") -> None:
    candidates = look.candidates(row)
    complete = look.covers(row)
    verdict = evidence.judge(candidates, complete=complete)
    document = evidence.document(row, candidates, verdict, complete=complete, at=look.at)
    if verdict.certain is None:
        _keep(row, verdict, document, elapsed=look.at - _sent_at(row))
    elif not _bound(row, verdict.certain, document):
        look.owned.add(verdict.certain.job.task_id)
        _look_for(row, look)


def _bound(row: Submission, match: Candidate, document: dict[str, Any]) -> bool:
    """Binds the task; False when it turns out to be another submission's. A row that was settled meanwhile stays so."""
    changes = {
        "task_id": match.job.task_id,
        "task_user": match.job.user_id,
        "outcome_basis": Submission.Basis.EVIDENCE,
        "accepted_at": Now(),
        "due_at": Now(),
        "looks": F("looks") + 1,
        "evidence": document,
    }
    told = {"task": match.job.task_id, "detail": document["verdict"], "evidence": evidence.as_json(match)}
    try:
        lifecycle.move(
            row,
            State.ACCEPTED,
            by=SETTLER,
            action=Action.DOUBT_SETTLED,
            changes=changes,
            guard={"claim": row.claim},
            **told,
        )
    except IntegrityError:
        return False
    except WrongState:
        pass  # Its answer came after all, or a person was faster.
    return True


def _keep(row: Submission, verdict: Verdict, document: dict[str, Any], *, elapsed: timedelta) -> None:
    """Keeps what was found, until the next look or for a person; the trail hears once that it is left to one."""
    following = next((after for after in LOOKS if after > elapsed), None)
    told = not following and not document["examined"]
    document["examined"] |= told
    due_at = _sent_at(row) + following if following else None
    mine = Submission.objects.filter(pk=row.pk, status=State.UNKNOWN, due_at=row.due_at)
    with transaction.atomic():
        if mine.update(looks=F("looks") + 1, evidence=document, due_at=due_at) and told:
            row.evidence = document
            audit.record(
                Action.DOUBT_EXAMINED,
                by=SETTLER,
                submission=row,
                outcome="failed",
                detail=verdict.sentence,
                evidence=evidence.summary(row),
            )


class Look:
    """One reading of KooDrive's list and, each once, of the details that it makes necessary.

    ``owned`` are the tasks that belong to a submission already.
    """

    def __init__(self, client: Client, found: listing.Found) -> None:
        self.at, self._ahead = pulse.clocks()
        self._client, self._found = client, found
        self._user = Submission.objects.koodrive_user()
        self._details: dict[str, Detail | None] = {}
        self._is_short = False  # whether a task was left out for their number
        # Times are told by the database's clock, as those of the calls are.
        times = {job.task_id: found.made_at(job) for job in found.jobs}
        self._times = {task_id: here and here + self._ahead for task_id, here in times.items()}
        self.owned = set(Submission.objects.filter(task_id__in=list(times)).values_list("task_id", flat=True))

    def covers(self, row: Submission) -> bool:
        """Whether whatever may be the row's task was looked at."""
        return not self._is_short and self._found.covers(_sent_at(row) - evidence.SHOWN_EARLIER - self._ahead)

    def candidates(self, row: Submission) -> list[Candidate]:
        """The tasks that may be the row's, and of no other submission. Raises ``ReadFailed``."""
        files = frozenset(row.files.values_list("file_id", flat=True))
        wanted = Wanted(row.kind, row.space, files, _sent_at(row), claiming.lease(), self._user)
        found = []
        for job in self._found.jobs:
            made_at = self._times[job.task_id]
            if job.task_id in self.owned or not wanted.may_be(job, made_at):
                continue
            detail = self._detail(job.task_id)
            known = self._found.clock_difference is not None
            candidate = evidence.examine(wanted, job, detail, made_at, clock_is_known=known)
            if candidate.matches and made_at:
                candidate = evidence.beside_rivals(candidate, _rivals(row, wanted, job, made_at))
            found.append(candidate)
        return found

    def _detail(self, task_id: str) -> Detail | None:
        """None when KooDrive refuses to show this task, or when too many were asked for already."""
        if task_id not in self._details:
            if len(self._details) >= MOST_DETAILS:
                self._is_short = True
                return None
            self._details[task_id] = self._read(task_id)
        return self._details[task_id]

    def _read(self, task_id: str) -> Detail | None:
        try:
            return answers.detail(self._client.job_detail(task_id))
        except ReadFailed as error:
            if error.outcome.kind is not Kind.REFUSED:
                raise
            return None


def _rivals(row: Submission, wanted: Wanted, job: Job, made_at: datetime) -> list[Any]:
    """Other submissions of the same files whose call may have made this task, and which lack a certain end."""
    kinds = [
        each.name
        for each in operations.OPERATIONS
        if each.task_type == wanted.operation.task_type and job.action_type in (None, each.action_type)
    ]
    others = Submission.objects.filter(
        status__in=_RIVALS,
        operation__in={*kinds, row.operation},
        space=row.space,
        files_total=row.files_total,
        files__file_id=min(wanted.file_ids),
        sent_at__gte=made_at - wanted.lease - evidence.LATER,
        sent_at__lte=made_at + evidence.SHOWN_EARLIER,
    ).exclude(pk=row.pk)
    return [other.pk for other in others if set(other.files.values_list("file_id", flat=True)) == wanted.file_ids]


def _sent_at(row: Submission) -> datetime:
    assert row.sent_at is not None
    return row.sent_at
