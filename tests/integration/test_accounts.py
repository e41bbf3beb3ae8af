"""Accounts of people: last days, deactivating, bringing back, another sign-in, and what each of them ends."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from jobs_app import accounts, departures, invitations, people, staffing, submissions, sweeping
from jobs_app.actors import COMMAND_LINE, GUARDED_ROLES, Role, Scope
from jobs_app.errors import AlreadyErased, Invalid, LastAdministrator, NotAllowed, OwnProposal, OwnRights, WrongState
from jobs_app.models import Event, Proposal, RoleGrant, Service, User
from tests.conftest import PASSWORD, Api, make_person, token_of
from tests.doors import newest_event
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.notices import listen, work
from tests.people import REASON, anew, confirm, past_the_guards

TODAY = timezone.now().date()
TOMORROW, YESTERDAY = TODAY + timedelta(days=1), TODAY - timedelta(days=1)
Verb = Callable[..., Any]
VERBS: dict[str, Verb] = {
    "reactivate": lambda person, by: accounts.reactivate(person, reason=REASON, by=by),
    "prolong": lambda person, by: accounts.set_last_day(person, None, reason=REASON, by=by),
    "reset": lambda person, by: accounts.reset_sign_in(person, reason=REASON, by=by)[0],
}


@pytest.fixture
def mails(settings: Any, mailoutbox: Any) -> Any:
    settings.HAS_MAIL = True
    return mailoutbox


def ready_for(verb: str, *roles: Role) -> User:
    """Somebody about whom this can be done."""
    person = make_person("mia", *roles)
    columns = {"reactivate": {"is_active": False}, "prolong": {"last_day": TODAY}, "reset": {}}[verb]
    past_the_guards(person, email="mia@example.com", **columns)
    return anew(person)


def standing(person: User) -> tuple[object, ...]:
    current = anew(person)
    return current.is_active, current.last_day, current.has_usable_password()


def signs_in(person: User, password: str = PASSWORD) -> bool:
    answer = Client().post("/sign-in/", {"username": person.username, "password": password})
    return answer.status_code == 302


def link_in(text: str) -> str:
    found = re.search(r"/sign-in/set/\S+?/(?=\s|<)", text)
    assert found, text
    return found.group()


# --- What takes two --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", sorted(GUARDED_ROLES))
@pytest.mark.parametrize("verb", sorted(VERBS))
def test_bringing_somebody_back_who_decides_takes_two(
    administrator: User, second: User, mails: Any, role: Role, verb: str
) -> None:
    person = ready_for(verb, role)
    before = standing(person)
    with pytest.raises(OwnRights):
        VERBS[verb](person, _self(person, administrator))
    proposal = VERBS[verb](person, acting(administrator))
    assert standing(person) == before
    with pytest.raises(OwnProposal):
        confirm(proposal, administrator)
    confirm(proposal, second)
    assert standing(person) != before
    event = newest_event({"reactivate": "person.reactivated", "prolong": "person.changed"}.get(verb, "sign_in.reset"))
    assert (event["person"], event["proposal"]) == (person.ref, proposal.ref)


def _self(person: User, administrator: User) -> Any:
    """An administrator who acts about this very person: themselves."""
    return replace(acting(administrator), key=person.pk)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_for_others_it_takes_one(administrator: User, mails: Any, verb: str) -> None:
    person = ready_for(verb, Role.OPERATOR)
    before = standing(person)
    assert VERBS[verb](person, acting(administrator)) is None
    assert standing(person) != before


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.APPROVER, Role.AUDITOR])
@pytest.mark.parametrize("verb", [*sorted(VERBS), "deactivate", "email", "invite", "add"])
def test_no_other_role_does_any_of_it(administrator: User, mails: Any, role: Role, verb: str) -> None:
    more: dict[str, Verb] = {
        "deactivate": lambda person, by: accounts.deactivate(person, reason=REASON, by=by),
        "email": lambda person, by: accounts.change_email(person, "x@example.com", reason=REASON, by=by),
        "invite": lambda person, by: accounts.invite(person, by=by),
        "add": lambda person, by: people.add("new", email="", roles=[], last_day=None, reason=REASON, by=by),
    }
    person = ready_for(verb if verb in VERBS else "reset", Role.OPERATOR)
    before = standing(person)
    with pytest.raises(NotAllowed):
        (VERBS | more)[verb](person, acting(make_person("otto", role)))
    assert standing(person) == before
    assert anew(person).email == "mia@example.com"


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_what_has_changed_meanwhile_is_not_done(administrator: User, second: User, mails: Any, verb: str) -> None:
    person = ready_for(verb, Role.APPROVER)
    proposal = VERBS[verb](person, acting(administrator))
    changed = {"reactivate": {"is_active": True}, "prolong": {"last_day": TOMORROW}}.get(verb)
    if changed is None:
        return  # a reset finds nothing that could change
    past_the_guards(person, **changed)
    with pytest.raises(WrongState, match="has changed since"):
        confirm(proposal, second)


@pytest.mark.parametrize("columns", [{"is_active": True}, {"last_day": TOMORROW}, {"last_day": None}], ids=str)
def test_the_application_brings_nobody_back_past_the_code(administrator: User, columns: dict[str, Any]) -> None:
    person = make_person("mia", Role.APPROVER)
    past_the_guards(person, is_active=False, last_day=TODAY)
    with pytest.raises(Exception, match="takes two administrators"), transaction.atomic():
        User.objects.filter(pk=person.pk).update(**columns)
    RoleGrant.objects.filter(person=person).delete()
    User.objects.filter(pk=person.pk).update(**columns)


# --- Signing in anew -------------------------------------------------------------------------------------------------
def test_a_new_person_sets_their_own_password_once(administrator: User, mails: Any) -> None:
    person, proposal, shown = people.add(
        "mia", email="mia@example.com", roles=[Role.OPERATOR], last_day=None, reason=REASON, by=acting(administrator)
    )
    assert (proposal, shown, mails[0].to) == (None, "", ["mia@example.com"])
    link, browser = link_in(mails[0].body), Client()
    form = browser.get(link, follow=True)
    assert link not in form.redirect_chain[-1][0], "the address that is shown can be used by nobody else"
    weak = browser.post(form.redirect_chain[-1][0], {"new_password1": "short", "new_password2": "short"})
    assert "at least 12 characters" in weak.content.decode()
    new = "a phrase of one's own"
    done = browser.post(form.redirect_chain[-1][0], {"new_password1": new, "new_password2": new}, follow=True)
    assert "The password is set" in done.content.decode()
    event = newest_event("password.changed")
    assert (event["actor"]["id"], event["auth"]) == (person.ref, "link")
    assert signs_in(person, new)
    again = Client().get(link, follow=True).content.decode()
    assert "This link was used, replaced" in again
    lines = Event.objects.filter(action__in=["sign_in.invited", "person.created"]).values_list("line", flat=True)
    assert not any(link.split("/")[-2] in line for line in lines)


def test_without_mail_the_link_is_shown_to_who_made_it(administrator: User) -> None:
    person, _, shown = people.add("mia", email="", roles=[], last_day=None, reason=REASON, by=acting(administrator))
    assert link_in(f"{shown} ")
    assert newest_event("sign_in.invited")["way"] == "shown"
    second = accounts.invite(person, by=acting(administrator))
    assert link_in(f"{second} ")


@pytest.mark.parametrize("why", ["deactivated", "ended", "too late", "forged", "reset again", "another address"])
def test_a_link_that_must_not_work_does_not(administrator: User, settings: Any, why: str) -> None:
    by = acting(administrator)
    person, _, shown = people.add("mia", email="", roles=[], last_day=None, reason=REASON, by=by)
    link = link_in(f"{shown} ")
    match why:
        case "deactivated":
            accounts.deactivate(person, reason=REASON, by=by)
        case "ended":
            past_the_guards(person, last_day=YESTERDAY)
        case "too late":
            settings.PASSWORD_RESET_TIMEOUT = -1
        case "forged":
            link = link[:-3] + ("aa/" if not link.endswith("aa/") else "bb/")
        case "reset again":
            accounts.reset_sign_in(person, reason=REASON, by=by)
        case "another address":
            accounts.change_email(person, "eve@example.com", reason=REASON, by=by)
    assert "This link was used, replaced" in Client().get(link, follow=True).content.decode()


def test_a_reset_ends_password_and_sessions(administrator: User, operator: User) -> None:
    browser = Client()
    browser.force_login(operator)
    assert browser.get("/submissions/").status_code == 200
    accounts.reset_sign_in(operator, reason=REASON, by=acting(administrator))
    assert browser.get("/submissions/").status_code == 302
    assert not signs_in(operator)


def test_the_link_of_who_decides_goes_by_mail_alone(
    administrator: User, second: User, approver: User, mails: Any, settings: Any
) -> None:
    with pytest.raises(WrongState, match="goes by mail alone"):
        accounts.reset_sign_in(approver, reason=REASON, by=acting(administrator))
    accounts.change_email(approver, "eve@example.com", reason=REASON, by=acting(administrator))
    settings.IS_DEMO = False
    with pytest.raises(WrongState, match="changed a short while ago"):
        accounts.reset_sign_in(anew(approver), reason=REASON, by=acting(administrator))
    past_the_guards(approver, email_since=timezone.now() - timedelta(hours=25))
    proposal, shown = accounts.reset_sign_in(anew(approver), reason=REASON, by=acting(administrator))
    assert shown == ""
    settings.IS_DEMO = True
    confirm(proposal, second)
    [sent] = [each for each in mails if "/sign-in/set/" in each.body]
    assert sent.to == ["eve@example.com"]
    with pytest.raises(WrongState, match="have a password"):
        invitations.invite(administrator, by=acting(administrator))
    assert accounts.invite(anew(approver), by=acting(administrator)) == ""


def test_a_changed_address_of_who_decides_is_told_to_the_old_one(
    administrator: User, auditor: User, approver: User, mails: Any
) -> None:
    past_the_guards(auditor, email="aurora@example.com")
    past_the_guards(approver, email="anton@example.com")
    listen()
    accounts.change_email(anew(approver), "other@example.com", reason=REASON, by=acting(administrator))
    work()
    to = sorted(each.to[0] for each in mails)
    assert to == ["anton@example.com", "aurora@example.com", "other@example.com"]
    line = Event.objects.filter(action="person.changed").latest("seq").line
    assert "example.com" not in line
    with pytest.raises(Invalid, match=r"mail|errors"):
        accounts.change_email(anew(approver), "no address", reason=REASON, by=acting(administrator))


# --- Leaving ---------------------------------------------------------------------------------------------------------
def test_who_is_deactivated_is_out_at_once(administrator: User, operator: User) -> None:
    token = token_of("payroll", Scope.READ, owner=operator)
    browser = Client()
    browser.force_login(operator)
    assert browser.get("/submissions/").status_code == 200
    accounts.deactivate(operator, reason=REASON, by=acting(administrator))
    assert browser.get("/submissions/").status_code == 302
    assert browser.get("/api/v1/submissions/").status_code == 401
    assert not signs_in(operator)
    assert Api(token=token).get("me/").status_code == 401
    assert newest_event("person.deactivated")["person"] == operator.ref
    with pytest.raises(WrongState):
        accounts.deactivate(operator, reason=REASON, by=acting(administrator))


def test_the_last_administrator_stays(administrator: User, second: User) -> None:
    by = acting(administrator)
    accounts.set_last_day(second, TOMORROW, reason=REASON, by=by)
    with pytest.raises(LastAdministrator):
        accounts.set_last_day(administrator, TOMORROW, reason=REASON, by=by)
    accounts.set_last_day(administrator, TODAY, reason=REASON, by=by)
    past_the_guards(administrator, last_day=None)
    accounts.deactivate(second, reason=REASON, by=by)
    with pytest.raises(LastAdministrator):
        accounts.deactivate(administrator, reason=REASON, by=by)


def test_what_somebody_leaves_is_named(administrator: User, second: User, operator: User) -> None:
    approver = make_person("anton", Role.APPROVER, Role.ADMINISTRATOR)
    Service.objects.create(name="payroll", owner=approver)
    submissions.submit(body("delete"), by=acting(operator))
    past_the_guards(second, is_active=False)
    accounts.reactivate(anew(second), reason=REASON, by=acting(approver))
    found = staffing.leaves(approver)
    assert ([each.name for each in found.services], found.proposals, found.waiting) == (["payroll"], 1, 1)
    assert found.other_approvers == 0
    assert staffing.leaves(operator) == staffing.Leaves([], 0, 0, 1)


def test_who_was_erased_is_not_brought_back(administrator: User, operator: User) -> None:
    people.erase_name(operator, reason=REASON, by=COMMAND_LINE)
    for verb in VERBS.values():
        with pytest.raises(AlreadyErased):
            verb(anew(operator), acting(administrator))


# --- The last day ----------------------------------------------------------------------------------------------------
def test_after_the_last_day_nothing_counts(administrator: User, operator: User) -> None:
    token = token_of("payroll", Scope.READ, owner=operator)
    browser = Client()
    browser.force_login(operator)
    accounts.set_last_day(operator, TODAY, reason=REASON, by=acting(administrator))
    assert browser.get("/submissions/").status_code == 200
    assert signs_in(operator)
    past_the_guards(operator, last_day=YESTERDAY)
    assert browser.get("/submissions/").status_code == 302
    assert browser.get("/api/v1/submissions/").status_code == 401
    assert not signs_in(operator)
    assert anew(operator).current_roles() == set()
    assert not User.objects.present().filter(pk=operator.pk).exists()
    assert Api(token=token).get("me/").status_code == 401
    assert Service.objects.stopped(timezone.now()).get().owner == operator


def test_a_day_that_is_over_is_refused(administrator: User, operator: User) -> None:
    for day in (YESTERDAY, TODAY.replace(year=9999)):
        with pytest.raises(Invalid):
            accounts.set_last_day(operator, day, reason=REASON, by=acting(administrator))


def test_shortening_takes_one(administrator: User, approver: User) -> None:
    assert accounts.set_last_day(approver, TOMORROW, reason=REASON, by=acting(administrator)) is None
    assert accounts.set_last_day(anew(approver), TODAY, reason=REASON, by=acting(administrator)) is None
    event = newest_event("person.changed")
    assert (event["before"], event["after"]) == (
        {"lastDay": TOMORROW.isoformat()},
        {"lastDay": TODAY.isoformat()},
    )
    longer = accounts.set_last_day(anew(approver), TOMORROW, reason=REASON, by=acting(administrator))
    assert longer is not None
    assert longer.kind == Proposal.Kind.SIGN_IN


def test_the_trail_hears_once_that_it_is_over(administrator: User, operator: User, monkeypatch: Any) -> None:
    past_the_guards(operator, last_day=TODAY)
    departures.note()
    past_the_guards(operator, last_day=YESTERDAY)
    monkeypatch.setattr(sweeping, "try_connection", lambda **_: None)
    for _ in range(2):
        sweeping.sweep(client=None)  # type: ignore[arg-type]
    told = list(Event.objects.filter(action="person.ended").values_list("line", flat=True))
    assert sum(f'"{operator.ref}"' in line for line in told) == 1


# --- Whether enough people are there ---------------------------------------------------------------------------------
def test_it_is_told_whose_deletions_nobody_could_approve(administrator: User, second: User, operator: User) -> None:
    assert [each.partition(";")[0] for each in staffing.troubles()] == ["Approvers: 0, needed: 1"]
    owner = make_person("owen", Role.APPROVER)
    assert staffing.troubles() == []
    token_of("payroll", Scope.WRITE, owner=owner)
    [trouble] = staffing.troubles()
    assert "a deletion of owen" in trouble
    both = make_person("boris", Role.APPROVER, Role.OPERATOR)
    assert staffing.troubles() == []
    past_the_guards(owner, last_day=YESTERDAY)
    [trouble] = staffing.troubles()
    assert f"a deletion of {both}" in trouble


def test_it_is_told_when_nobody_could_confirm(administrator: User, approver: User) -> None:
    [trouble] = staffing.troubles()
    assert "adele is the only administrator" in trouble
    make_person("arthur", Role.ADMINISTRATOR)
    assert staffing.troubles() == []
