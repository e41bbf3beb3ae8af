"""Roles: which take one administrator and which take two, never for oneself, and a day until they count."""

import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from jobs_app import approvals, confirming, people, permissions, proposals, roles, submissions
from jobs_app.actors import COMMAND_LINE, GUARDED_ROLES, Role
from jobs_app.errors import Invalid, LastAdministrator, NotAllowed, OwnProposal, OwnRights, RoleTooNew, WrongState
from jobs_app.models import Approval, Event, Proposal, RoleGrant, Submission, User
from jobs_app.states import State
from tests.conftest import PASSWORD, give_role, make_person
from tests.doors import newest_event, without_the_trail
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.notices import listen, work
from tests.people import REASON, anew, confirm, given_long_ago
from tests.processes import ROOT, address

LIGHT = sorted(set(Role) - GUARDED_ROLES)


@pytest.fixture
def mia(administrator: User) -> User:
    return make_person("mia", Role.OPERATOR)


def change(person: User, *wanted: Role, by: User, reason: str = REASON) -> Proposal | None:
    return roles.change(person, wanted, reason=reason, by=acting(anew(by)))


def has(person: User) -> frozenset[Role]:
    return anew(person).granted_roles()


# --- One administrator ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", LIGHT)
def test_one_administrator_gives_and_takes_what_decides_nothing(
    administrator: User, stranger: User, role: Role
) -> None:
    assert change(stranger, role, by=administrator) is None
    given = newest_event("role.given")
    assert (given["person"], given["roles"], given["reason"]) == (stranger.ref, [role], REASON)
    [grant] = RoleGrant.objects.filter(person=stranger)
    assert (grant.granted_by, grant.proposal) == (administrator, None)
    assert change(stranger, by=administrator) is None
    assert newest_event("role.taken")["roles"] == [role]
    assert has(stranger) == set()


def test_the_line_names_nobody(administrator: User, stranger: User) -> None:
    change(stranger, Role.OPERATOR, by=administrator)
    line = Event.objects.filter(action="role.given").latest("seq").line
    assert stranger.username not in line


@pytest.mark.parametrize("role", sorted(GUARDED_ROLES))
def test_taking_takes_one_and_overseers_hear_of_it(
    administrator: User, auditor: User, settings: Any, mailoutbox: Any, role: Role
) -> None:
    settings.HAS_MAIL = True
    User.objects.filter(pk=auditor.pk).update(email="aurora@example.com")
    person = make_person("mia", role, Role.ADMINISTRATOR if role is Role.APPROVER else Role.APPROVER)
    listen()
    change(person, by=administrator)
    assert has(person) == set()
    work()
    [sent] = [each for each in mailoutbox if "role.taken" in each.subject]
    assert (sent.to, person.ref in sent.body, REASON in sent.body) == (["aurora@example.com"], True, True)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.APPROVER, Role.AUDITOR, None])
@pytest.mark.parametrize("wanted", sorted(Role))
def test_nobody_else_changes_roles(administrator: User, mia: User, role: Role | None, wanted: Role) -> None:
    other = make_person("otto", *filter(None, [role]))
    for person in (mia, other):
        with pytest.raises(NotAllowed):
            change(person, wanted, by=other)
    assert newest_event("permission.denied")["to"] == "change roles"
    assert has(mia) == {Role.OPERATOR}
    assert not Proposal.objects.exists()


def test_a_reason_is_needed_and_the_trail_too(administrator: User, mia: User) -> None:
    with pytest.raises(Invalid):
        change(mia, Role.AUDITOR, by=administrator, reason="  ")
    with without_the_trail(), pytest.raises(Exception, match="audit trail"):
        change(mia, Role.AUDITOR, by=administrator)
    assert has(mia) == {Role.OPERATOR}


# --- Two -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", sorted(GUARDED_ROLES))
def test_what_decides_is_proposed_by_one_and_confirmed_by_another(
    administrator: User, second: User, mia: User, role: Role
) -> None:
    proposal = change(mia, Role.AUDITOR, role, by=administrator)
    assert proposal is not None
    assert (proposal.before["roles"], proposal.after["roles"]) == (["auditor"], sorted(["auditor", role]))
    assert has(mia) == {Role.AUDITOR}, "what takes one is done, what takes two isn't"
    with pytest.raises(OwnProposal):
        confirm(proposal, administrator)
    confirm(proposal, second)
    assert has(mia) == {Role.AUDITOR, role}
    event = newest_event("role.given")
    assert (event["roles"], event["proposal"], event["actor"]["id"]) == ([role], proposal.ref, second.ref)
    grant = RoleGrant.objects.get(person=mia, role=role)
    assert (grant.granted_by, grant.proposal, grant.is_first) == (second, proposal, False)


@pytest.mark.parametrize("role", sorted(GUARDED_ROLES))
def test_nobody_proposes_or_confirms_for_themselves(administrator: User, second: User, role: Role) -> None:
    if role is Role.APPROVER:
        with pytest.raises(OwnRights):
            change(administrator, Role.ADMINISTRATOR, role, by=administrator)
        proposal = change(administrator, Role.ADMINISTRATOR, role, by=second)
    else:
        mia = make_person("mia", Role.OPERATOR)
        proposal = change(mia, role, by=administrator)
        give_role(mia, role)  # from the command line, while it waits
        administrator = mia
    for decision in (Proposal.State.CONFIRMED, Proposal.State.REFUSED):
        with pytest.raises(OwnRights):
            confirming.settle(proposal.pk, decision, comment="yes", by=acting(anew(administrator)))
    assert newest_event("permission.denied")["why"] == "own_rights"


def test_what_has_changed_meanwhile_is_not_done(administrator: User, second: User, mia: User) -> None:
    proposal = change(mia, Role.OPERATOR, Role.APPROVER, by=administrator)
    change(mia, Role.AUDITOR, by=second)
    with pytest.raises(WrongState, match="have changed since"):
        confirm(proposal, second)
    assert has(mia) == {Role.AUDITOR}


def test_while_one_waits_no_other_is_proposed(administrator: User, second: User, mia: User) -> None:
    change(mia, Role.OPERATOR, Role.APPROVER, by=administrator)
    with pytest.raises(WrongState):
        change(mia, Role.ADMINISTRATOR, by=second)
    assert has(mia) == {Role.OPERATOR}, "nothing of the refused change is done"


def test_of_two_confirmations_at_once_one_gives(administrator: User, second: User, mia: User) -> None:
    third = make_person("anna", Role.ADMINISTRATOR)
    proposal = change(mia, Role.APPROVER, by=administrator)

    def attempt(by: User) -> str:
        try:
            confirm(proposal, by)
        except WrongState:
            return "late"
        finally:
            connections.close_all()
        return "given"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, [second, third])) == ["given", "late"]
    assert has(mia) == {Role.APPROVER}


# --- The last administrator ------------------------------------------------------------------------------------------
def test_the_last_administrator_keeps_the_role(administrator: User, second: User) -> None:
    change(second, by=administrator)
    with pytest.raises(LastAdministrator):
        change(administrator, by=administrator)
    assert has(administrator) == {Role.ADMINISTRATOR}


def test_two_administrators_do_not_take_it_from_each_other_at_once(administrator: User, second: User) -> None:
    def attempt(pair: tuple[User, User]) -> str:
        try:
            change(pair[0], by=pair[1])
        except (LastAdministrator, NotAllowed) as error:
            return type(error).__name__
        finally:
            connections.close_all()
        return "taken"

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(attempt, [(administrator, second), (second, administrator)]))
    assert done.count("taken") == 1
    assert RoleGrant.objects.filter(role=Role.ADMINISTRATOR).count() == 1


# --- A day until it counts -------------------------------------------------------------------------------------------
@pytest.fixture
def waiting(operator: User) -> Submission:
    return submissions.submit(body("delete"), by=acting(operator))


def approve(row: Submission, by: User) -> Submission:
    return approvals.approve(row, by=acting(anew(by)), request_sha256=row.request_sha256)


def test_in_production_an_approver_decides_a_day_after_the_role(
    administrator: User, second: User, mia: User, waiting: Submission, settings: Any
) -> None:
    confirm(change(mia, Role.APPROVER, by=administrator), second)
    settings.IS_DEMO = False
    with pytest.raises(RoleTooNew, match=r"counts for decisions from \d{4}-\d\d-\d\d \d\d:\d\d UTC"):
        approve(waiting, mia)
    assert newest_event("permission.denied")["why"] == "role_too_new"
    given_long_ago(mia, 23.9)
    with pytest.raises(RoleTooNew):
        approve(waiting, mia)
    given_long_ago(mia, 24.1)
    assert approve(waiting, mia).state is State.QUEUED


def test_in_a_demo_it_counts_at_once(administrator: User, second: User, mia: User, waiting: Submission) -> None:
    confirm(change(mia, Role.APPROVER, by=administrator), second)
    assert approve(waiting, mia).state is State.QUEUED


def test_the_first_of_an_installation_counts_at_once_and_the_next_does_not(
    approver: User, waiting: Submission, settings: Any
) -> None:
    settings.IS_DEMO = False
    later = make_person("later", Role.APPROVER)
    with pytest.raises(RoleTooNew):
        approve(waiting, later)
    assert approve(waiting, approver).state is State.QUEUED
    assert [each.by for each in Approval.objects.all()] == [approver]


def test_a_new_administrator_confirms_nothing_for_a_day(
    administrator: User, second: User, mia: User, settings: Any
) -> None:
    settings.IS_DEMO = False
    proposal = change(mia, Role.APPROVER, by=administrator)
    with pytest.raises(RoleTooNew):
        confirm(proposal, second)
    given_long_ago(second)
    confirm(proposal, second)
    assert has(mia) == {Role.APPROVER}


# --- What the database holds -----------------------------------------------------------------------------------------
def insert(person: User, role: Role, **columns: Any) -> None:
    with transaction.atomic():
        RoleGrant.objects.create(person=person, role=role, **columns)


@pytest.mark.parametrize("role", sorted(GUARDED_ROLES))
def test_the_application_gives_none_that_decides(administrator: User, second: User, mia: User, role: Role) -> None:
    other = GUARDED_ROLES - {role}
    about_another = change(make_person("otto"), role, by=administrator)
    about_another_role = change(mia, *other, by=administrator)
    for proposal in (None, about_another, about_another_role):
        with pytest.raises(Exception, match="takes two administrators"):
            insert(mia, role, proposal=proposal)
    confirm(about_another_role, second)
    with pytest.raises(Exception, match="takes two administrators"):
        insert(mia, role, proposal=about_another_role)
    assert has(mia) == other


def test_a_proposal_is_used_once(administrator: User, second: User, mia: User) -> None:
    proposal = change(mia, Role.APPROVER, by=administrator)
    confirm(proposal, second)
    change(mia, by=administrator)
    with pytest.raises(Exception, match="takes two administrators"):
        insert(mia, Role.APPROVER, proposal=proposal)


@pytest.mark.parametrize("column", ["granted_at", "role", "person_id", "is_first", "proposal_id"])
def test_a_grant_is_never_changed(administrator: User, mia: User, column: str) -> None:
    values = {"granted_at": timezone.now(), "role": "approver", "person_id": 1, "is_first": True, "proposal_id": None}
    with pytest.raises(Exception, match="permission denied"), transaction.atomic():
        RoleGrant.objects.update(**{column: values[column]})


def test_nor_is_one_dated_back(administrator: User, stranger: User) -> None:
    insert(stranger, Role.OPERATOR, granted_at=timezone.now() - timedelta(days=9), is_first=True)
    grant = RoleGrant.objects.get(person=stranger)
    assert (timezone.now() - grant.granted_at < timedelta(minutes=5), grant.is_first) == (True, False)


@pytest.mark.parametrize("kind", [Proposal.Kind.ROLE, Proposal.Kind.SIGN_IN])
def test_nobody_proposes_for_themselves_past_the_code(administrator: User, second: User, kind: Proposal.Kind) -> None:
    row = Proposal(kind=kind, subject=administrator.ref, before={}, after={}, reason="r", proposed_by=administrator)
    row.expires_at = timezone.now() + timedelta(days=1)
    with pytest.raises(Exception, match="their own rights"), transaction.atomic():
        row.save()
    proposal = proposals.propose(kind, second.ref, before={}, after={}, reason="r", by=acting(administrator))
    with pytest.raises(Exception, match="their own rights"), transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(state="confirmed", decided_by=second, decided_at=timezone.now())


@pytest.mark.parametrize("lack", ["deactivated", "ended"])
def test_an_administrator_who_has_left_confirms_nothing_past_the_code(
    administrator: User, second: User, mia: User, lack: str
) -> None:
    proposal = change(mia, Role.APPROVER, by=administrator)
    gone = {"is_active": False} if lack == "deactivated" else {"last_day": timezone.now().date() - timedelta(days=1)}
    User.objects.filter(pk=second.pk).update(**gone)
    assert proposal is not None
    with pytest.raises(Exception, match="takes two administrators"), transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(state="confirmed", decided_by=second, decided_at=timezone.now())


# --- The command line ------------------------------------------------------------------------------------------------
def test_the_command_line_needs_no_second_and_alarms(
    administrator: User, auditor: User, settings: Any, mailoutbox: Any
) -> None:
    settings.HAS_MAIL = True
    User.objects.filter(pk=auditor.pk).update(email="aurora@example.com")
    listen()
    people.create_person("mia", PASSWORD, roles=[Role.APPROVER, Role.OPERATOR], by=COMMAND_LINE)
    work()
    [sent] = mailoutbox
    assert (sent.to, "approver" in sent.body, "command on the server" in sent.body) == (
        ["aurora@example.com"],
        True,
        True,
    )
    assert newest_event("person.created")["roles"] == ["approver", "operator"]
    people.create_person("otto", PASSWORD, roles=[Role.OPERATOR], by=COMMAND_LINE)
    work()
    assert len(mailoutbox) == 1


def test_as_the_application_create_user_says_what_to_do(database: None) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DATABASE_")}
    environment |= {"DATABASE_URL": address("default"), "PORTAL_DATA_DIR": str(settings.DATA_DIR)}
    command = [sys.executable, "manage.py", "create_user", "mia", "--role", "operator", "--role", "approver"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, input=PASSWORD, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "DATABASE_OWNER_URL" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
    assert not User.objects.exists()


# --- Who may what ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("role", "verb"), list(itertools.product(sorted(Role), ["see", "manage", "strengthen"])))
def test_which_role_may_what(administrator: User, stranger: User, role: Role, verb: str) -> None:
    by = acting(make_person("otto", role))
    refusal = {
        "see": permissions.see_people(by),
        "manage": permissions.manage_people(by),
        "strengthen": permissions.strengthen(by, stranger),
    }[verb]
    may = {Role.ADMINISTRATOR: {"see", "manage", "strengthen"}, Role.AUDITOR: {"see"}}.get(role, set())
    assert (refusal is None) == (verb in may)
