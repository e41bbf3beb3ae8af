"""A person settles what nobody knows: through the verb, the REST API and the pages."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from jobs_app import dispatch, resolving, settling, submissions, sweeping, tracking
from jobs_app.actors import SUBMISSION_SCOPES, Scope
from jobs_app.audit import read
from jobs_app.errors import Invalid, NotAllowed, PeopleOnly, TaskTaken, WrongState
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Submission, User
from tests.conftest import Api, token_of
from tests.doors import operator_actor as acting
from tests.doors import without_the_trail
from tests.examples import body
from tests.integration.test_dispatch import actions, last_event
from tests.integration.test_settling import DROPPED, LOST, document, elsewhere, settled, task_of, unknown

REASON = "seen in KooDrive's console"


@pytest.fixture
def row(operator: User, sandbox: Sandbox) -> Submission:
    return unknown(sandbox, operator, document(1))


def fresh(row: Submission) -> Submission:
    return Submission.objects.get(pk=row.pk)


def browser(user: User) -> Browser:
    signed_in = Browser()
    signed_in.force_login(user)
    return signed_in


class TestTheVerb:
    def test_a_bound_task_is_followed_to_its_end(
        self, row: Submission, operator: User, sandbox: Sandbox, client: Client
    ) -> None:
        done = resolving.bind(row, task_id=task_of(sandbox), reason=f" {REASON} ", by=acting(operator))
        assert (done.status, done.task_id, done.outcome_basis) == ("accepted", task_of(sandbox), "person")
        event = last_event(row)
        assert (event["action"], event["actor"]["id"]) == ("doubt.bound", f"person:{operator.pk}")
        assert (event["reason"], event["task"]) == (REASON, done.task_id)
        assert "evidence" not in event
        sandbox.clock.advance(60)
        tracking.poll(client=client)
        assert fresh(row).status == "succeeded"

    def test_the_evidence_of_the_task_goes_into_the_trail(
        self, row: Submission, operator: User, sandbox: Sandbox, client: Client
    ) -> None:
        other = elsewhere(sandbox, document(1))
        seen = settled(row, client)
        done = resolving.bind(seen, task_id=other, reason=REASON, by=acting(operator))
        assert last_event(row)["evidence"]["taskId"] == done.task_id == other
        assert done.task_user

    def test_closing_ends_it_with_its_reason(
        self, operator: User, sandbox: Sandbox, client: Client, row: Submission
    ) -> None:
        seen = settled(unknown(sandbox, operator, document(2), DROPPED), client, after=1201)
        done = resolving.close(seen, reason=REASON, by=acting(operator))
        assert (done.status, done.is_final, done.task_id, done.outcome_basis) == ("closed", True, None, "person")
        event = last_event(done)
        assert (event["action"], event["reason"]) == ("doubt.closed", REASON)
        assert event["evidence"] == {
            "checkedAt": seen.evidence["checkedAt"],
            "complete": True,
            "verdict": seen.evidence["verdict"],
            "tasks": [],
        }

    @pytest.mark.parametrize("person", ["approver", "auditor", "administrator", "stranger"])
    def test_only_an_operator_settles(self, row: Submission, person: str, request: pytest.FixtureRequest) -> None:
        by = acting(request.getfixturevalue(person))
        for attempt in (
            lambda: resolving.bind(row, task_id="1", reason=REASON, by=by),
            lambda: resolving.close(row, reason=REASON, by=by),
            lambda: resolving.look_again(row, by=by),
        ):
            with pytest.raises(NotAllowed):
                attempt()
            assert last_event(row)["action"] == "permission.denied"
        assert fresh(row).status == "unknown"

    def test_a_task_of_another_submission_is_taken(self, row: Submission, operator: User, client: Client) -> None:
        other = submissions.submit(body("move"), by=acting(operator))
        dispatch.send(other.pk, client=client)
        with pytest.raises(TaskTaken):
            resolving.bind(row, task_id=fresh(other).task_id or "", reason=REASON, by=acting(operator))
        assert (fresh(row).status, actions(row)[-1]) == ("unknown", "send.unknown")

    @pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 1001])
    def test_a_reason_is_required(self, row: Submission, operator: User, reason: str) -> None:
        for attempt in (
            lambda: resolving.bind(row, task_id="1", reason=reason, by=acting(operator)),
            lambda: resolving.close(row, reason=reason, by=acting(operator)),
        ):
            with pytest.raises(Invalid) as refused:
                attempt()
            assert [problem.pointer for problem in refused.value.problems] == ["/reason"]

    @pytest.mark.parametrize("task_id", ["", "12x", "1" * 20, "١٢", "-1"])
    def test_a_task_id_is_digits(self, row: Submission, operator: User, task_id: str) -> None:
        with pytest.raises(Invalid) as refused:
            resolving.bind(row, task_id=task_id, reason="", by=acting(operator))
        assert [problem.pointer for problem in refused.value.problems] == ["/reason", "/taskId"]

    def test_only_the_first_decision_counts(self, row: Submission, operator: User) -> None:
        stale = fresh(row)
        resolving.close(row, reason=REASON, by=acting(operator))
        with pytest.raises(WrongState):
            resolving.bind(stale, task_id="1", reason=REASON, by=acting(operator))
        assert fresh(row).status == "closed"

    def test_without_the_trail_nothing_is_decided(self, row: Submission, operator: User) -> None:
        with without_the_trail(), pytest.raises(Exception, match="nothing was stored"):
            resolving.close(row, reason=REASON, by=acting(operator))
        assert fresh(row).status == "unknown"

    @pytest.mark.parametrize("decision", ["bind", "close"])
    def test_what_waited_for_it_is_sent_then(
        self, row: Submission, operator: User, sandbox: Sandbox, client: Client, decision: str
    ) -> None:
        twin = submissions.submit(document(1), by=acting(operator))
        if decision == "bind":
            resolving.bind(row, task_id=task_of(sandbox), reason=REASON, by=acting(operator))
        else:
            resolving.close(row, reason=REASON, by=acting(operator))
        assert sweeping.sweep(client=client) == 1
        dispatch.send(client=client)
        assert fresh(twin).status == "accepted"

    def test_looking_again_finds_what_is_there_by_now(
        self, operator: User, sandbox: Sandbox, client: Client, row: Submission
    ) -> None:
        lost = settled(unknown(sandbox, operator, document(2), DROPPED), client, after=1201)
        assert lost.due_at is None
        late = elsewhere(sandbox, document(2))
        Submission.objects.filter(pk=lost.pk).update(sent_at=timezone.now() - timedelta(seconds=2))
        resolving.look_again(lost, by=acting(operator))
        settling.settle(client=client)
        assert fresh(lost).task_id == late


class TestTheApi:
    def test_an_operator_binds(self, row: Submission, operator: User, sandbox: Sandbox) -> None:
        decision = {"decision": "bind", "taskId": task_of(sandbox), "reason": REASON}
        answer = Api(person=operator).post(f"submissions/{row.pk}/resolve/", decision)
        assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
        assert (answer.json()["taskId"], answer.json()["outcomeBasis"]) == (task_of(sandbox), "person")
        again = Api(person=operator).post(f"submissions/{row.pk}/resolve/", decision)
        assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "wrong_state")

    @pytest.mark.parametrize("extra", [{}, {"taskId": None}])
    def test_an_operator_closes(self, row: Submission, operator: User, extra: dict[str, Any]) -> None:
        decision = {"decision": "close", "reason": REASON, **extra}
        answer = Api(person=operator).post(f"submissions/{row.pk}/resolve/", decision)
        assert (answer.status_code, answer.json()["status"], answer.json()["final"]) == (200, "closed", True)

    @pytest.mark.parametrize(
        ("decision", "pointers"),
        [
            ({}, ["/decision", "/reason"]),
            ({"decision": "bind", "reason": REASON}, ["/taskId"]),
            ({"decision": "bind", "taskId": 12, "reason": REASON}, ["/taskId"]),
            ({"decision": "bind", "taskId": "12x", "reason": REASON}, ["/taskId"]),
            ({"decision": "bind", "taskId": "12"}, ["/reason"]),
            ({"decision": "bind", "taskId": "12", "reason": " "}, ["/reason"]),
            ({"decision": "close", "taskId": "12", "reason": REASON}, ["/taskId"]),
            ({"decision": "resend", "reason": REASON}, ["/decision"]),
            ({"decision": "close", "reason": REASON, "force": True}, ["/force"]),
            ([], [""]),
        ],
    )
    def test_what_is_wrong_is_said(self, row: Submission, operator: User, decision: Any, pointers: list[str]) -> None:
        answer = Api(person=operator).post(f"submissions/{row.pk}/resolve/", decision)
        found = {error["pointer"] for error in answer.json()["errors"]}
        assert answer.status_code == 400
        assert set(pointers) <= found
        assert fresh(row).status == "unknown"

    def test_a_taken_task_is_a_conflict(self, row: Submission, operator: User, client: Client) -> None:
        other = submissions.submit(body("move"), by=acting(operator))
        dispatch.send(other.pk, client=client)
        decision = {"decision": "bind", "taskId": fresh(other).task_id, "reason": REASON}
        answer = Api(person=operator).post(f"submissions/{row.pk}/resolve/", decision)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "task_taken")

    def test_others_may_not(self, row: Submission, approver: User, stranger: User) -> None:
        decision = {"decision": "close", "reason": REASON}
        path = f"submissions/{row.pk}/resolve/"
        assert Api(person=approver).post(path, decision).status_code == 403
        assert Api(person=stranger).post(path, decision).status_code == 404
        token = Api(token=token_of("payroll", *SUBMISSION_SCOPES)).post(path, decision)
        assert (token.status_code, token.json()["type"].rpartition(":")[2]) == (403, "people_only")
        assert Api(token=token_of("other", Scope.WRITE, Scope.READ)).post(path, decision).status_code == 404
        assert Api(person=approver).post(f"submissions/{uuid.uuid4()}/resolve/", decision).status_code == 404
        assert fresh(row).status == "unknown"

    def test_a_service_may_not_settle_its_own(self, service: Api, sandbox: Sandbox, client: Client) -> None:
        id_ = service.post("submissions/", body("copy")).json()["id"]
        sandbox.faults.add(LOST)
        dispatch.send(uuid.UUID(id_), client=client)
        answer = service.post(f"submissions/{id_}/resolve/", {"decision": "close", "reason": REASON})
        assert answer.status_code == 403
        assert PeopleOnly().detail == answer.json()["detail"]

    def test_whoever_sees_the_submission_sees_the_evidence(
        self, row: Submission, auditor: User, stranger: User, sandbox: Sandbox, client: Client
    ) -> None:
        path = f"submissions/{row.pk}/evidence/"
        empty = {"checkedAt": None, "complete": False, "verdict": None, "candidates": []}
        assert Api(person=auditor).get(path).json() == empty
        elsewhere(sandbox, document(1))
        settled(row, client)
        found = Api(token=token_of("monitor", Scope.READ_ALL)).get(path).json()
        assert (set(found), found["complete"], len(found["candidates"])) == (set(empty), True, 2)
        assert found["checkedAt"].endswith("Z")
        assert Api(person=stranger).get(path).status_code == 404


class TestThePages:
    def test_the_evidence_stands_side_by_side(
        self, row: Submission, operator: User, sandbox: Sandbox, client: Client
    ) -> None:
        other = elsewhere(sandbox, document(1))
        settled(row, client, after=1)
        for path in ("/unknowns/", f"/submissions/{row.pk}/"):
            page = browser(operator).get(path).content.decode()
            assert all(text in page for text in (task_of(sandbox), other, "2 tasks fit equally well", "✓ fits:"))
            assert f"/unknowns/{row.pk}/resolve/" in page

    def test_an_operator_binds_and_closes(self, row: Submission, operator: User, sandbox: Sandbox) -> None:
        second = unknown(sandbox, operator, document(2))
        bind = {"decision": "bind", "taskId": task_of(sandbox, 0), "reason": REASON}
        answer = browser(operator).post(f"/unknowns/{row.pk}/resolve/", bind, follow=True)
        assert "The task is bound" in answer.content.decode()
        browser(operator).post(f"/unknowns/{second.pk}/resolve/", {"decision": "close", "reason": REASON})
        assert (fresh(row).status, fresh(second).status) == ("accepted", "closed")

    @pytest.mark.parametrize(
        ("decision", "said"),
        [
            ({"decision": "close", "reason": ""}, "Put something here"),
            ({"decision": "bind", "taskId": "x", "reason": REASON}, "1 to 19 digits"),
        ],
    )
    def test_a_mistake_is_told_and_changes_nothing(
        self, row: Submission, operator: User, decision: dict[str, str], said: str
    ) -> None:
        answer = browser(operator).post(f"/unknowns/{row.pk}/resolve/", decision, follow=True)
        assert said in answer.content.decode()
        assert fresh(row).status == "unknown"

    def test_what_was_settled_meanwhile_is_told(self, row: Submission, operator: User) -> None:
        resolving.close(row, reason=REASON, by=acting(operator))
        for action, values in (("resolve", {"decision": "close", "reason": REASON}), ("look-again", {})):
            answer = browser(operator).post(f"/unknowns/{row.pk}/{action}/", values, follow=True)
            assert "no longer in a state that allows this" in answer.content.decode()

    def test_who_may_not_settle_sees_why(self, row: Submission, approver: User, stranger: User) -> None:
        page = browser(approver).get("/unknowns/").content.decode()
        assert "An operator settles this." in page
        assert f"/unknowns/{row.pk}/resolve/" not in page
        for action in ("resolve", "look-again"):
            address = f"/unknowns/{row.pk}/{action}/"
            assert browser(approver).post(address, {"decision": "close", "reason": REASON}).status_code == 403
            assert browser(stranger).post(address, {"decision": "close", "reason": REASON}).status_code == 404
        assert str(row.pk) not in browser(stranger).get("/unknowns/").content.decode()
        assert fresh(row).status == "unknown"

    def test_looking_again_is_a_button(self, row: Submission, operator: User, client: Client) -> None:
        browser(operator).post(f"/unknowns/{row.pk}/look-again/")
        settling.settle(client=client)
        assert fresh(row).status == "accepted"

    def test_operators_see_in_the_navigation_how_many_need_them(
        self, row: Submission, operator: User, approver: User
    ) -> None:
        Submission.objects.filter(pk=row.pk).update(due_at=None)
        badge = '<span class="count">1<span class="visually-hidden"> need a person</span></span>'
        assert badge in browser(operator).get("/").content.decode()
        assert badge not in browser(approver).get("/").content.decode()
        Submission.objects.filter(pk=row.pk).update(due_at=timezone.now())
        assert badge not in browser(operator).get("/").content.decode()

    def test_an_empty_page_teaches(self, operator: User) -> None:
        page = browser(operator).get("/unknowns/").content.decode()
        assert "Nothing is in doubt." in page
        assert "In the 20 minutes after the call the portal looks 5 times" in page


def test_a_decision_stands_in_the_timeline(row: Submission, operator: User) -> None:
    resolving.close(row, reason=REASON, by=acting(operator))
    assert f'reason: <span class="text-break">{REASON.replace(chr(39), "&#x27;")}' in (
        browser(operator).get(f"/submissions/{row.pk}/").content.decode()
    )
    assert read.of_submission(row.pk)[-1].parsed["event"]["after"] == {"status": "closed"}
