"""The policy: who changes it, what is looser takes two, what it asks of a request, what the database holds of it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client
from psycopg.types.json import Jsonb

from jobs_app import bulk, cancelling, confirming, policies, policymaking, rulebook, submissions
from jobs_app.actors import Role
from jobs_app.errors import Invalid, NotAllowed, OwnProposal, PolicyChanged, WrongState
from jobs_app.models import Event, Policy, Proposal, Submission, User
from jobs_app.spaces import Known
from tests.conftest import Api, make_person
from tests.doors import newest_event, without_the_trail
from tests.doors import operator_actor as acting
from tests.examples import OTHER_SPACE, SPACE, body, file_id
from tests.following import browser_of
from tests.policies import form, ruled
from tests.processes import address

REASON = "CHG-77 the auditors want it"
Given = dict[str, Any]


@pytest.fixture
def second(administrator: User) -> User:
    return make_person("arthur", Role.ADMINISTRATOR)


@pytest.fixture
def set_up(administrator: User) -> None:
    """The set-up phase is over."""
    policymaking.end_set_up(reason=REASON, by=acting(administrator))


def change(by: User, reason: str = REASON, **rules: Any) -> policymaking.Changed:
    return policymaking.change(form(**rules), version=policies.current().version, reason=reason, by=acting(by))


# --- Changing it -----------------------------------------------------------------------------------------------------
def test_what_is_stricter_holds_at_once_with_before_and_after_in_the_trail(administrator: User, set_up: None) -> None:
    assert change(administrator, **{"approvals.trash": 1}).at_once == ["approvals.trash"]
    assert policies.current().rules["approvals.trash"] == 1
    event = newest_event("policy.changed")
    assert (event["before"], event["after"]) == ({"approvals.trash": 0}, {"approvals.trash": 1})
    assert event["reason"] == REASON


def test_what_is_looser_takes_a_second_administrator(administrator: User, second: User, set_up: None) -> None:
    done = change(administrator, **{"approvals.delete": 0, "approvals.copy": 1})
    assert (done.at_once, done.proposed) == (["approvals.copy"], ["approvals.delete"])
    assert policies.current().rules["approvals.delete"] == 1
    [proposal] = Proposal.objects.all()
    with pytest.raises(OwnProposal):
        confirming.settle(proposal.pk, Proposal.State.CONFIRMED, comment="", by=acting(administrator))
    confirming.settle(proposal.pk, Proposal.State.CONFIRMED, comment="", by=acting(second))
    rules = policies.current().rules
    assert (rules["approvals.delete"], rules["approvals.copy"]) == (0, 1)
    assert newest_event("policy.changed")["proposal"] == proposal.ref


def test_a_proposal_that_time_has_passed_over_is_not_carried_out(
    administrator: User, second: User, set_up: None
) -> None:
    change(administrator, open_days=8)
    change(second, open_days=5)
    with pytest.raises(WrongState, match="have changed since"):
        confirming.settle(Proposal.objects.get().pk, Proposal.State.CONFIRMED, comment="", by=acting(second))
    assert policies.current().rules["open_days"] == 5


def test_in_the_set_up_phase_one_administrator_is_enough_until_it_ends_for_good(administrator: User) -> None:
    assert policies.current().in_set_up
    assert change(administrator, **{"approvals.delete": 0}).proposed == []
    policymaking.end_set_up(reason=REASON, by=acting(administrator))
    assert newest_event("policy.set_up")["reason"] == REASON
    with pytest.raises(WrongState, match="over already"):
        policymaking.end_set_up(reason=REASON, by=acting(administrator))
    assert change(administrator, open_days=9, **{"approvals.delete": 0}).proposed == ["open_days"]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.APPROVER, Role.AUDITOR])
def test_no_other_role_changes_it(database: None, role: Role) -> None:
    person = make_person("otto", role)
    with pytest.raises(NotAllowed):
        change(person, **{"approvals.trash": 1})
    with pytest.raises(NotAllowed):
        policymaking.end_set_up(reason=REASON, by=acting(person))
    assert newest_event("permission.denied")["to"] == "end the set-up phase"
    assert not Policy.objects.exists()


def test_every_problem_of_a_form_is_told_at_once(administrator: User) -> None:
    wrong = {
        "approvals.delete": "4",
        "open_days": "",
        "spaces": "onlyone\nIA 2\nIA 2",
        "reason_pattern": "(a+)+",
    }
    with pytest.raises(Invalid) as refused:
        change(administrator, reason=" ", **wrong)
    pointers = [problem.pointer for problem in refused.value.problems]
    assert pointers == ["/approvals.delete", "/open_days", "/reason_pattern", "/spaces", "/spaces", "/reason"]
    assert not Policy.objects.exists()


def test_nobody_overwrites_what_somebody_else_has_changed_meanwhile(administrator: User, second: User) -> None:
    change(second, **{"approvals.trash": 1})
    with pytest.raises(WrongState, match="since you loaded"):
        policymaking.change(form(), version=0, reason=REASON, by=acting(administrator))
    with pytest.raises(WrongState, match="already"):
        change(administrator, **{"approvals.trash": 1})


def test_without_the_trail_nothing_changes(administrator: User) -> None:
    with without_the_trail(), pytest.raises(Exception, match="audit trail"):
        change(administrator, **{"approvals.trash": 1})
    assert not Policy.objects.exists()


# --- What it asks ----------------------------------------------------------------------------------------------------
def needed(by: User, given: Given) -> tuple[int, list[str]]:
    """What the check tells and what a submission then gets, which must be the same."""
    request = submissions.check(given, by=acting(by))
    [told] = policies.applies([request], by=acting(by))
    made = submissions.submit(given, by=acting(by))
    assert (made.approvals_needed, made.approval_rules or []) == (told.approvals, list(told.why))
    return made.approvals_needed, made.approval_rules or []


def test_the_strictest_rule_counts_and_each_is_named(operator: User, administrator: User) -> None:
    ruled(administrator, spaces=f"{OTHER_SPACE} 3", **{"above.delete": 2, "approvals_above.delete": 2})
    assert needed(operator, body("copy")) == (0, [])
    assert needed(operator, body("delete"))[0] == 1
    count, why = needed(operator, body("delete", files=3))
    assert (count, len(why)) == (2, 2)
    assert "more than 2 items (3 here)" in why[1]
    count, why = needed(operator, body("copy", dstContainerId=OTHER_SPACE))
    assert (count, len(why)) == (3, 1)


def test_a_batch_counts_as_a_whole(operator: User, administrator: User) -> None:
    ruled(administrator, **{"above.trash": 2, "approvals_above.trash": 2})
    rows = [body("trash", files=1) | {"reference": str(n)} for n in range(3)]
    for n, row in enumerate(rows):
        row["taskInfo"]["fileInfo"][0]["fileId"] = file_id(n)
    made = bulk.submit({"submissions": [*rows, body("copy")]}, by=acting(operator))
    assert list(made.members.order_by("row").values_list("approvals_needed", flat=True)) == [2, 2, 2, 0]
    table = "fileId,filePath\n" + "".join(f"{file_id(n)},/a/{n}\n" for n in range(3))
    shared = {"operation": "trash", "srcContainerId": SPACE, "dstContainerId": SPACE, "reason": REASON}
    [member] = bulk.submit_table(table, shared, by=acting(operator)).members.all()
    assert member.approvals_needed == 2


def test_splitting_does_not_get_round_the_daily_budget(operator: User, administrator: User) -> None:
    ruled(administrator, **{"budget.person.trash": 3})
    assert [needed(operator, body("trash", files=2))[0] for _ in range(3)] == [0, 1, 1]
    other = make_person("otto", Role.OPERATOR)
    assert needed(other, body("trash", files=3))[0] == 0
    assert needed(operator, body("copy", files=9))[0] == 0


def test_the_budget_of_a_service_is_its_own_and_counts_what_leaves(administrator: User, service: Api) -> None:
    ruled(administrator, **{"budget.service.leaving": 1})
    there = body("copy", dstContainerId=OTHER_SPACE)
    assert service.post("submissions/validate/", there).json()["approvalsNeeded"] == 0
    states = [service.post("submissions/", each).json()["status"] for each in (there, body("package"), body("copy"))]
    assert states == ["queued", "awaiting_approval", "queued"]
    assert service.post("submissions/validate/", there).json()["approvalsNeeded"] == 1


@pytest.mark.parametrize("is_bulk", [False, True])
def test_of_two_at_once_only_what_fits_slips_under_a_budget(operator: User, administrator: User, is_bulk: bool) -> None:
    ruled(administrator, **{"budget.person.trash": 4})

    def submit(_: int) -> int:
        try:
            if is_bulk:
                return bulk.submit({"submissions": [body("trash")]}, by=acting(operator)).members.get().approvals_needed
            return submissions.submit(body("trash"), by=acting(operator)).approvals_needed
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        found = sorted(pool.map(submit, range(8)))
    assert found == [0, 0, 0, 0, 1, 1, 1, 1]


def test_trying_again_is_under_todays_policy(operator: User, administrator: User) -> None:
    made = submissions.submit(body("copy"), by=acting(operator))
    cancelling.cancel(made, by=acting(operator))
    ruled(administrator, **{"approvals.copy": 2})
    made.refresh_from_db()
    again = submissions.retry(made, reason=REASON, password=None, by=acting(operator))
    assert (again.status, again.approvals_needed) == ("awaiting_approval", 2)


def test_a_warning_and_a_reason_can_be_refused(operator: User, administrator: User) -> None:
    ruled(administrator, refused_warnings=["file_path_missing"], reason_pattern=r"CHG-\d+ .*")
    given = body("trash", files=2) | {"reason": "because"}
    del given["taskInfo"]["fileInfo"][1]["filePath"]
    with pytest.raises(Invalid) as refused:
        submissions.check(given, by=acting(operator))
    found = [(problem.pointer, problem.code) for problem in refused.value.problems]
    assert found == [("/taskInfo/fileInfo/1/filePath", "file_path_missing"), ("/reason", "reason_form")]
    assert not Submission.objects.exists()
    assert needed(operator, body("trash"))[0] == 0


def test_the_catalogue_tells_the_policys_number(administrator: User, service: Api) -> None:
    ruled(administrator, **{"approvals.move": 2})
    told = {each["name"]: each["approvalsNeeded"] for each in service.get("operations/").json()["results"]}
    assert (told["move"], told["delete"], told["copy"]) == (2, 1, 0)


def test_a_stricter_policy_between_the_check_and_the_storing_is_told(
    operator: User, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy is read before another one is committed; the database notices."""
    lax = policies.current()
    ruled(administrator, **{"approvals.copy": 1})
    monkeypatch.setattr(policies, "current_for", lambda _: (lax, Known({}, others_allowed=True)))
    with pytest.raises(PolicyChanged):
        submissions.submit(body("copy"), by=acting(operator))
    with pytest.raises(PolicyChanged):
        bulk.submit({"submissions": [body("copy")]}, by=acting(operator))
    assert not Submission.objects.exists()


# --- The database ----------------------------------------------------------------------------------------------------
@pytest.fixture
def intruder(database: None) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Signed in as the application, past all of its code."""
    with psycopg.connect(address("default"), autocommit=True) as signed_in:
        yield signed_in


def test_the_database_takes_no_looser_policy_of_one_administrator(
    administrator: User, operator: User, set_up: None, intruder: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    insert = (
        "INSERT INTO jobs_app_policy (rules, in_set_up, reason, by_id) "
        "SELECT rules || '{}', {}, 'r', {} FROM jobs_app_policy ORDER BY id DESC LIMIT 1"
    )
    looser = [f'{{"{name}": {value}}}' for name, value in (("approvals.delete", 0), ("open_days", 8), ("new", 1))]
    refused = {insert.format(rules, False, administrator.pk): "takes two administrators" for rules in looser}
    refused |= {
        insert.format("{}", True, administrator.pk): "takes two administrators",
        insert.format("{}", False, operator.pk): "an administrator's",
        "UPDATE jobs_app_policy SET rules = '{}'": "permission denied",
        "DELETE FROM jobs_app_policy": "permission denied",
        "UPDATE jobs_app_submission SET approvals_needed = 0": "permission denied",
    }
    for statement, words in refused.items():
        with pytest.raises(psycopg.Error, match=re.escape(words)):
            intruder.execute(statement.encode())
    intruder.execute(insert.format('{"approvals.copy": 1}', False, administrator.pk).encode())
    assert policies.current().rules["approvals.copy"] == 1


def test_the_database_and_the_code_call_the_same_changes_looser(database: None) -> None:
    pairs = [
        *(("approvals.copy", a, b) for a, b in ((0, 1), (1, 0), (2, 2))),
        *(("above.copy", a, b) for a, b in ((None, 5), (5, None), (5, 6), (6, 5))),
        *(("budget.person.trash", a, b) for a, b in ((None, 0), (0, None), (1, 2))),
        *((name, a, b) for name in ("open_days", "send_hours") for a, b in ((3, 4), (4, 3))),
        *(("refused_warnings", a, b) for a, b in (([], ["file_path_missing"]), (["file_path_missing"], []))),
        *(("reason_pattern", a, b) for a, b in (("", "x"), ("x", ""), ("x", "y"), ("x", "x"))),
        *(("unknown_spaces_allowed", a, b) for a, b in ((True, False), (False, True))),
        *(("space.IA", a, b) for a, b in ((0, 2), (2, 1))),
    ]
    with connections["owner"].cursor() as cursor:
        for name, before, after in pairs:
            sides = [Jsonb({name: value}) for value in (before, after)]
            cursor.execute("SELECT audit.is_looser(%s, %s)", sides)
            assert cursor.fetchone() == (rulebook.is_looser(name, before, after),), (name, before, after)


def test_the_database_keeps_what_is_spent(
    operator: User, administrator: User, intruder: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    ruled(administrator, **{"budget.person.trash": 1})
    submissions.submit(body("trash", files=3), by=acting(operator))
    for statement in ("UPDATE jobs_app_spent SET items = 1", "DELETE FROM jobs_app_spent"):
        with pytest.raises(psycopg.Error, match=r"stays spent|permission denied"):
            intruder.execute(statement.encode())


# --- The page --------------------------------------------------------------------------------------------------------
def text(browser: Client) -> str:
    return str(browser.get("/policy/").content.decode())


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.APPROVER, Role.AUDITOR])
def test_everybody_reads_it_and_only_administrators_have_buttons(database: None, role: Role) -> None:
    browser = browser_of(make_person("otto", role))
    shown = text(browser)
    assert "set-up phase is open" in shown
    assert "<fieldset disabled>" in shown
    assert "End the set-up phase" not in shown
    assert browser.post("/policy/", form()).status_code == 403
    assert browser.post("/policy/end-set-up/", {"reason": REASON}).status_code == 403


def test_a_stranger_does_not_read_it(stranger: User) -> None:
    assert browser_of(stranger).get("/policy/").status_code == 403


def test_two_administrators_change_it_in_their_browsers(administrator: User, second: User, set_up: None) -> None:
    browser, other = browser_of(administrator), browser_of(second)
    version = policies.current().version
    given = form(**{"approvals.delete": 0, "approvals.trash": 1}) | {"version": version, "reason": REASON}
    answer = browser.post("/policy/", given, follow=True).content.decode()
    assert "1 rule holds from now on." in answer
    assert "waits for another administrator" in answer
    assert policies.current().rules["approvals.trash"] == 1
    assert "Confirm" in text(other)
    other.post(f"/proposals/{Proposal.objects.get().pk}/", {"decision": "confirmed", "next": "/policy/"})
    assert policies.current().rules["approvals.delete"] == 0
    assert "approvals.delete: " in text(other)


def test_a_form_with_mistakes_comes_back_with_all_of_them(administrator: User) -> None:
    given = form(**{"approvals.delete": "x", "spaces": "bad"}) | {"version": 0, "reason": ""}
    answer = browser_of(administrator).post("/policy/", given)
    assert answer.status_code == 400
    shown = answer.content.decode()
    assert "whole number from 0 to 3" in shown
    assert "Line 1: give the id" in shown
    assert "Say why you do this" in shown
    assert not Event.objects.filter(action="policy.changed", line__contains='"x"').exists()


def test_the_health_page_says_that_the_set_up_phase_is_open(administrator: User) -> None:
    browser = browser_of(administrator)
    assert "being set up" in browser.get("/health/").content.decode()
    browser.post("/policy/end-set-up/", {"reason": REASON})
    assert "being set up" not in browser.get("/health/").content.decode()
