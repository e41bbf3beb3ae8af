"""What an event of the trail tells people: for each that concerns somebody, whom, under which key and in what words."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_noop as _

from .. import permissions
from ..actors import GUARDED_ROLES, Channel
from ..audit import Action, read
from ..models import Pause, Proposal, Service, Submission
from ..states import State
from .audience import Audience, submitter
from .storing import Note

MOST_NAMED = 20  # ids in one notice
_LONGEST = 200  # characters of what people wrote


@dataclass(frozen=True)
class Happened:
    """An event of the trail; ``said`` are its fields, ``status`` the state that it brought a submission to."""

    seq: int
    at: datetime
    action: str
    outcome: str
    status: str | None
    submission: UUID | None
    said: Mapping[str, Any]

    @property
    def key(self) -> str:
        return f"event:{self.seq}"

    @property
    def hour(self) -> str:
        return f"{self.at:%Y-%m-%dT%H}"

    @property
    def actor(self) -> str:
        return str(self.said.get("actor", {}).get("id", ""))

    @property
    def person(self) -> int | None:
        """Whom it is about, else who did it."""
        kind, _, number = str(self.said.get("person") or self.actor).partition(":")
        return int(number) if kind == "person" and number.isdecimal() else None

    @property
    def by_command(self) -> bool:
        return bool(self.said.get("channel") == Channel.CLI)


class Reading:
    """The events of one reading with what has to be known to tell of them, each looked up once."""

    def __init__(self, events: Iterable[Happened]) -> None:
        self.events = list(events)
        self.audience = Audience()
        ids = {each.submission for each in self.events if each.submission}
        self.submissions = Submission.objects.select_related("service", "person").in_bulk(ids)
        self._names = read.names({each.actor for each in self.events if each.actor.startswith("service:")})

    def by(self, event: Happened) -> str:
        """Who did it: a reference to a person, whose name is looked up when it is read, or the name of a service."""
        kind, _, number = event.actor.partition(":")
        return event.actor if kind == "person" else self._names.get(event.actor, number)

    def notes(self) -> Iterator[Note]:
        for event in self.events:
            if event.submission:
                if row := self.submissions.get(event.submission):
                    yield from _of_submission(self, event, row)
            elif teller := _TELLERS.get(event.action):
                yield from teller(self, event)

    def approvers_of(self, row: Submission) -> list[int]:
        """Those who may decide about it: nobody about what they had part in."""
        return [person for person in self.audience.approvers if person not in self._parties[row.pk]]

    @cached_property
    def _parties(self) -> Mapping[UUID, set[int]]:
        return permissions.parties(list(self.submissions.values()))

    def decided(self) -> set[str]:
        """What approvers were told to decide about and need not any more."""
        left = [self.submissions[each.submission] for each in self.events if each.submission in self.submissions]
        candidates = {_group(row)[1]: row for row in left if row.state is not State.AWAITING_APPROVAL}
        return {subject for subject, row in candidates.items() if not _still_awaited(row)}


def _still_awaited(row: Submission) -> bool:
    awaited = Submission.objects.filter(status=State.AWAITING_APPROVAL)
    if row.batch_id:
        return awaited.filter(batch=row.batch_id).exists()
    return bool(row.service_id) and awaited.filter(service=row.service_id, batch=None).exists()


def _group(row: Submission) -> tuple[str, str]:
    """What is told together, and what that is about: a batch, a service's of an hour, or one submission."""
    if row.batch_id:
        return "batch", f"batch:{row.batch_id}"
    if row.service_id:
        return "service", f"service:{row.service_id}"
    return "submission", f"submission:{row.pk}"


_KINDS = {
    State.EXPIRED: "expired",
    State.FAILED: "failed",
    State.REFUSED: "failed",
    State.PARTIALLY_FAILED: "partially_failed",
    State.UNKNOWN: "unknown",
    State.REJECTED: "decided",
}


def _of_submission(reading: Reading, event: Happened, row: Submission) -> Iterator[Note]:
    mine = [person] if (person := submitter(row)) else []
    is_open = row.state is State.AWAITING_APPROVAL
    if event.status == State.AWAITING_APPROVAL and is_open:
        yield _submission_note(reading, event, row, "approval_wanted", reading.approvers_of(row))
    if event.action in (Action.SUBMISSION_RETURNED, Action.SUBMISSION_WITHHELD):
        yield _submission_note(reading, event, row, "returned", mine, what=event.action.partition(".")[2])
    elif event.action == Action.SUBMISSION_APPROVED and event.status == State.QUEUED:
        yield _submission_note(reading, event, row, "decided", mine, what="approved")
    elif event.status in _KINDS:
        yield _submission_note(reading, event, row, _KINDS[State(event.status)], mine, what=event.status)


def _submission_note(
    reading: Reading, event: Happened, row: Submission, kind: str, people: Iterable[int], what: str = ""
) -> Note:
    group, subject = _group(row)
    keys = {"batch": subject, "service": f"{subject}:{event.hour}", "submission": event.key}
    about = {
        "submission": str(row.pk),
        "batch": row.batch_id and str(row.batch_id),
        "operation": row.operation,
        "files": row.files_total,
        "failed": row.files_failed,
        "who": row.creator_name if row.service else f"person:{row.person_id}",
        "creator": f"service:{row.service_id}" if row.service_id else None,
        "reason": _short(row.reason),
        "status": event.status,
        "what": what,
        "by": reading.by(event) if what in ("approved", State.REJECTED) else "",
        "comment": _short(event.said.get("comment") or ""),
    }
    key = ":".join(filter(None, [keys[group], what if kind in ("decided", "returned") else ""]))
    return Note(kind, key, event.at, about, [*people], subject=subject, digest=group != "submission")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


# --- Sending -------------------------------------------------------------------------------------------------------
_CAUSES = {
    Pause.Cause.PERSON: "paused",
    Pause.Cause.CREDENTIALS: "credentials_refused",
    Pause.Cause.ADDRESS: "breaker_open",
    Pause.Cause.UNREACHABLE: "breaker_open",
}


def _paused(reading: Reading, event: Happened) -> Iterator[Note]:
    cause = Pause.Cause(event.said["cause"])
    yield _sending(reading, event, _CAUSES[cause], is_persons=cause == Pause.Cause.PERSON)


def _resumed(reading: Reading, event: Happened) -> Iterator[Note]:
    yield _sending(reading, event, "resumed", is_persons=event.actor.startswith("person:"))


def _sending(reading: Reading, event: Happened, kind: str, *, is_persons: bool) -> Note:
    """What comes and goes by itself is told once an hour at most; what a person did, not to that person."""
    about = {
        "by": reading.by(event) if is_persons else "",
        "detail": _short(event.said.get("reason") or event.said.get("detail") or ""),
        "operation": event.said.get("operation"),
        "space": event.said.get("space"),
    }
    people = [each for each in reading.audience.senders if not is_persons or each != event.person]
    return Note(kind, event.key if is_persons else event.hour, event.at, about, people, digest=not is_persons)


# --- Rights and people ---------------------------------------------------------------------------------------------
def _rights(reading: Reading, event: Happened, what: str) -> Note:
    about = {
        "action": event.action,
        "what": what,
        "by": reading.by(event),
        "reason": event.said.get("reason") or event.said.get("comment") or "",
        "command": event.by_command,
    }
    return Note("rights_changed", event.key, event.at, about, reading.audience.overseers, subject=what)


def _proposal(reading: Reading, event: Happened) -> Iterator[Note]:
    number = str(event.said.get("proposal", "")).partition(":")[2]
    found = Proposal.objects.filter(pk=int(number)).first() if number.isdecimal() else None
    subject = str(event.said.get("subject", ""))
    note = _rights(reading, event, f"{found.get_kind_display()} ({subject})" if found else subject)
    reason = found.reason if found else note.about["reason"]
    yield Note(note.kind, note.key, note.at, {**note.about, "reason": reason}, note.people, subject=note.subject)


def _roles(reading: Reading, event: Happened) -> Iterator[Note]:
    roles = [str(role) for role in event.said.get("roles", [])]
    about = {"action": event.action, "roles": roles, "by": reading.by(event)}
    if event.person:
        yield Note("roles_changed", event.key, event.at, about, [event.person])
    if event.action == Action.ROLE_TAKEN and not GUARDED_ROLES.isdisjoint(roles):
        yield _rights(reading, event, f"{', '.join(roles)} (person:{event.person})")


def _created(reading: Reading, event: Happened) -> Iterator[Note]:
    roles = event.said.get("roles", [])
    if event.by_command and not GUARDED_ROLES.isdisjoint(roles):
        yield _rights(reading, event, f"{', '.join(roles)} (person:{event.person})")


def _about_a_person(reading: Reading, event: Happened) -> Iterator[Note]:
    """What was done about somebody's account: they hear of it, and the overseers where it is one of a guarded role."""
    if event.person is None:
        return
    if event.action != Action.PERSON_DEACTIVATED and (event.action != Action.PERSON_CHANGED or _is_email(event)):
        about = {"action": event.action, "by": reading.by(event), "factor": event.said.get("factor")}
        yield Note("sign_in_changed", event.key, event.at, about, [event.person])
    is_told = event.action == Action.PERSON_DEACTIVATED or _is_email(event) or event.by_command
    if is_told and reading.audience.is_guarded(event.person) and event.action in _OVERSEEN:
        yield _rights(
            reading,
            event,
            f"{_('mail address')} (person:{event.person})" if _is_email(event) else f"person:{event.person}",
        )


def _is_email(event: Happened) -> bool:
    return bool(event.said.get("emailChanged"))


def _ended(reading: Reading, event: Happened) -> Iterator[Note]:
    about = {
        "person": event.person,
        "name": f"person:{event.person}",
        "day": event.said.get("lastDay"),
        "is_over": True,
    }
    yield Note("last_day", event.key, event.at, about, reading.audience.overseers)


_OVERSEEN = (Action.PERSON_CHANGED, Action.PERSON_DEACTIVATED, Action.PASSWORD_CHANGED, Action.SIGN_IN_RESET)


# --- The trail, services, KooDrive ---------------------------------------------------------------------------------
def _verified(reading: Reading, event: Happened) -> Iterator[Note]:
    if event.outcome == "failed":
        about = {"detail": event.said.get("detail", "")}
        yield Note("trail_broken", event.key, event.at, about, reading.audience.overseers)


def _compared(reading: Reading, event: Happened) -> Iterator[Note]:
    if new := event.said.get("new"):
        ids = [str(task.get("taskId")) for task in event.said.get("tasks", [])[:MOST_NAMED]]
        about = {"new": new, "tasks": ids}
        yield Note("foreign_tasks", event.key, event.at, about, reading.audience.administrators)


def _exported(reading: Reading, event: Happened) -> Iterator[Note]:
    kind, _, number = str(event.said.get("requestedBy", "")).partition(":")
    if kind == "person" and number.isdecimal():
        yield Note("export_ready", event.key, event.at, {"query": _short(event.said.get("query", ""))}, [int(number)])


def _disabled(reading: Reading, event: Happened) -> Iterator[Note]:
    number = str(event.said.get("service", "")).partition(":")[2]
    service = Service.objects.filter(pk=int(number)).first() if number.isdecimal() else None
    if service:
        administrators, about = reading.audience.administrators, {"service": service.name}
        yield Note("callback_disabled", event.key, event.at, {**about, "pk": service.pk}, administrators)
        # Who sees no callbacks gets no address of one.
        if service.owner_id and service.owner_id not in administrators:
            yield Note("callback_disabled", event.key, event.at, about, [service.owner_id])


_TELLERS: dict[str, Callable[[Reading, Happened], Iterator[Note]]] = {
    Action.DISPATCH_PAUSED: _paused,
    Action.DISPATCH_RESUMED: _resumed,
    Action.CHANGE_PROPOSED: _proposal,
    Action.CHANGE_CONFIRMED: _proposal,
    Action.CHANGE_REFUSED: _proposal,
    Action.CHANGE_WITHDRAWN: _proposal,
    Action.CHANGE_EXPIRED: _proposal,
    Action.ROLE_GIVEN: _roles,
    Action.ROLE_TAKEN: _roles,
    Action.PERSON_CREATED: _created,
    Action.PERSON_CHANGED: _about_a_person,
    Action.PERSON_DEACTIVATED: _about_a_person,
    Action.PASSWORD_CHANGED: _about_a_person,
    Action.SIGN_IN_RESET: _about_a_person,
    Action.SECOND_FACTOR_ADDED: _about_a_person,
    Action.SECOND_FACTOR_REMOVED: _about_a_person,
    Action.RECOVERY_CODES_MADE: _about_a_person,
    Action.RECOVERY_CODE_USED: _about_a_person,
    Action.SSO_LINKED: _about_a_person,
    Action.SSO_UNLINKED: _about_a_person,
    Action.PERSON_ENDED: _ended,
    Action.TRAIL_VERIFIED: _verified,
    Action.TASKS_COMPARED: _compared,
    Action.TRAIL_EXPORTED: _exported,
    Action.CALLBACK_DISABLED: _disabled,
}
# Also what only ends that somebody is asked to decide.
ACTIONS = sorted(
    {
        *_TELLERS,
        Action.SUBMISSION_RETURNED,
        Action.SUBMISSION_WITHHELD,
        Action.SUBMISSION_APPROVED,
        Action.SUBMISSION_CANCELLED,
    }
)
STATUSES = sorted({State.AWAITING_APPROVAL, *_KINDS})
