"""The pages of people: administrators act, auditors look, others get nothing; and what no page does alone."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs_app.actors import Role
from jobs_app.models import Proposal, RoleGrant, Service, User
from tests.conftest import PASSWORD, make_person
from tests.doors import newest_event
from tests.following import browser_of
from tests.people import REASON, anew, past_the_guards
from tests.policies import ruled

VERBS = ("roles", "email", "last-day", "deactivate", "reactivate", "reset", "end-sessions", "invite")


def do(by: User, person: User, verb: str, **values: Any) -> str:
    answer = browser_of(by).post(f"/people/{person.pk}/{verb}/", {"reason": REASON, **values}, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def read(by: User, path: str = "/people/") -> str:
    answer = browser_of(by).get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_everybody_is_listed_with_roles_since_when_and_from_whom(
    administrator: User, second: User, operator: User
) -> None:
    do(administrator, operator, "roles", roles=["operator", "auditor"])
    do(administrator, operator, "roles", roles=["operator", "auditor", "approver"])
    browser_of(second).post(f"/proposals/{Proposal.objects.get().pk}/", {"decision": "confirmed"})
    past_the_guards(operator, last_day=timezone.now().date())
    listed = read(administrator)
    assert "adele and arthur" in listed
    assert "from the command line" in listed
    assert f"{timezone.now():%Y-%m-%d}" in listed
    assert "Add a person" in listed


def test_an_auditor_looks_and_does_nothing(administrator: User, auditor: User, operator: User) -> None:
    listed, page = read(auditor), read(auditor, f"/people/{operator.pk}/")
    assert "olga" in listed
    assert "Add a person" not in listed
    assert '<form method="post" action="/people/' not in page
    assert browser_of(auditor).get("/people/new/").status_code == 403


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.APPROVER, Role.AUDITOR, None])
def test_others_change_nothing(administrator: User, operator: User, role: Role | None) -> None:
    other = make_person("otto", *filter(None, [role]))
    before = vars(anew(operator)) | {"_state": None}
    for verb in VERBS:
        answer = browser_of(other).post(f"/people/{operator.pk}/{verb}/", {"reason": REASON, "roles": ["approver"]})
        assert answer.status_code == 403
    assert browser_of(other).post("/people/new/", {"name": "new", "reason": REASON}).status_code == 403
    assert vars(anew(operator)) | {"_state": None} == before
    assert not User.objects.filter(username="new").exists()
    if role is not Role.AUDITOR:
        assert browser_of(other).get("/people/").status_code == 403
        assert browser_of(other).get(f"/people/{operator.pk}/").status_code == 403


def test_what_is_unknown_is_not_found(administrator: User, operator: User) -> None:
    browser = browser_of(administrator)
    assert browser.get("/people/0/").status_code == 404
    assert browser.post("/people/0/roles/", {}).status_code == 404
    assert browser.post(f"/people/{operator.pk}/promote/", {}).status_code == 404


# --- One man ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["approver", "administrator"])
def test_one_administrator_gets_nobody_to_decide(administrator: User, operator: User, role: str) -> None:
    said = do(administrator, operator, "roles", roles=["operator", role])
    assert "another administrator has to confirm it" in said
    proposal = Proposal.objects.get()
    for decision in ("confirmed", "refused"):
        answer = browser_of(administrator).post(f"/proposals/{proposal.pk}/", {"decision": decision, "comment": "x"})
        assert answer.status_code == 403
    answer = browser_of(administrator).post("/people/new/", {"name": "sock.puppet", "roles": [role], "reason": REASON})
    assert "another administrator has to confirm it" in answer.content.decode()
    link = re.search(r"/sign-in/set/[^<\s]+", answer.content.decode())
    assert link
    assert not RoleGrant.objects.filter(role=role).exclude(person=administrator).exists()
    assert User.objects.get(username="sock.puppet").current_roles() == set()


def test_nor_gives_themselves_what_decides(administrator: User, second: User) -> None:
    answer = browser_of(administrator).post(
        f"/people/{administrator.pk}/roles/", {"roles": ["administrator", "approver"], "reason": REASON}
    )
    assert answer.status_code == 403
    assert "Nobody gives themselves rights" in answer.content.decode()
    assert anew(administrator).granted_roles() == {Role.ADMINISTRATOR}


def test_the_person_concerned_is_told_why_they_cannot_confirm(administrator: User, second: User) -> None:
    third = make_person("anna", Role.ADMINISTRATOR)
    do(administrator, second, "roles", roles=["administrator", "approver"])
    assert "Nobody gives themselves rights" in read(second, f"/people/{second.pk}/")
    assert "Confirm" in read(third, f"/people/{second.pk}/")


def test_who_confirms_sees_who_had_the_sign_in_in_hand(administrator: User, second: User, operator: User) -> None:
    do(administrator, operator, "roles", roles=["operator", "approver"])
    assert "No link to set the password was made here" in read(second)
    do(administrator, operator, "email", email="else@example.com")
    do(administrator, operator, "reset")
    for path in ("/people/", f"/people/{operator.pk}/"):
        page = re.sub(r"<[^>]+>", "", read(second, path))
        assert re.search(r"The last link to set the password was made [-0-9]+ [:0-9]+ UTC, adele\.", page)
        assert "The mail address was changed" in page


# --- Each form -------------------------------------------------------------------------------------------------------
def test_a_person_is_added_and_errors_stand_beside_the_fields(administrator: User, operator: User) -> None:
    browser = browser_of(administrator)
    for values, words in (
        ({"name": "olga"}, "already exists"),
        ({"name": "a b"}, "Enter a valid username"),
        ({"name": "erased-9"}, "choose another one"),
        ({"name": "mia", "email": "nothing"}, "Give one address"),
        ({"name": "mia", "last_day": "soon"}, "Give a day such as"),
        ({"name": "mia", "last_day": "2001-01-01"}, "from today on"),
        ({"name": "mia", "roles": ["king"]}, "Choose among the roles"),
        ({"name": "mia", "reason": ""}, "Say why"),
    ):
        answer = browser.post("/people/new/", {"reason": REASON, **values})
        assert (answer.status_code, words in answer.content.decode()) == (400, True), values
    assert not User.objects.filter(username="mia").exists()
    day = timezone.now().date() + timedelta(days=30)
    made = browser.post(
        "/people/new/", {"name": "mia", "roles": ["auditor"], "last_day": day.isoformat(), "reason": REASON}
    )
    assert "no-store" in made["Cache-Control"]
    assert re.search(r"/sign-in/set/[^<\s]+", made.content.decode())
    mia = User.objects.get(username="mia")
    assert (mia.granted_roles(), mia.last_day, mia.has_usable_password()) == ({Role.AUDITOR}, day, False)
    assert "Has not set a password" in read(administrator)


def test_each_form_does_its_own(administrator: User, operator: User) -> None:
    assert "Done" in do(administrator, operator, "email", email="olga@example.com")
    assert "Done" in do(administrator, operator, "last-day", last_day="2099-12-31")
    assert "Done" in do(administrator, operator, "last-day", last_day="")
    assert "Done" in do(administrator, operator, "roles", roles=["auditor"])
    assert "Done" in do(administrator, operator, "deactivate")
    assert "deactivated already" in do(administrator, operator, "deactivate")
    assert "Done" in do(administrator, operator, "reactivate")
    assert "It works once" in do(administrator, operator, "reset", email="")
    assert "It works once" in do(administrator, operator, "invite")
    assert "Nobody else is an administrator" in do(administrator, administrator, "deactivate")
    assert "Say why" in do(administrator, operator, "deactivate", reason=" ")
    person = anew(operator)
    assert (person.email, person.last_day, person.granted_roles()) == ("olga@example.com", None, {Role.AUDITOR})


def test_before_somebody_leaves_the_page_names_what_they_leave(administrator: User, operator: User) -> None:
    service = Service.objects.create(name="payroll", owner=operator)
    page = read(administrator, f"/people/{operator.pk}/")
    assert f"/tokens/services/{service.pk}/" in page


# --- Alarms ----------------------------------------------------------------------------------------------------------
def test_roles_from_the_command_line_alarm_for_a_week(administrator: User, auditor: User) -> None:
    assert "without a second administrator" in read(auditor)
    RoleGrant.objects.using("owner").update(granted_at=timezone.now() - timedelta(days=8))
    assert "without a second administrator" not in read(auditor)


def test_pages_name_what_nobody_could_do(administrator: User, auditor: User, settings: Any) -> None:
    settings.IS_DEMO = False
    for path in ("/people/", "/health/"):
        assert "adele is the only administrator" in read(administrator, path)
        assert "Approvers: 0, needed: 1" in read(administrator, path)
    assert "only administrator" in read(auditor, "/health/")
    assert "only administrator" not in read(make_person("olga", Role.OPERATOR), "/health/")


def test_from_when_a_role_counts_is_shown_in_production(
    administrator: User, second: User, operator: User, settings: Any
) -> None:
    assert "counts for decisions from" not in read(administrator)
    settings.IS_DEMO = False
    assert "counts for decisions from" in read(administrator)


def test_djangos_admin_changes_nobody(administrator: User, operator: User) -> None:
    browser = browser_of(administrator)
    grant = RoleGrant.objects.get(person=operator)
    for model, pk in (("user", operator.pk), ("rolegrant", grant.pk)):
        assert browser.get(f"/admin/jobs_app/{model}/{pk}/change/").status_code == 200
        for page in ("add/", f"{pk}/change/", f"{pk}/delete/"):
            assert browser.post(f"/admin/jobs_app/{model}/{page}", {"post": "yes"}).status_code == 403
    assert browser.get("/admin/auth/group/").status_code == 404


def test_sign_in_by_the_link_leads_to_the_sign_in_page(administrator: User, operator: User) -> None:
    link = re.search(r"/sign-in/set/[^<\s]+", do(administrator, operator, "reset"))
    assert link
    browser = Client()
    shown = browser.get(link.group(), follow=True)
    new = {"new_password1": "other words for it", "new_password2": "other words for it"}
    done = browser.post(shown.redirect_chain[-1][0], new)
    assert (done.status_code, done["Location"]) == (302, "/sign-in/")
    assert browser.post("/sign-in/", {"username": "olga", "password": PASSWORD}).status_code == 200
    assert browser.post("/sign-in/", {"username": "olga", "password": new["new_password1"]}).status_code == 302
    assert newest_event("sign_in.reset")["reason"] == REASON


def test_an_administrator_signs_somebody_out_everywhere(administrator: User, operator: User) -> None:
    browser = Client()
    browser.post("/sign-in/", {"username": "olga", "password": PASSWORD})
    assert browser.get("/").status_code == 200
    assert "End the sessions" in read(administrator, f"/people/{operator.pk}/")
    assert "Say why" in do(administrator, operator, "end-sessions", reason=" ")
    assert browser.get("/").status_code == 200
    assert "Done" in do(administrator, operator, "end-sessions")
    assert browser.get("/").status_code == 302
    event = newest_event("session.ended")
    assert (event["person"], event["why"], event["reason"]) == (operator.ref, "administrator", REASON)


def test_who_is_missing_follows_the_policy(administrator: User, approver: User) -> None:
    assert "needed" not in read(administrator)
    ruled(administrator, **{"approvals.delete": 2})
    assert "Approvers: 1, needed: 2" in read(administrator)
