"""Why is it not done? For every state, in one sentence: what it waits for, since when, and what happens next."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from . import moments, pauses, spaces, statements
from .koodrive.codes import explain as explain_code
from .models import Pause, Space, Submission
from .models.submissions import WITHHELD
from .states import State

_OF_TWIN = ("id", "request_sha256", "status", "updated_at", "due_at")
# Of pauses the second half of the columns is null, of twins the first.
_PAUSES_AND_TWINS = f"""
    SELECT {", ".join([*pauses.NAMES, *["NULL"] * len(_OF_TWIN)])} FROM {pauses.STANDING}
    UNION ALL
    SELECT {", ".join(["NULL"] * len(pauses.NAMES) + [*_OF_TWIN])} FROM jobs_app_submission
    WHERE request_sha256 = ANY(%s) AND status IN ('{State.SENDING}', '{State.UNKNOWN}')
"""  # noqa: S608  (put together from constants only)


@dataclass(frozen=True)
class Explanation:
    """``waiting_for`` is a stable code, None when nothing is awaited; ``advice`` is what a person may do about it."""

    sentence: str
    waiting_for: str | None
    needs_person: bool = False
    advice: str | None = None


@dataclass(frozen=True)
class Circumstances:
    """What holds submissions back from outside: pauses, their spaces, and identical requests under way or in doubt."""

    pauses: Sequence[Pause] = ()
    spaces: Mapping[str, Space] = field(default_factory=dict)  # by id
    twins: Mapping[str, Submission] = field(default_factory=dict)  # by the hash of the request


def circumstances(submissions: Iterable[Submission]) -> Circumstances:
    """Read once for all submissions that are explained together."""
    waiting = [each for each in submissions if each.state in (State.QUEUED, State.AWAITING_APPROVAL)]
    left = {space for each in waiting for space in _left(each)}
    queued = [each.request_sha256 for each in waiting if each.state is State.QUEUED]
    found, half = statements.rows(_PAUSES_AND_TWINS, [queued]), len(pauses.NAMES)
    twins = [Submission.from_db(DEFAULT_DB_ALIAS, _OF_TWIN, row[half:]) for row in found if row[0] is None]
    return Circumstances(
        pauses=pauses.in_rows(row[:half] for row in found if row[0] is not None),
        spaces=spaces.found(left) if left else {},
        twins={each.request_sha256: each for each in twins},
    )


def _left(submission: Submission) -> set[str]:
    return spaces.taken_from(submission.source_space, submission.space, submission.operation)


def _forbidden(submission: Submission, around: Circumstances) -> str | None:
    """Why its spaces forbid to send it now."""
    known, now = [around.spaces[each] for each in _left(submission) if each in around.spaces], timezone.now()
    found = [why for space in known for _, why in spaces.forbidding(space, submission.operation, now)]
    return " ".join(sorted(found)) or None


_ENDED = {
    State.SUCCEEDED: "KooDrive finished the task; every file succeeded.",
    State.PARTIALLY_FAILED: "KooDrive finished the task, but some files failed.",
    State.FAILED: "KooDrive finished the task; no file succeeded.",
    State.REJECTED: "An approver rejected it; nothing was sent.",
    State.EXPIRED: "Its time ran out before it could be sent; nothing was sent.",
    State.CLOSED: "A person closed it without certain evidence of what KooDrive did.",
}
_HOLDS = {
    "unreachable": "KooDrive could not be reached; nothing was sent, and the portal tries again by itself.",
    "busy": "KooDrive asked to come back later; nothing was sent, and the portal tries again by itself.",
    WITHHELD: "It can't be sent as it stands, so it was taken out of the queue until a person mends or cancels it.",
    Pause.Cause.CREDENTIALS: "KooDrive refused the credentials; sending goes on by itself when they work again.",
    Pause.Cause.ADDRESS: "What answers at KooDrive's address is not its jobs API; sending goes on when that is mended.",
    Pause.Cause.UNREACHABLE: _("several calls in a row came to nothing; sending goes on when KooDrive answers again."),
    Pause.Cause.PERSON: "Somebody stopped it; an administrator lets it go on.",
}
_PAUSES_FOR_PEOPLE = {Pause.Cause.CREDENTIALS, Pause.Cause.ADDRESS, Pause.Cause.PERSON}


def explain(submission: Submission, around: Circumstances | None = None) -> Explanation:
    """``around`` from ``circumstances``, when several are explained; one alone finds its own."""
    state = submission.state
    if submission.conflict:
        return Explanation(submission.conflict, "person", needs_person=True, advice=_advice(submission))
    if state in _ENDED:
        return Explanation(_ENDED[state], None, advice=_advice(submission))
    match state:
        case State.AWAITING_APPROVAL:
            return _awaiting_approval(submission, around or circumstances([submission]))
        case State.QUEUED:
            return _queued(submission, around or circumstances([submission]))
        case State.SENDING:
            since = _at(submission.sent_at)
            sentence = f"The portal is sending it to KooDrive since {since} and waits for the answer."
            return Explanation(sentence, "answer", advice=_wish(submission))
        case State.ACCEPTED | State.RUNNING:
            return _followed(submission)
        case State.CANCELLED:
            done = "KooDrive stopped the task; files that were done by then stay done."
            return Explanation(done if submission.task_id else "It was cancelled; nothing was sent.", None)
        case State.REFUSED:
            said = f"{submission.result_code} {submission.result_message or ''}".strip()
            return Explanation(f"KooDrive refused it ({said}) and did nothing.", None, advice=_advice(submission))
        case _:
            return _unknown(submission)


def _awaiting_approval(submission: Submission, around: Circumstances) -> Explanation:
    approved = [each for each in submission.approvals.all() if each.decision == "approved"]
    given = sum(each.superseded_at is None for each in approved)
    needed, since, until = submission.approvals_needed, _at(submission.created_at), _at(submission.due_at)
    waits = _(f"It waits for approval by another person ({given} of {needed} given) since {since};")
    sentence = f"{waits} without it, it expires at {until}."
    if any(pause.covers(submission) for pause in around.pauses):
        sentence = f"{waits} without it, it expires at {until}, and later by as long as sending is paused."
    advice = []
    if given < len(approved) and submission.detail:
        advice.append(_(f"It was approved and came back: {submission.detail}"))
    if why := _forbidden(submission, around):
        advice.append(f"{why} Approved, it waits until that is over.")
    return Explanation(sentence, "approval", needs_person=True, advice=" ".join(advice) or None)


def _queued(submission: Submission, around: Circumstances) -> Explanation:
    if submission.hold == WITHHELD:
        return Explanation(_HOLDS[WITHHELD], "person", needs_person=True, advice=submission.detail or None)
    if pause := next((each for each in around.pauses if each.covers(submission)), None):
        sentence = _(f"{_what(pause)} is paused since {_at(pause.since)}: {_HOLDS[pause.cause]}")
        return Explanation(sentence, pause.cause, needs_person=pause.cause in _PAUSES_FOR_PEOPLE, advice=pause.detail)
    if why := _forbidden(submission, around):
        return Explanation(f"{why} It waits until that is over; cancel it if it isn't wanted any more.", "space", True)
    if twin := around.twins.get(submission.request_sha256):
        return _behind(twin)
    if submission.due_at is None:
        return Explanation("What held it back is over; it is queued again within seconds.", "worker")
    if submission.hold:
        sentence = f"{_HOLDS[submission.hold]} The next try is at {_at(submission.due_at)}."
        return Explanation(sentence, submission.hold, advice=submission.detail or None)
    if submission.not_before and submission.not_before == submission.due_at:
        sentence = f"It waits for {_at(submission.not_before)}, before which it must not be sent."
        return Explanation(sentence, "not_before")
    return Explanation("It waits for a worker, which will send it next.", "worker")


def _what(pause: Pause) -> str:
    if pause.is_of_everything:
        return _("All sending")
    if pause.operation and pause.space:
        return _(f"Sending of {pause.operation} for the space {pause.space}")
    return _(f"Sending of {pause.operation}") if pause.operation else _(f"Sending for the space {pause.space}")


def _behind(twin: Submission) -> Explanation:
    if twin.state is State.SENDING:
        return Explanation(f"An identical request, {twin.pk}, is being sent; this one is sent after it.", "twin")
    sentence = (
        f"The outcome of an identical request, {twin.pk}, is unknown since {_at(twin.updated_at)}; "
        "this one is sent when that is settled."
    )
    return Explanation(sentence, "twin", needs_person=twin.due_at is None)


def _followed(submission: Submission) -> Explanation:
    is_running = submission.state is State.RUNNING
    what = _("is working on the task") if is_running else _("has the task and has not begun with it")
    sentence = (
        f"KooDrive {what}, which it took at {_at(submission.accepted_at)}; "
        f"the portal asks again at {_at(submission.due_at)}."
    )
    return Explanation(sentence, "koodrive", advice=_wish(submission) or submission.detail or None)


def _wish(submission: Submission) -> str | None:
    if submission.cancel_asked_at:
        return f"KooDrive was asked at {_at(submission.cancel_asked_at)} to stop it; its state tells whether it did."
    if submission.cancel_requested_at:
        return "It is to be cancelled: the portal asks KooDrive to stop it as soon as it can."
    return None


def _unknown(submission: Submission) -> Explanation:
    if submission.due_at:
        sentence = (
            f"It was or may have been sent at {_at(submission.sent_at)}, but no certain answer came; the portal looks "
            f"for its task in KooDrive at {_at(submission.due_at)} and never sends it again."
        )
        return Explanation(sentence, "evidence", advice=submission.detail or None)
    sentence = (
        f"It was or may have been sent at {_at(submission.sent_at)}, but no certain answer came; the portal never "
        "sends it again, so a person has to say which task in KooDrive it is, or close it."
    )
    return Explanation(sentence, "person", needs_person=True, advice=submission.detail or None)


def _advice(submission: Submission) -> str | None:
    known = explain_code(submission.result_code)
    return f"{known.meaning} {known.advice}".strip() if known and known.code != "0" else None


def _at(moment: datetime | None) -> str:
    return moments.shown(moment) if moment else _("an unknown time")
