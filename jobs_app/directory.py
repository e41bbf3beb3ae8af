"""What administrators do about the directory of spaces: add, change and remove them, and hold them for the law.

What tightens a rule is done at once; what loosens one (a flag, a hold lifted or shortened) is proposed, and done when
another administrator confirms it.
"""

import copy
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from . import audit, pauses, permissions, proposals, validators
from .actors import Actor
from .audit import Action, Entry
from .canonical import moment
from .documents import LONGEST_TEXT, Reader
from .errors import Invalid, WrongState
from .models import Proposal, Space, User

LONGEST_NAME = 200
LONGEST_HOLD = 200
# What is given of a space, each as text; an absent one stays as it is, an empty one is emptied.
FIELDS = ("name", "owner", "description", "protected", "approvalAlways", "hold", "holdUntil")
YES, NO = "yes", "no"
_FLAGS = {"protected": "protected", "approvalAlways": "approval_always"}
_HOLD = ("hold", "holdUntil")


def add(space_id: str, values: Mapping[str, str], *, reason: str, by: Actor) -> Space:
    """A new space of the directory. Raises ``NotAllowed``, or ``Invalid`` with every problem."""
    permissions.require(permissions.manage_spaces(by), by=by, to="add a space", confirmed=True)
    reader, space = Reader(), Space(space_id=space_id)
    read_id(reader, "", space_id)
    read(reader, "", space, {"name": ""} | dict(values), people(values))
    said = validators.collect_reason(reader, reason)
    if Space.objects.filter(space_id=space_id).exists():
        reader.add("/spaceId", "taken", "This space is in the directory already; change it there.")
    if reader.problems:
        raise Invalid(reader.problems)
    store([(space, None)], by=by, reason=said)
    return space


def change(space: Space, values: Mapping[str, str], *, reason: str, by: Actor) -> Proposal | None:
    """Gives the space these properties. What loosens a rule isn't done but proposed; the result is the proposal.

    Raises ``NotAllowed``, ``Invalid`` with every problem, or ``WrongState`` when something else of it waits for another
    administrator, or it was removed; nothing is done then.
    """
    permissions.require(permissions.manage_spaces(by), by=by, to="change a space", space=space.space_id, confirmed=True)
    reader = Reader()
    with transaction.atomic():
        before = _locked(space.space_id)
        after = copy.copy(before)
        read(reader, "", after, values, people(values))
        said = validators.collect_reason(reader, reason)
        if reader.problems:
            raise Invalid(reader.problems)
        kept, loosened = told(before), loosening(before, after)
        _set(after, {name: kept[name] for name in loosened})
        store([(after, before)], by=by, reason=said)
        if not loosened:
            return None
        current = {name: kept[name] for name in loosened}
        return proposals.propose(Proposal.Kind.SPACE, after.ref, before=current, after=loosened, reason=said, by=by)


def remove(space: Space, *, reason: str, by: Actor) -> None:
    """Takes a space for which no rule stands out of the directory; submissions keep its id.

    Raises ``NotAllowed``, ``Invalid`` without a reason, or ``WrongState`` while a rule stands for it.
    """
    permissions.require(permissions.manage_spaces(by), by=by, to="remove a space", space=space.space_id, confirmed=True)
    said = validators.reason(reason)
    with transaction.atomic():
        current = _locked(space.space_id)
        if loosening(current, Space(space_id=current.space_id)):
            raise WrongState("Rules stand for this space; loosen them first, which takes two administrators.")
        current.delete()
        audit.record(Action.SPACE_REMOVED, by=by, space=current.space_id, before=told(current), reason=said)


def carry_out(proposal: Proposal, by: Actor) -> None:
    """Loosens what a confirmed proposal names; raises ``WrongState`` when the space isn't any more what it was."""
    before = _locked(proposal.subject.removeprefix("space:"))
    now = told(before)
    if any(now[name] != value for name, value in proposal.before.items()):
        raise WrongState("The space has changed since this was proposed; refuse it, and propose anew what is wanted.")
    after = copy.copy(before)
    _set(after, proposal.after)
    after.loosened_by = proposal
    store([(after, before)], by=by, reason=proposal.reason, proposal=proposal.ref)
    pauses.take_back()


def loosening(before: Space, after: Space) -> dict[str, Any]:
    """What of the change loosens a rule, with the value that it would have, as ``told`` names it."""
    wanted, now = told(after), timezone.now()
    found = {name: wanted[name] for name, column in _FLAGS.items() if getattr(before, column) and not wanted[name]}
    lasts = after.hold and (after.hold_until is None or (before.hold_until and after.hold_until >= before.hold_until))
    return found if lasts or not before.is_held(now) else found | {name: wanted[name] for name in _HOLD}


def told(space: Space) -> dict[str, Any]:
    """What the trail and proposals keep of it."""
    return {
        "name": space.name,
        "owner": f"person:{space.owner_id}" if space.owner_id else None,
        "description": space.description,
        "protected": space.protected,
        "approvalAlways": space.approval_always,
        "hold": space.hold,
        "holdUntil": moment(space.hold_until),
    }


def store(
    changes: Iterable[tuple[Space, Space | None]], *, by: Actor, reason: str, proposal: str | None = None
) -> None:
    """Stores spaces, each with what it was before (None: it is new), and an event for each change; or nothing.

    Raises ``WrongState`` when somebody else has added one of them meanwhile.
    """
    changed = [(space, told(before) if before else {}) for space, before in changes]
    new = [space for space, before in changed if not before]
    other = [space for space, before in changed if before and before != told(space)]
    columns = ["name", "owner", "description", *_FLAGS.values(), "hold", "hold_until", "loosened_by"]
    try:
        with transaction.atomic():
            Space.objects.bulk_create(new)
            Space.objects.bulk_update(other, columns, batch_size=500)
            events = [_events(space, before, by, reason, proposal) for space, before in changed]
            audit.record_all([entry for of_one in events for entry in of_one])
    except IntegrityError as error:
        raise WrongState("Somebody else has changed the directory meanwhile; load the page again.") from error


def read_id(reader: Reader, path: str, space_id: str) -> None:
    reader.text({"spaceId": space_id}, "spaceId", path)


def read(reader: Reader, path: str, space: Space, values: Mapping[str, str], owners: Mapping[str, User]) -> None:
    """Sets on the space what is given; what is wrong with it goes to the reader. ``owners`` by user name."""
    if "name" in values:
        space.name = reader.text(values, "name", path, longest=LONGEST_NAME) or space.name
    if "description" in values:
        space.description = _text(reader, path, values, "description", LONGEST_TEXT)
    if name := values.get("owner"):
        if name not in owners:
            reader.add(f"{path}/owner", "unknown_person", "Name a person of the portal who answers for it, or nobody.")
        space.owner = owners.get(name)
    elif "owner" in values:
        space.owner = None
    for name, column in _FLAGS.items():
        if name in values and values[name] not in (YES, NO):
            reader.add(f"{path}/{name}", "unknown_value", f"Say {YES} or {NO}.")
        elif name in values:
            setattr(space, column, values[name] == YES)
    if "hold" in values or "holdUntil" in values:
        _read_hold(reader, path, space, values)


def people(*rows: Mapping[str, str]) -> dict[str, User]:
    """Whoever of the named owners is there, by user name."""
    wanted = {row["owner"] for row in rows if row.get("owner")}
    return {person.username: person for person in User.objects.present().filter(username__in=wanted)}


def _read_hold(reader: Reader, path: str, space: Space, values: Mapping[str, str]) -> None:
    old = space.hold, space.hold_until
    if "hold" in values:
        space.hold = _text(reader, path, values, "hold", LONGEST_HOLD)
    text = values.get("holdUntil")
    if text is not None:
        space.hold_until = _end_of(reader, f"{path}/holdUntil", text)
    if not space.hold and space.hold_until and text:
        reader.add(f"{path}/hold", "required", "Give the reference of the legal hold that is to last so long.")
    elif not space.hold:
        space.hold_until = None
    elif old != (space.hold, space.hold_until) and not space.is_held(timezone.now()):
        reader.add(f"{path}/holdUntil", "in_the_past", "Give a day that is still to come; lift the hold to end it now.")


def _end_of(reader: Reader, pointer: str, text: str) -> datetime | None:
    """When a hold ends: at a moment, or with a day (UTC); None when it has no end of its own."""
    if not text:
        return None
    try:
        if day := parse_date(text):
            return datetime.combine(day + timedelta(days=1), time.min, UTC)
        found = parse_datetime(text)
    except (ValueError, OverflowError):
        found = None
    if found is None or found.tzinfo is None:
        reader.add(pointer, "wrong_format", "Give the last day, such as 2030-01-31, or a time with its offset.")
        return None
    return found


def _text(reader: Reader, path: str, values: Mapping[str, str], name: str, longest: int) -> str:
    return (reader.text(values, name, path, longest=longest) or "") if values[name] else ""


def _set(space: Space, values: Mapping[str, Any]) -> None:
    """Sets rules as ``told`` gives them."""
    for name, column in (_FLAGS | {"hold": "hold"}).items():
        if name in values:
            setattr(space, column, values[name])
    if "holdUntil" in values:
        space.hold_until = parse_datetime(values["holdUntil"]) if values["holdUntil"] else None


def _locked(space_id: str) -> Space:
    found = Space.objects.select_for_update(of=("self",)).select_related("owner").filter(space_id=space_id).first()
    if found is None:
        raise WrongState("This space was removed from the directory, so nothing has changed.")
    return found


def _events(space: Space, before: Mapping[str, Any], by: Actor, reason: str, proposal: str | None) -> list[Entry]:
    """What the trail says of one: that it was added or changed, and what became of its hold."""
    after = told(space)
    different = [name for name in after if before.get(name, "" if name == "hold" else None) != after[name]]
    named: dict[Action, list[str]] = {}
    for name in different:
        named.setdefault(_action(name, before, after, proposal), []).append(name)
    said = {"space": space.space_id, "reason": reason, "proposal": proposal}
    return [
        Entry(action, by, details=said | {"before": _part(before, names), "after": _part(after, names)})
        for action, names in named.items()
    ]


def _action(name: str, before: Mapping[str, Any], after: Mapping[str, Any], proposal: str | None) -> Action:
    """The action that tells of the change of this property; of a hold that is over nobody need be told but so."""
    if name in _HOLD and (after["hold"] or proposal):
        loosened = Action.HOLD_SHORTENED if after["hold"] else Action.HOLD_LIFTED
        return loosened if proposal else Action.HOLD_SET
    return Action.SPACE_CHANGED if before else Action.SPACE_ADDED


def _part(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any] | None:
    return {name: values[name] for name in names if name in values} or None
