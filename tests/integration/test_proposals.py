"""Changes that take two administrators: who may propose, confirm, refuse and withdraw, and what the database holds."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from jobs_app import confirming, proposals
from jobs_app.actors import Actor, Role
from jobs_app.errors import Invalid, NotAllowed, NotFound, OwnProposal, WrongState
from jobs_app.models import Event, Proposal, User
from tests.conftest import make_person
from tests.doors import newest_event, without_the_trail
from tests.doors import operator_actor as acting
from tests.notices import listen, work
from tests.processes import address

REASON = "the new team starts on Monday"
State = Proposal.State


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The proposals that were carried out."""
    made: list[int] = []

    def carry_out(proposal: Proposal, by: Actor) -> None:
        made.append(proposal.pk)

    monkeypatch.setitem(confirming.CARRIED_OUT, Proposal.Kind.POLICY, carry_out)
    return made


def propose(by: User, *, subject: str = "policy", reason: str = REASON) -> Proposal:
    kind, before, after = Proposal.Kind.POLICY, {"approvals": 1}, {"approvals": 0}
    return proposals.propose(kind, subject, before=before, after=after, reason=reason, by=acting(by))


def settle(proposal: Proposal, decision: State, by: User, comment: str = "") -> Proposal:
    return confirming.settle(proposal.pk, decision, comment=comment, by=acting(by))


def test_what_one_administrator_proposes_another_confirms(administrator: User, second: User, done: list[int]) -> None:
    proposal = propose(administrator)
    assert done == []
    proposed = newest_event("change.proposed")
    assert (proposed["proposal"], proposed["reason"]) == (f"proposal:{proposal.pk}", REASON)
    settle(proposal, State.CONFIRMED, second)
    assert done == [proposal.pk]
    confirmed = newest_event("change.confirmed")
    assert (confirmed["before"], confirmed["after"]) == ({"approvals": 1}, {"approvals": 0})
    assert confirmed["actor"]["id"] == f"person:{second.pk}"


def test_nobody_confirms_or_refuses_their_own(administrator: User, second: User, done: list[int]) -> None:
    proposal = propose(administrator)
    for decision in (State.CONFIRMED, State.REFUSED):
        with pytest.raises(OwnProposal):
            settle(proposal, decision, administrator, "no")
    assert newest_event("permission.denied")["why"] == "own_proposal"
    settle(proposal, State.WITHDRAWN, administrator)
    assert done == []
    with pytest.raises(WrongState):
        settle(proposal, State.CONFIRMED, second)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.APPROVER, Role.AUDITOR])
def test_no_other_role_proposes_or_decides(administrator: User, done: list[int], role: Role) -> None:
    other, proposal = make_person("otto", role), propose(administrator)
    with pytest.raises(NotAllowed):
        propose(other, subject="another")
    for decision in (State.CONFIRMED, State.REFUSED, State.WITHDRAWN):
        with pytest.raises(NotAllowed):
            settle(proposal, decision, other, "no")
    assert done == []


def test_a_refusal_says_why_and_is_final(administrator: User, second: User, done: list[int]) -> None:
    proposal = propose(administrator)
    with pytest.raises(Invalid):
        settle(proposal, State.REFUSED, second)
    settle(proposal, State.REFUSED, second, "not before the audit")
    assert newest_event("change.refused")["comment"] == "not before the audit"
    with pytest.raises(WrongState):
        settle(proposal, State.CONFIRMED, second)
    assert done == []


def test_one_at_a_time_about_a_subject_and_a_reason_for_each(administrator: User, second: User) -> None:
    propose(administrator)
    with pytest.raises(WrongState):
        propose(second)
    propose(second, subject="another")
    with pytest.raises(Invalid):
        propose(second, subject="a third", reason=" ")
    with pytest.raises(NotFound):
        confirming.settle(0, State.CONFIRMED, comment="", by=acting(second))


def test_what_else_the_database_refuses_is_not_told_as_another_change(administrator: User) -> None:
    """Nobody proposes for themselves; whoever comes past the verb of roles hears no wrong reason."""
    with pytest.raises(IntegrityError, match="their own rights"):
        proposals.propose(
            Proposal.Kind.ROLE,
            f"person:{administrator.pk}",
            before={},
            after={"role": "approver"},
            reason=REASON,
            by=acting(administrator),
        )


def test_it_expires_and_makes_room_for_the_next(administrator: User, second: User, done: list[int]) -> None:
    proposal = propose(administrator)
    Proposal.objects.using("owner").filter(pk=proposal.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(WrongState):
        settle(proposal, State.CONFIRMED, second)
    propose(second)
    proposal.refresh_from_db()
    assert (proposal.state, newest_event("change.expired")["proposal"]) == (State.EXPIRED, proposal.ref)
    assert done == []


def test_what_cannot_be_carried_out_stays_open(administrator: User, second: User, monkeypatch: Any) -> None:
    def carry_out(proposal: Proposal, by: Actor) -> None:
        raise WrongState

    monkeypatch.setitem(confirming.CARRIED_OUT, Proposal.Kind.POLICY, carry_out)
    proposal = propose(administrator)
    with pytest.raises(WrongState):
        settle(proposal, State.CONFIRMED, second)
    proposal.refresh_from_db()
    assert proposal.state == State.OPEN
    assert not Event.objects.filter(action="change.confirmed", line__contains=f'"{proposal.ref}"').exists()


def test_without_the_trail_nothing_is_proposed(administrator: User) -> None:
    with without_the_trail(), pytest.raises(Exception, match="audit trail"):
        propose(administrator)
    assert not Proposal.objects.exists()


def test_administrators_and_auditors_hear_of_it_by_mail(
    administrator: User, second: User, auditor: User, operator: User, settings: Any
) -> None:
    settings.HAS_MAIL, settings.EMAIL_BACKEND = True, "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    for person in (administrator, second, auditor, operator):
        person.email = f"{person.username}@example.com"
        person.save()
    listen()
    propose(administrator)
    work()
    assert sorted(address for sent in mail.outbox for address in sent.to) == [
        "adele@example.com",
        "arthur@example.com",
        "aurora@example.com",
    ]
    assert all(REASON in sent.body for sent in mail.outbox)


# --- The database ----------------------------------------------------------------------------------------------------
@pytest.fixture
def intruder(database: None) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Signed in as the application, past all of its code."""
    with psycopg.connect(address("default"), autocommit=True) as signed_in:
        yield signed_in


_SET = "UPDATE jobs_app_proposal SET state = 'confirmed', decided_at = now(), decided_by_id = {}"


def test_the_database_takes_no_single_administrator(
    administrator: User, operator: User, intruder: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    propose(administrator)
    refused = {
        _SET.format(administrator.pk): "takes two administrators",
        _SET.format(operator.pk): "takes two administrators",
        _SET.format(administrator.pk).replace("confirmed", "refused"): "decided_by_another",
        "UPDATE jobs_app_proposal SET after = '{}'": "permission denied",
        "DELETE FROM jobs_app_proposal": "permission denied",
        "INSERT INTO jobs_app_proposal (kind, subject, before, after, reason, proposed_by_id, "
        f"expires_at, state, decided_by_id, decided_at, comment) VALUES ('policy', 'x', '{{}}', '{{}}', 'r', "
        f"{administrator.pk}, now(), 'confirmed', {operator.pk}, now(), '')": "open at first",
    }
    for statement, words in refused.items():
        with pytest.raises(psycopg.Error, match=re.escape(words)):
            intruder.execute(statement.encode())


def test_what_was_decided_is_never_decided_anew(administrator: User, second: User) -> None:
    proposal = propose(administrator)
    settle(proposal, State.REFUSED, second, "no")
    with pytest.raises(Exception, match="decided already"), transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(comment="yes")


# --- The pages -------------------------------------------------------------------------------------------------------
def test_the_form_decides_and_leads_back_only_to_the_portal(administrator: User, second: User, done: list[int]) -> None:
    first, other = propose(administrator), propose(administrator, subject="another")
    browser = Client()
    browser.force_login(second)
    answer = browser.post(f"/proposals/{first.pk}/", {"decision": "confirmed", "next": "/health/"})
    assert (answer.status_code, answer["Location"], done) == (302, "/health/", [first.pk])
    away = {"decision": "refused", "comment": "no", "next": "https://evil.example/"}
    assert browser.post(f"/proposals/{other.pk}/", away)["Location"] == "/"
    browser.force_login(administrator)
    assert browser.post(f"/proposals/{propose(administrator).pk}/", {"decision": "confirmed"}).status_code == 403
