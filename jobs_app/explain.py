"""Why is it not done? For every state, in one sentence: what it waits for and what happens next."""

from dataclasses import dataclass

from .koodrive.codes import explain as explain_code
from .models import Pause, Submission
from .states import State


@dataclass(frozen=True)
class Explanation:
    """``waiting_for`` is a stable code, None when nothing is awaited; ``advice`` is what a person may do about it."""

    sentence: str
    waiting_for: str | None
    needs_person: bool = False
    advice: str | None = None


_FOLLOWED = {
    State.ACCEPTED: "KooDrive has the task and has not begun with it; the portal asks again shortly.",
    State.RUNNING: "KooDrive is working on the task; the portal asks again shortly.",
}
_ENDED = {
    State.SUCCEEDED: "KooDrive finished the task; every file succeeded.",
    State.PARTIALLY_FAILED: "KooDrive finished the task, but some files failed.",
    State.FAILED: "KooDrive finished the task; no file succeeded.",
    State.REJECTED: "An approver rejected it; nothing was sent.",
    State.EXPIRED: "Its time ran out before it could be sent; nothing was sent.",
    State.CANCELLED: "It was cancelled.",
    State.CLOSED: "A person closed it without certain evidence of what KooDrive did.",
}
_HOLDS = {
    "unreachable": "KooDrive could not be reached; nothing was sent, and the portal tries again by itself.",
    "busy": "KooDrive asked to come back later; nothing was sent, and the portal tries again by itself.",
    Pause.Cause.CREDENTIALS: "KooDrive refused the credentials; sending goes on by itself when they work again.",
    Pause.Cause.ADDRESS: "What answers at KooDrive's address is not its jobs API; sending goes on when that is mended.",
}


def explain(submission: Submission, *, pause: Pause | None = None) -> Explanation:
    """``pause`` is the current one, if any; callers that explain many submissions read it once."""
    state = submission.state
    if state in _ENDED:
        return Explanation(_ENDED[state], None, advice=_advice(submission))
    if state in _FOLLOWED:
        return Explanation(submission.detail or _FOLLOWED[state], "koodrive")
    match state:
        case State.AWAITING_APPROVAL:
            given = sum(each.decision == "approved" for each in submission.approvals.all())
            sentence = f"It waits for approval by another person ({given} of {submission.approvals_needed} given)."
            return Explanation(sentence, "approval", needs_person=True)
        case State.QUEUED:
            return _queued(submission, pause)
        case State.SENDING:
            return Explanation("The portal is sending it to KooDrive and waits for the answer.", "answer")
        case State.REFUSED:
            said = f"{submission.result_code} {submission.result_message or ''}".strip()
            return Explanation(f"KooDrive refused it ({said}) and did nothing.", None, advice=_advice(submission))
        case _:
            sentence = (
                "It was or may have been sent, but no certain answer came, so the portal will not send it again: "
                "look into KooDrive before you submit it anew."
            )
            return Explanation(sentence, "person", needs_person=True, advice=submission.detail or None)


def _queued(submission: Submission, pause: Pause | None) -> Explanation:
    if pause:
        return Explanation(f"All sending is paused: {_HOLDS[pause.cause]}", pause.cause, needs_person=True)
    if submission.hold:
        return Explanation(_HOLDS[submission.hold], submission.hold, advice=submission.detail or None)
    if submission.not_before and submission.not_before == submission.due_at:
        return Explanation("It waits for the time before which it must not be sent.", "not_before")
    return Explanation("It waits for a worker, which will send it next.", "worker")


def _advice(submission: Submission) -> str | None:
    known = explain_code(submission.result_code)
    return f"{known.meaning} {known.advice}".strip() if known and known.code != "0" else None
