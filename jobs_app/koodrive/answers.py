"""What an answer of KooDrive means: for a task that was to be made, and for what was to be read.

The rule behind the table: only what certainly did not happen may be sent again or called refused. Everything else that
isn't a task's id is ``UNKNOWN``.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from django.utils.translation import gettext_noop as _

from ..errors import PortalError
from . import replies
from .codes import explain
from .exchange import Answer, Failure
from .jobs import ArchiveEntry, Detail, FileOutcome, Job, objects
from .replies import Reply

__all__ = [
    "ArchiveEntry",
    "Detail",
    "FileOutcome",
    "Job",
    "Kind",
    "Outcome",
    "ReadFailed",
    "detail",
    "jobs",
    "of_cancel",
    "of_create",
]

LONGEST_WAIT = 24 * 60 * 60.0  # seconds; a Retry-After beyond it is cut to it
# A failure within KooDrive, which may have come before or after the files were touched.
_TELL_LITTLE = {"13000201", "13000403"}


class Kind(StrEnum):
    """What a call came to. The portal may send again after all but ACCEPTED, REFUSED and UNKNOWN."""

    ACCEPTED = "accepted"  # KooDrive gave a task id
    REFUSED = "refused"  # KooDrive said no and did nothing
    NOT_SENT = "not_sent"  # no connection
    NOT_EXECUTED = "not_executed"  # KooDrive asked to come back later
    UNAUTHORISED = "unauthorised"  # no call can succeed until the credentials are mended
    MISCONFIGURED = "misconfigured"  # no call can succeed until the address is mended
    UNKNOWN = "unknown"  # KooDrive may have acted


@dataclass(frozen=True)
class Outcome:
    """``code`` and ``message`` are KooDrive's; ``retry_after`` is in seconds; ``detail`` is a sentence for people."""

    kind: Kind
    task_id: str | None
    code: str | None
    message: str
    retry_after: float | None
    detail: str


class ReadFailed(PortalError):
    """KooDrive gave no usable answer; try again later."""

    code = "koodrive_unusable"

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


_FAILURES = {
    Failure.NOT_CONNECTED: Kind.NOT_SENT,
    Failure.CERTIFICATE: Kind.MISCONFIGURED,
    Failure.NO_ANSWER: Kind.UNKNOWN,
    Failure.CUT_OFF: Kind.UNKNOWN,
}


def of_create(answer: Answer, *, irreversible: bool) -> Outcome:
    """What a create call came to. ``irreversible`` is for permanent deletion, where doubt counts as ``UNKNOWN``."""
    if answer.status is None:
        return _of_failure(answer)
    reply = Reply.read(answer.body)
    if not 200 <= answer.status < 300:
        return _of_error(answer.status, answer, reply, irreversible=irreversible)
    if reply is None:
        return _outcome(Kind.UNKNOWN, None, f"KooDrive's answer (HTTP {answer.status}) could not be read.")
    task_id = replies.task_id(reply.data)
    if task_id and reply.says_success:
        detail = f"KooDrive took the request as task {task_id}."
        return replace(_outcome(Kind.ACCEPTED, reply, detail), task_id=task_id, code="0")
    if reply.says_success:
        return _outcome(Kind.UNKNOWN, reply, "KooDrive reported success but gave no task id that can be read.")
    if task_id or explain(reply.code) is None:
        said = _("a task id together with an error") if task_id else _("an error that the portal does not know")
        return _outcome(Kind.UNKNOWN, reply, f"KooDrive answered with {said} ({reply}).")
    return _refused(reply, irreversible=irreversible)


def of_cancel(answer: Answer) -> Outcome:
    """What KooDrive said to the wish to stop a task; whether the task did stop, only its state tells."""
    try:
        reply = _usable(answer, of_one_task=True)
    except ReadFailed as error:
        return error.outcome
    return _outcome(Kind.ACCEPTED, reply, "KooDrive took the wish to stop the task.")


def jobs(answer: Answer) -> list[Job]:
    """The tasks of one page of the list. Raises ``ReadFailed`` also when an entry has no id: none may go unseen."""
    reply = _usable(answer)
    if not reply.has_data or not isinstance(reply.data, list | None):
        raise ReadFailed(_outcome(Kind.UNKNOWN, reply, "KooDrive's answer holds no list of tasks."))
    found = [Job.read(value) for value in objects(reply.data)]
    if len(found) != len(reply.data or []) or not all(job.task_id for job in found):
        raise ReadFailed(_outcome(Kind.UNKNOWN, reply, "KooDrive's list has an entry without a task id."))
    return found


def detail(answer: Answer) -> Detail:
    """One task with its files and archive entries. Raises ``ReadFailed``."""
    reply = _usable(answer, of_one_task=True)
    data = reply.data if isinstance(reply.data, dict) else {}
    if not isinstance(data.get("jobInfo"), dict):
        raise ReadFailed(_outcome(Kind.UNKNOWN, reply, "KooDrive's answer holds no task."))
    return Detail(
        Job.read(data["jobInfo"]),
        [FileOutcome.read(value) for value in objects(data.get("taskInfos"))],
        [ArchiveEntry.read(value) for value in objects(data.get("uncompressedFileList"))],
    )


def _usable(answer: Answer, *, of_one_task: bool = False) -> Reply:
    """The body of an answer that reports success; raises ``ReadFailed`` with what else it was."""
    if answer.status is None:
        raise ReadFailed(_of_failure(answer))
    reply = Reply.read(answer.body)
    if not 200 <= answer.status < 300:
        outcome = _of_error(answer.status, answer, reply, irreversible=False)
        if of_one_task and answer.status == 404 and not (reply and reply.is_of_gateway):
            # Perhaps only this task is gone, which says nothing about the address.
            outcome = replace(outcome, kind=Kind.REFUSED if outcome.kind is Kind.REFUSED else Kind.UNKNOWN)
        raise ReadFailed(outcome)
    if reply is None:
        raise ReadFailed(_outcome(Kind.UNKNOWN, None, f"KooDrive's answer (HTTP {answer.status}) could not be read."))
    if not reply.says_success:
        raise ReadFailed(_refused(reply, irreversible=False))
    return reply


def _of_failure(answer: Answer) -> Outcome:
    kind = _FAILURES[answer.failure] if answer.failure else Kind.UNKNOWN
    return _outcome(kind, None, answer.detail or "KooDrive gave no answer.")


def _of_error(status: int, answer: Answer, reply: Reply | None, *, irreversible: bool) -> Outcome:
    """The meaning of an HTTP status other than 2xx. KooDrive documents 400, 401 and 500; the rest is prudence."""
    said = f"HTTP {status}, {reply}" if reply and (reply.code or reply.message) else f"HTTP {status}"
    wait = _retry_after(answer)
    match status:
        case 401:
            return _outcome(Kind.UNAUTHORISED, reply, f"KooDrive refused the portal's credentials ({said}).")
        case 429:
            return _outcome(Kind.NOT_EXECUTED, reply, f"KooDrive has too many calls just now ({said}).", wait)
        case 503 if wait is not None and not irreversible:
            return _outcome(Kind.NOT_EXECUTED, reply, f"KooDrive asked to come back later ({said}).", wait)
        case 403 | 404 | 405 if not (reply and reply.is_of_koodrive):
            detail = f"What answered at KooDrive's address is not its jobs API, or bars the portal from it ({said})."
            return _outcome(Kind.MISCONFIGURED, reply, detail)
        case 400 | 403 | 404 | 405 | 413 | 415 | 422 if reply and reply.is_an_error:
            return _refused(reply, irreversible=irreversible)
        case _:
            return _outcome(Kind.UNKNOWN, reply, f"KooDrive's answer leaves open whether it acted ({said}).")


def _refused(reply: Reply, *, irreversible: bool) -> Outcome:
    known = explain(reply.code)
    if irreversible and (known is None or reply.code in _TELL_LITTLE):
        detail = f"KooDrive answered with an error that leaves open whether it deleted anything ({reply})."
        return _outcome(Kind.UNKNOWN, reply, detail)
    return _outcome(Kind.REFUSED, reply, f"KooDrive refused the request ({reply}).")


def _outcome(kind: Kind, reply: Reply | None, detail: str, retry_after: float | None = None) -> Outcome:
    return Outcome(kind, None, reply.code if reply else None, reply.message if reply else "", retry_after, detail)


def _retry_after(answer: Answer) -> float | None:
    """Seconds that the answer asks to wait, given as such or as a date; None when it doesn't, or not legibly."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    seconds = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT)
