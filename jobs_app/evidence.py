"""Whether a task in KooDrive is the one that a submission asked for: what fits, what doesn't, what that comes to.

``Submission.evidence`` keeps the last look in this shape::

    {"checkedAt": "…Z", "complete": true, "verdict": "<sentence>", "attempt": 1, "examined": false,
     "candidates": [{"taskId": "…", "createdAt": "…Z"|null, "taskType": 1, "actionType": 101|null, "contentNum": 1,
                     "containerId": "…", "userId": "…"|null, "status": 2, "matches": true,
                     "reasons": [{"what": "files", "fits": true|false|null, "detail": "<sentence>"}]}]}

``complete`` says whether KooDrive's list was read whole, so that absence is evidence. ``attempt`` is the call that it
is about, ``examined`` whether the trail says already that it was left to a person. ``fits`` is null where nobody knows.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_noop as _

from . import canonical
from .koodrive.answers import Detail, Job
from .models import Submission
from .operations import Operation

EARLIER = timedelta(seconds=5)  # a task can't be older than the call that made it, but for the clocks' inaccuracy
LATER = timedelta(minutes=15)  # beyond the claim's lease: a worker that was stopped may send when it wakes
SHOWN_EARLIER = timedelta(minutes=5)  # shown to people, and never taken for a match
MOST_SHOWN = 20

LABELS = {
    "type": _("Kind of task"),
    "action": _("Kind of action"),
    "count": _("Number of files"),
    "space": _("Target space"),
    "time": _("Time (UTC)"),
    "files": _("Files"),
    "user": _("KooDrive user"),
    "alone": _("Nothing else asked for it"),
}


@dataclass(frozen=True)
class Wanted:
    """What a submission's task looks like; times are the portal's. ``user`` is who makes the portal's tasks."""

    operation: Operation
    space: str
    file_ids: frozenset[str]
    sent_at: datetime
    lease: timedelta
    user: str | None = None

    @property
    def until(self) -> datetime:
        return self.sent_at + self.lease + LATER

    def may_be(self, job: Job, made_at: datetime | None) -> bool:
        """Whether an entry of the list is worth its detail: nothing in it speaks against it."""
        within = made_at is None or self.sent_at - SHOWN_EARLIER <= made_at <= self.until
        fits = (fit for __, fit, __ in _by_entry(self, job))
        return within and all(fit is not False for fit in fits)


@dataclass(frozen=True)
class Reason:
    what: str
    fits: bool | None
    detail: str


@dataclass(frozen=True)
class Candidate:
    """A task that may be the one. ``matches`` when it is as good as what was asked for, whoever else may have asked."""

    job: Job
    made_at: datetime | None
    reasons: tuple[Reason, ...]
    rivals: tuple[UUID, ...] = ()

    @property
    def matches(self) -> bool:
        fits = {reason.what: reason.fits for reason in self.reasons if reason.what != "alone"}
        return fits["time"] is True and fits["files"] is True and False not in fits.values()


def examine(
    wanted: Wanted, job: Job, detail: Detail | None, made_at: datetime | None, *, clock_is_known: bool
) -> Candidate:
    """Holds one task against what was asked for; ``detail`` is None when KooDrive doesn't show it."""
    whole = _completed(job, detail.job) if detail else job
    reasons = [Reason(*each) for each in _by_entry(wanted, whole)]
    reasons += [_time(wanted, made_at, clock_is_known), _files(wanted, detail), _user(wanted, whole.user_id)]
    return Candidate(whole, made_at, tuple(reasons))


def _completed(job: Job, by: Job) -> Job:
    """The list's entry with what the detail tells beyond it."""
    return replace(job, **{name: told for name, told in vars(by).items() if told is not None and name != "task_id"})


def beside_rivals(candidate: Candidate, rivals: Collection[UUID]) -> Candidate:
    """The candidate, once it is known which other open submissions may have made it."""
    names = ", ".join(map(str, rivals))
    detail = (
        f"Submission {names} asked for the same and is in doubt as well." if rivals else "No other one is in doubt."
    )
    reasons = (*candidate.reasons, Reason("alone", not rivals, detail))
    return Candidate(candidate.job, candidate.made_at, reasons, tuple(rivals))


@dataclass(frozen=True)
class Verdict:
    """``certain`` is the one task that it is, None when that can't be said; ``sentence`` is for people."""

    certain: Candidate | None
    sentence: str


def judge(candidates: Sequence[Candidate], *, complete: bool) -> Verdict:
    """Certain is one match alone, in a list that was read whole, which no other submission may have made."""
    matching = [each for each in candidates if each.matches]
    if len(matching) > 1:
        return Verdict(None, f"{len(matching)} tasks fit equally well; only a person can tell which one it is, if any.")
    if not matching:
        return Verdict(None, _nothing_fits(candidates, complete))
    [match] = matching
    if match.rivals:
        return Verdict(None, f"Task {match.job.task_id} fits, but another submission may have made it as well.")
    if not complete:
        sentence = (
            f"Task {match.job.task_id} fits, but KooDrive's list could not be read whole, so another one may fit as "
            "well."
        )
        return Verdict(None, sentence)
    return Verdict(match, f"Task {match.job.task_id} is the only one that fits.")


def _nothing_fits(candidates: Sequence[Candidate], complete: bool) -> str:
    if any(reason.what == "files" and reason.fits for each in candidates for reason in each.reasons):
        return "A task with exactly these files is there, but something else about it doesn't fit; look at it below."
    if not complete:
        return "No task that fits was found, but KooDrive's list could not be read whole, so that proves nothing."
    if any(reason.what == "files" and reason.fits is None for each in candidates for reason in each.reasons):
        return "KooDrive doesn't tell the files of a task that may be it; look at it below."
    return "No task fits, and the list was read whole: KooDrive most likely never got it."


def document(
    submission: Submission, candidates: Sequence[Candidate], verdict: Verdict, *, complete: bool, at: datetime
) -> dict[str, Any]:
    """The look as it is kept, what fits best first."""
    best = sorted(candidates, key=lambda each: (not each.matches, [reason.fits is not True for reason in each.reasons]))
    return {
        "checkedAt": canonical.moment(at),
        "complete": complete,
        "verdict": verdict.sentence,
        "attempt": submission.attempts,
        "examined": bool((of(submission) or {}).get("examined")),
        "candidates": [as_json(each) for each in best[:MOST_SHOWN]],
    }


def as_json(candidate: Candidate) -> dict[str, Any]:
    job = candidate.job
    return {
        "taskId": job.task_id,
        "createdAt": canonical.moment(candidate.made_at) if candidate.made_at else None,
        "taskType": job.task_type,
        "actionType": job.action_type,
        "contentNum": job.content_num,
        "containerId": job.container_id,
        "userId": job.user_id,
        "status": job.status,
        "matches": candidate.matches,
        "reasons": [{"what": each.what, "fits": each.fits, "detail": each.detail} for each in candidate.reasons],
    }


def of(submission: Submission) -> dict[str, Any] | None:
    """The evidence about the submission's last call; None before the first look, and when it is about another call."""
    kept: dict[str, Any] | None = submission.evidence
    return kept if kept and kept["attempt"] == submission.attempts else None


def candidate_of(submission: Submission, task_id: str) -> dict[str, Any] | None:
    """What the last look found about this task, if it saw it."""
    candidates: list[dict[str, Any]] = (of(submission) or {}).get("candidates", [])
    return next((each for each in candidates if each["taskId"] == task_id), None)


def summary(submission: Submission) -> dict[str, Any] | None:
    """The evidence as the trail keeps it beside a decision: the verdict and which tasks were looked at."""
    kept = of(submission)
    if kept is None:
        return None
    seen = [each["taskId"] for each in kept["candidates"]]
    return {"checkedAt": kept["checkedAt"], "complete": kept["complete"], "verdict": kept["verdict"], "tasks": seen}


def _by_entry(wanted: Wanted, job: Job) -> list[tuple[str, bool | None, str]]:
    """What the list's own entry tells; a field that it leaves out speaks neither for it nor against it."""
    count = len(wanted.file_ids)
    asked = {
        "type": (wanted.operation.task_type, job.task_type),
        "action": (wanted.operation.action_type, job.action_type),
        "count": (count, job.content_num),
        "space": (wanted.space, job.container_id),
    }
    return [
        (what, None if expected is None or told is None else expected == told, _told(told))
        for what, (expected, told) in asked.items()
    ]


def _told(value: object) -> str:
    return _("not told") if value is None else str(value)


def _time(wanted: Wanted, made_at: datetime | None, clock_is_known: bool) -> Reason:
    if made_at is None:
        return Reason("time", None, "KooDrive doesn't tell when it was made.")
    seconds = (made_at - wanted.sent_at).total_seconds()
    side_word = _("after") if seconds >= 0 else _("before")
    when = f"{made_at:%Y-%m-%d %H:%M:%S}, {abs(seconds):.0f} s"
    if not clock_is_known:
        detail = f"{when} {side_word} the call, if the clocks agree: KooDrive didn't tell its own time."
        return Reason("time", None, detail)
    return Reason("time", wanted.sent_at - EARLIER <= made_at <= wanted.until, _(f"{when} {side_word} the call."))


def _files(wanted: Wanted, detail: Detail | None) -> Reason:
    found = {file.file_id for file in detail.files} if detail else set()
    if not found or None in found:
        return Reason("files", None, "KooDrive doesn't name its files.")
    same = len(found & wanted.file_ids)
    if found == wanted.file_ids:
        return Reason("files", True, f"Exactly the same ({same}).")
    missing, more = len(wanted.file_ids) - same, len(found) - same
    return Reason("files", False, f"{same} are the same, {missing} are missing, {more} are others.")


def _user(wanted: Wanted, user: str | None) -> Reason:
    if user is None:
        return Reason("user", None, _("not told"))
    if wanted.user is None:
        return Reason("user", None, f"{user}; which one makes the portal's tasks isn't known yet.")
    return Reason("user", user == wanted.user, user)
