"""The directory of spaces: who may change it, what one administrator does alone, what takes two, and what is told."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from jobs_app import confirming, directory, submissions
from jobs_app.actors import Role
from jobs_app.errors import Invalid, NotAllowed, OwnProposal, WrongState
from jobs_app.models import Event, Proposal, Space, User
from tests.conftest import make_person
from tests.doors import newest_event, without_the_trail
from tests.doors import operator_actor as acting
from tests.examples import OTHER_SPACE, SPACE, body
from tests.processes import address
from tests.spaces import MATTER, add_space, change_space, confirm, past_the_end

STRICT = {"protected": "yes", "approvalAlways": "yes", "hold": MATTER, "holdUntil": "2099-12-31"}
RELEASED = {
    "protected": {"protected": "no"},
    "approval": {"approvalAlways": "no"},
    "hold": {"hold": "", "holdUntil": ""},
    "hold, earlier": {"holdUntil": "2099-06-30"},
}
LOOSENED = {
    "protected": {"protected": False},
    "approval": {"approvalAlways": False},
    "hold": {"hold": "", "holdUntil": None},
    "hold, earlier": {"hold": MATTER, "holdUntil": "2099-07-01T00:00:00Z"},
}
EVENTS = {
    "protected": "space.changed",
    "approval": "space.changed",
    "hold": "hold.lifted",
    "hold, earlier": "hold.shortened",
}


@pytest.fixture
def second(administrator: User) -> User:
    return make_person("arthur", Role.ADMINISTRATOR)


@pytest.fixture
def space(administrator: User) -> Space:
    return add_space(administrator, **STRICT)


def told(space: Space) -> dict[str, Any]:
    space.refresh_from_db()
    return directory.told(space)


def test_one_administrator_adds_and_changes_and_tightens(administrator: User, operator: User) -> None:
    space = add_space(administrator, owner="olga", description="of March")
    added = newest_event("space.added")
    assert (added["space"], added["reason"]) == (SPACE, "it is there")
    assert added["after"]["owner"] == f"person:{operator.pk}"
    assert change_space(space, administrator, name="Old archive", owner="", protected="yes") is None
    changed = newest_event("space.changed")
    assert changed["before"] == {"name": "Archive", "owner": f"person:{operator.pk}", "protected": False}
    assert changed["after"] == {"name": "Old archive", "owner": None, "protected": True}
    assert change_space(space, administrator, hold=MATTER, holdUntil="2099-06-30") is None
    assert newest_event("hold.set")["after"] == {"hold": MATTER, "holdUntil": "2099-07-01T00:00:00Z"}
    assert change_space(space, administrator, holdUntil="2099-12-31T12:00:00+08:00") is None
    assert change_space(space, administrator, hold=f"{MATTER}, MATTER-8", holdUntil="") is None
    assert told(space)["holdUntil"] is None


def test_what_changes_nothing_is_no_event(administrator: User, space: Space) -> None:
    before = Event.objects.latest("seq").seq
    assert change_space(space, administrator, name="Archive", **STRICT) is None
    assert Event.objects.latest("seq").seq == before


@pytest.mark.parametrize("rule", RELEASED)
def test_loosening_is_proposed_and_done_when_another_confirms(
    administrator: User, second: User, space: Space, rule: str
) -> None:
    before = told(space)
    proposal = change_space(space, administrator, name="Renamed", **RELEASED[rule])
    assert told(space) == before | {"name": "Renamed"}
    assert proposal is not None
    assert (proposal.subject, proposal.after) == (f"space:{SPACE}", LOOSENED[rule])
    with pytest.raises(OwnProposal):
        confirm(proposal, administrator)
    confirm(proposal, second)
    assert told(space) == before | {"name": "Renamed"} | LOOSENED[rule]
    event = newest_event(EVENTS[rule])
    assert (event["space"], event["proposal"], event["actor"]["id"]) == (SPACE, proposal.ref, f"person:{second.pk}")


def test_a_refused_or_a_second_proposal_changes_nothing(administrator: User, second: User, space: Space) -> None:
    before, proposal = told(space), change_space(space, administrator, protected="no")
    assert proposal is not None
    with pytest.raises(WrongState, match="waits for an administrator"):
        change_space(space, second, name="Renamed", approvalAlways="no")
    confirming.settle(proposal.pk, Proposal.State.REFUSED, comment="not yet", by=acting(second))
    assert told(space) == before


def test_a_proposal_about_what_has_changed_since_is_not_done(administrator: User, second: User, space: Space) -> None:
    proposal = change_space(space, administrator, holdUntil="2099-06-30")
    change_space(space, second, holdUntil="")
    with pytest.raises(WrongState, match="has changed since"):
        confirm(proposal, second)
    assert told(space)["holdUntil"] is None


def test_a_hold_that_is_over_is_cleared_by_one(administrator: User, space: Space) -> None:
    past_the_end(space)
    assert change_space(space, administrator, hold="", holdUntil="") is None
    assert newest_event("space.changed")["before"]["hold"] == MATTER
    assert told(space)["hold"] == ""


def test_only_a_space_without_rules_is_removed(administrator: User, second: User, space: Space) -> None:
    with pytest.raises(WrongState, match="takes two administrators"):
        directory.remove(space, reason="gone", by=acting(administrator))
    confirm(change_space(space, administrator, protected="no", approvalAlways="no", hold="", holdUntil=""), second)
    directory.remove(space, reason="gone", by=acting(administrator))
    assert newest_event("space.removed")["before"]["name"] == "Archive"
    assert not Space.objects.exists()
    with pytest.raises(WrongState, match="was removed"):
        change_space(space, administrator, name="Back")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.APPROVER, Role.AUDITOR, None])
def test_nobody_else_changes_it(administrator: User, space: Space, role: Role | None) -> None:
    other = acting(make_person("otto", *([role] if role else [])))
    for verb in (
        lambda: directory.add(OTHER_SPACE, {"name": "Mine"}, reason="r", by=other),
        lambda: directory.change(space, {"hold": ""}, reason="r", by=other),
        lambda: directory.remove(space, reason="r", by=other),
    ):
        with pytest.raises(NotAllowed):
            verb()
    assert newest_event("permission.denied")["space"] == SPACE
    assert not Proposal.objects.exists()


@pytest.mark.parametrize(
    ("values", "pointer", "code"),
    [
        ({"name": " "}, "/name", "empty"),
        ({"name": "x" * 201}, "/name", "too_long"),
        ({"name": "\u202eevihcrA"}, "/name", "forbidden_character"),
        ({"owner": "nobody"}, "/owner", "unknown_person"),
        ({"protected": "perhaps"}, "/protected", "unknown_value"),
        ({"hold": MATTER, "holdUntil": "2020-01-01"}, "/holdUntil", "in_the_past"),
        ({"hold": MATTER, "holdUntil": "soon"}, "/holdUntil", "wrong_format"),
        ({"hold": MATTER, "holdUntil": "9999-12-31"}, "/holdUntil", "wrong_format"),
        ({"hold": MATTER, "holdUntil": "2099-01-01T12:00:00"}, "/holdUntil", "wrong_format"),
        ({"holdUntil": "2099-01-01"}, "/hold", "required"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)
def test_what_is_wrong_is_told_with_all_the_rest(
    administrator: User, values: dict[str, str], pointer: str, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        directory.add("", {"name": "Archive"} | values, reason="", by=acting(administrator))
    found = {(problem.pointer, problem.code) for problem in refused.value.problems}
    assert {("/spaceId", "empty"), ("/reason", "required"), (pointer, code)} == found
    assert not Space.objects.exists()


def test_each_space_once_and_the_trail_with_it(administrator: User, space: Space) -> None:
    with pytest.raises(Invalid) as refused:
        add_space(administrator)
    assert [problem.code for problem in refused.value.problems] == ["taken"]
    with without_the_trail(), pytest.raises(Exception, match="audit trail"):
        add_space(administrator, OTHER_SPACE)
    assert Space.objects.count() == 1


# --- The database ----------------------------------------------------------------------------------------------------
@pytest.fixture
def intruder(space: Space, operator: User) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Signed in as the application, past all of its code."""
    submissions.submit(body("copy"), by=acting(operator))
    with psycopg.connect(address("default"), autocommit=True) as signed_in:
        yield signed_in


ATTACKS = {
    "protected": "UPDATE jobs_app_space SET protected = false",
    "approval": "UPDATE jobs_app_space SET approval_always = false",
    "hold": "UPDATE jobs_app_space SET hold = '', hold_until = NULL",
    "hold, earlier": "UPDATE jobs_app_space SET hold_until = now()",
    "a proposal that nobody confirmed": "UPDATE jobs_app_space SET protected = false, loosened_by_id = {open}",
    "a proposal about something else": "UPDATE jobs_app_space SET protected = false, loosened_by_id = {done}",
    "a proposal once more": "UPDATE jobs_app_space SET approval_always = false, loosened_by_id = {done}",
    "removed": "DELETE FROM jobs_app_space",
    "another id": "UPDATE jobs_app_space SET space_id = 'x'",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_application_can_not(
    administrator: User,
    second: User,
    space: Space,
    intruder: "psycopg.Connection[tuple[object, ...]]",
    attack: str,
) -> None:
    done = confirm(change_space(space, administrator, approvalAlways="no"), second)
    change_space(space, administrator, approvalAlways="yes")
    waiting = change_space(space, administrator, protected="no")
    assert waiting is not None
    before = told(space)
    with pytest.raises(psycopg.Error, match=re.escape("takes two administrators") + "|permission denied"):
        intruder.execute(ATTACKS[attack].format(open=waiting.pk, done=done.pk).encode())
    assert told(space) == before


def test_what_was_confirmed_does_not_serve_a_space_that_was_added_again(
    administrator: User, second: User, space: Space, intruder: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    done = confirm(
        change_space(space, administrator, protected="no", approvalAlways="no", hold="", holdUntil=""), second
    )
    directory.remove(space, reason="gone", by=acting(administrator))
    again = add_space(administrator, protected="yes")
    with pytest.raises(psycopg.Error, match="takes two administrators"):
        intruder.execute(f"UPDATE jobs_app_space SET protected = false, loosened_by_id = {done.pk}".encode())
    confirm(change_space(again, administrator, protected="no"), second)
    assert not told(again)["protected"]
