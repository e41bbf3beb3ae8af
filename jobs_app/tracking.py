"""Follows accepted tasks in KooDrive to their end, and keeps the connection proven."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from . import contradictions, lifecycle, pauses, pulse, results, stopping, tracing
from .actors import SWEEPER, TRACKER
from .audit import Action
from .errors import WrongState
from .koodrive import answers
from .koodrive.answers import Detail, Job, Kind, ReadFailed
from .koodrive.client import Client
from .koodrive.pages import pages
from .models import Pause, Submission
from .states import FOLLOWED, State

log = logging.getLogger(__name__)

AT_ONCE = 500
FEW = 5  # due tasks of one type: up to so many are asked about one by one
MOST_PAGES = 20
MOST_FAILURES = 3  # answers in one run that can't be used, after which KooDrive is left alone until the next one
LONGEST_INTERVAL = timedelta(minutes=5)
CONTRADICTED_INTERVAL = timedelta(hours=1)

PAUSING = {answers.Kind.UNAUTHORISED: Pause.Cause.CREDENTIALS, answers.Kind.MISCONFIGURED: Pause.Cause.ADDRESS}
_OF_ONE_TASK = (Kind.REFUSED, Kind.UNKNOWN)  # failures after which the next task may fare better


def poll(*, client: Client, limit: int = AT_ONCE) -> None:
    """Asks KooDrive about the tasks that are due; several pollers at once share them."""
    by_type: dict[int, list[Submission]] = defaultdict(list)
    for row in Submission.objects.due(*FOLLOWED)[:limit]:
        by_type[row.kind.task_type].append(row)
    failures, heard = 0, False
    for task_type, rows in by_type.items():
        asked, listed = _overview(task_type, rows, client)
        for row in asked:
            if not _take(row):
                continue
            with tracing.at_work(**row.log_ids):
                failed = _look(row, listed.get(row.task_id or ""), client)
            if not (failed or heard):
                pulse.beat("koodrive")
                heard = True
            failures += failed is Kind.UNKNOWN
            if failures >= MOST_FAILURES or (failed and failed not in _OF_ONE_TASK):
                return


def _overview(task_type: int, rows: list[Submission], client: Client) -> tuple[Sequence[Submission], dict[str, Job]]:
    """Which of the rows to look at in this run, and what KooDrive's list says about them."""
    if len(rows) <= FEW:
        return rows, {}
    try:
        return rows, _listed(task_type, {row.task_id or "" for row in rows}, client)
    except ReadFailed as error:
        # Without a list each task costs a call of its own: the longest waiting first, the others in the next runs.
        log.warning("KooDrive's list can't be read: %s", error.detail)
        return rows[:FEW], {}


def _listed(task_type: int, wanted: set[str], client: Client) -> dict[str, Job]:
    """What the list says about the wanted tasks, as far as reading on costs less than asking about each one left."""
    found: dict[str, Job] = {}
    oldest = min(map(int, wanted))
    for number, page in enumerate(pages(client, task_type=task_type), 1):
        found |= {job.task_id: job for job in page if job.task_id in wanted}
        if number >= min(MOST_PAGES, len(wanted) - len(found)) or _is_past(oldest, page):
            break
    return found


def _is_past(oldest: int, page: list[Job]) -> bool:
    """Whether no task as old as ``oldest`` can follow: ids grow with time, and the page is sorted newest first."""
    ids = [int(job.task_id) for job in page]
    return ids[-1] < oldest and ids == sorted(ids, reverse=True) and len(ids) > 1


def _take(row: Submission) -> bool:
    """Whether this poller is the one to look."""
    due = Submission.objects.filter(pk=row.pk, status=row.status, due_at=row.due_at)
    return bool(due.update(due_at=Now() + _interval(row)))


def _look(row: Submission, listed: Job | None, client: Client) -> Kind | None:
    """Brings the row to where its task is; what failed, if something did."""
    try:
        if listed and _says_enough(listed, row):
            follow(row, Detail(listed, [], []))
        else:
            _ask(row, client)
    except WrongState:
        return None  # Another poller was faster.
    except ReadFailed as error:
        _put_off(row, error)
        return error.outcome.kind
    return None


def _says_enough(job: Job, row: Submission) -> bool:
    """Whether KooDrive's detail would add nothing to its list about this task."""
    if row.cancel_requested_at or row.outcome_basis == Submission.Basis.PERSON:
        return False
    match job.status:
        case 0:
            return True
        case 1:
            return not row.kind.tells_progress
        case 2:
            return job.task_result_code == 1 and not row.kind.detail_adds
        case _:
            return False


def _ask(row: Submission, client: Client) -> None:
    """Asks for the detail of the task, once it was asked to stop if that is wished, and never one of somebody else."""
    found = _detail(row, client) if row.outcome_basis == Submission.Basis.PERSON else None
    if found and (sentence := contradictions.of(row, found)):
        contradictions.tell(row, sentence)
        _again_in(row, CONTRADICTED_INTERVAL)
        return
    if stopping.ask(row, client=client) or found is None:
        found = _detail(row, client)
    follow(row, found)


def _detail(row: Submission, client: Client) -> Detail:
    return answers.detail(client.job_detail(row.task_id or ""))


def follow(submission: Submission, found: Detail) -> None:
    """Moves the submission to where KooDrive says its task is; raises ``WrongState`` when it is elsewhere by now."""
    job = found.job
    changes = results.learnt(submission, job)
    if job.status == 3:
        results.finish(submission, State.CANCELLED, found)
    elif job.status == 2 and (end := results.end_of(found)):
        results.finish(submission, end, found)
    elif job.status == 1 and submission.state is State.ACCEPTED:
        lifecycle.move(
            submission, State.RUNNING, by=TRACKER, action=Action.TASK_STARTED, changes=changes, task=submission.task_id
        )
    elif changes:
        Submission.objects.filter(pk=submission.pk).update(**changes)


def _put_off(row: Submission, error: ReadFailed) -> None:
    """Says why nothing is known; a task that KooDrive doesn't know is asked about as rarely as any."""
    pause_if_refused(error)
    detail = error.outcome.detail
    if error.outcome.kind is Kind.REFUSED:
        detail = _(f"KooDrive doesn't tell about task {row.task_id}, perhaps it no longer has it: {detail}")
        _again_in(row, LONGEST_INTERVAL)
    Submission.objects.filter(pk=row.pk).update(detail=detail)


def _again_in(row: Submission, interval: timedelta) -> None:
    Submission.objects.filter(pk=row.pk, status=row.status).update(due_at=Now() + interval)


def _interval(submission: Submission) -> timedelta:
    """A tenth of the age of the task, or of the wish to stop it, between two seconds and five minutes.

    What takes long is asked about less often.
    """
    since = submission.cancel_requested_at or submission.accepted_at or timezone.now()
    return min(max((timezone.now() - since) / 10, timedelta(seconds=2)), LONGEST_INTERVAL)


def try_connection(*, client: Client) -> None:
    """A harmless read: keeps an idle token alive, ends a pause when it works, begins one when it is refused."""
    try:
        answers.jobs(client.list_jobs(offset=client.offset_base, limit=1))
    except ReadFailed as error:
        pause_if_refused(error)
    else:
        pulse.beat("koodrive")
        pauses.end(by=SWEEPER)


def pause_if_refused(error: ReadFailed) -> None:
    """Pauses all sending when KooDrive refused to be read for a cause that concerns every call."""
    if cause := PAUSING.get(error.outcome.kind):
        pauses.begin(cause, error.outcome.detail, by=TRACKER)
