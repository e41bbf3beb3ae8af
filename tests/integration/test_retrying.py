"""Trying again: what is not known to have succeeded, as a new submission under today's policy."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs_app import approvals, cancelling, dispatch, submissions
from jobs_app.actors import Role, Scope
from jobs_app.errors import AlreadySubmitted, Invalid, NotAllowed, OwnSubmission, WrongState
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Fault, Kind, Sandbox
from jobs_app.koodrive.sandbox.magic import file_id as magic
from jobs_app.models import RoleGrant, Submission, SubmissionFile, User
from tests.conftest import Api, make_person, token_of
from tests.doors import operator_actor as acting
from tests.doors import without_the_trail
from tests.examples import body, file_id
from tests.following import Send, actions, browser_of, events, naming, page, polled

REASON = "CHG-20400 second try"


def again(made: Submission, person: User, **changes: Any) -> Submission:
    given = {"reason": REASON, "password": None} | changes
    return submissions.retry(Submission.objects.get(pk=made.pk), by=acting(person), **given)


@pytest.fixture
def half_done(send: Send, sandbox: Sandbox, client: Client) -> Submission:
    """Two files failed, one succeeded."""
    labels = {magic("fails"): "bad.pdf", file_id(1): "good.pdf"}
    made = send(magic("fails"), file_id(1), magic("full"), labels=labels, reference="R-7")
    sandbox.clock.advance(60)
    return polled(made, client)


@pytest.fixture
def cancelled(operator: User) -> Submission:
    return cancelling.cancel(submissions.submit(body("copy"), by=acting(operator)), by=acting(operator))


def test_only_what_did_not_succeed_is_submitted_again(half_done: Submission, operator: User) -> None:
    assert half_done.status == "partially_failed"
    made = again(half_done, operator)
    assert [file.file_id for file in made.files.all()] == [magic("fails"), magic("full")]
    assert [file.label for file in made.files.all()] == ["bad.pdf", ""]
    assert (made.status, made.retry_of_id, made.reason, made.reference) == ("queued", half_done.pk, REASON, "R-7")
    first, second = half_done.document, made.document
    assert second["taskInfo"].pop("fileInfo") == [{"fileId": magic("fails")}, {"fileId": magic("full")}]
    del first["taskInfo"]["fileInfo"]
    assert second == first
    created = events(made)[0]
    assert (created["action"], created["retryOf"]) == ("submission.created", str(half_done.pk))


def test_what_was_never_sent_is_submitted_whole_and_without_its_window(operator: User) -> None:
    later = (timezone.now() + timedelta(days=1)).isoformat()
    given = body("trash", files=2, notBefore=later, notAfter=(timezone.now() + timedelta(days=2)).isoformat())
    first = cancelling.cancel(submissions.submit(given, by=acting(operator)), by=acting(operator))
    made = again(first, operator)
    assert (made.not_before, made.not_after, made.files_total) == (None, None, 2)
    assert made.request == first.request


def test_a_refused_one_may_be_tried_again(operator: User, sandbox: Sandbox, client: Client) -> None:
    made = submissions.submit(naming("copy", magic("elsewhere")), by=acting(operator))
    dispatch.send(made.pk, client=client)
    assert again(made, operator).status == "queued"


def test_a_deletion_needs_another_approval(operator: User, approver: User) -> None:
    first = submissions.submit(body("delete"), by=acting(operator))
    approvals.approve(first, by=acting(approver), request_sha256=first.request_sha256)
    cancelling.cancel(first, by=acting(operator))
    made = again(first, approver_who_operates(approver))
    assert made.status == "awaiting_approval"
    with pytest.raises(OwnSubmission):
        approvals.approve(made, by=acting(approver), request_sha256=made.request_sha256)


def approver_who_operates(approver: User) -> User:
    RoleGrant.objects.create(person=approver, role=Role.OPERATOR)
    return approver


def test_the_password_has_to_be_given_again(operator: User) -> None:
    given = submissions.submit(body("extract", password="open sesame"), by=acting(operator))
    first = cancelling.cancel(given, by=acting(operator))
    with pytest.raises(Invalid) as refused:
        again(first, operator)
    assert [(problem.pointer, problem.code) for problem in refused.value.problems] == [
        ("/password", "password_required")
    ]
    made = again(first, operator, password="another")
    assert made.document["password"] == "********"
    assert made.archive_password
    assert "another" not in str(events(made))


def test_an_archive_that_turned_out_to_have_a_password_can_be_tried_with_it(
    send: Send, operator: User, sandbox: Sandbox, client: Client
) -> None:
    first = send(magic("locked"), operation="extract")
    sandbox.clock.advance(60)
    assert polled(first, client).status == "failed"
    second = again(first, operator, password="sandbox")
    dispatch.send(second.pk, client=client)
    sandbox.clock.advance(60)
    assert polled(second, client).status == "succeeded"


def test_a_reason_is_needed(cancelled: Submission, operator: User) -> None:
    with pytest.raises(Invalid):
        again(cancelled, operator, reason=" ")
    assert Submission.objects.count() == 1


@pytest.mark.parametrize("status", ["queued", "unknown", "succeeded", "rejected"])
def test_from_these_states_there_is_no_second_try(
    status: str, send: Send, operator: User, approver: User, sandbox: Sandbox, client: Client
) -> None:
    made = brought_to(status, send, operator, approver, sandbox, client)
    with pytest.raises(WrongState):
        again(made, operator)
    assert Api(person=operator).post(f"submissions/{made.pk}/retry/", {"reason": REASON}).status_code == 409
    assert "permission.denied" not in actions(made)


def brought_to(status: str, send: Send, operator: User, approver: User, sandbox: Sandbox, client: Client) -> Submission:
    made = submissions.submit(body("delete" if status == "rejected" else "copy"), by=acting(operator))
    if status == "rejected":
        return approvals.reject(made, by=acting(approver), request_sha256=made.request_sha256, comment="no")
    if status == "unknown":
        sandbox.faults.add(Fault(Kind.RESET))
    if status != "queued":
        dispatch.send(made.pk, client=client)
        sandbox.clock.advance(60)
        polled(made, client)
    return Submission.objects.get(pk=made.pk, status=status)


def test_with_every_file_done_there_is_nothing_to_try_again(half_done: Submission, operator: User) -> None:
    SubmissionFile.objects.filter(submission=half_done).update(status="succeeded")
    with pytest.raises(WrongState, match="Every file"):
        again(half_done, operator)


def test_the_same_click_twice_makes_one(cancelled: Submission, operator: User) -> None:
    id_ = uuid.uuid4()
    first, second = (again(cancelled, operator, as_id=id_) for _ in range(2))
    assert first.pk == second.pk == id_
    assert Submission.objects.count() == 2
    with pytest.raises(AlreadySubmitted):
        submissions.submit(body("copy"), by=acting(operator), as_id=id_)


def test_without_the_trail_nothing_is_submitted(cancelled: Submission, operator: User) -> None:
    with without_the_trail():
        answer = Api(person=operator).post(f"submissions/{cancelled.pk}/retry/", {"reason": REASON})
    assert answer.status_code == 503
    assert Submission.objects.count() == 1


def test_another_operator_may_and_others_may_not(cancelled: Submission) -> None:
    for role in set(Role) - {Role.OPERATOR}:
        with pytest.raises(NotAllowed):
            again(cancelled, make_person(f"p-{role}", role))
    assert actions(cancelled)[-1] == "permission.denied"
    other = make_person("oscar", Role.OPERATOR)
    assert again(cancelled, other).person_id == other.pk


def test_a_service_tries_its_own_again(service: Api, stranger: User) -> None:
    first = service.post("submissions/", body("copy")).json()["id"]
    path = f"submissions/{first}/retry/"
    assert service.post(path, {"reason": REASON}).status_code == 409
    service.post(f"submissions/{first}/cancel/", {})
    assert Api(token=token_of("other", Scope.READ, Scope.WRITE)).post(path, {"reason": REASON}).status_code == 404
    assert Api(token=token_of("all", Scope.READ_ALL, Scope.WRITE)).post(path, {"reason": REASON}).status_code == 403
    assert Api(person=stranger).post(path, {"reason": REASON}).status_code == 404
    wrong = service.post(path, {"reason": 7, "force": True})
    assert wrong.status_code == 400
    assert {problem["pointer"] for problem in wrong.json()["errors"]} == {"/reason", "/force"}
    answer = service.post(path, {"reason": REASON})
    assert answer.status_code == 201
    made = answer.json()
    assert answer["Location"].endswith(f"/api/v1/submissions/{made['id']}/")
    assert (made["retryOf"], made["createdBy"]["name"]) == (first, "payroll")
    found = service.get("submissions/", retryOf=first).json()["results"]
    assert [row["id"] for row in found] == [made["id"]]
    assert service.get("submissions/", retryOf="first").status_code == 400


def test_the_page_offers_it_with_a_password_where_one_is_needed(operator: User, auditor: User) -> None:
    given = submissions.submit(body("extract", password="open sesame"), by=acting(operator))
    first = cancelling.cancel(given, by=acting(operator))
    browser, address = browser_of(operator), f"/submissions/{first.pk}/retry/"
    shown = page(browser, first)
    assert f'action="{address}"' in shown
    assert 'name="password"' in shown
    assert f'action="{address}"' not in page(browser_of(auditor), first)
    assert browser_of(auditor).post(address, {"reason": REASON}).status_code == 403
    without: Any = browser.post(address, {"reason": REASON}, follow=True)
    assert "Give the archive&#x27;s password again" in without.content.decode()
    form = {"reason": REASON, "password": "open sesame", "id": str(uuid.uuid4())}
    made = [browser.post(address, form).url for _ in range(2)]
    assert made == [f"/submissions/{form['id']}/"] * 2
    assert str(first.pk) in page(browser, Submission.objects.get(pk=form["id"]))
    assert form["id"] in page(browser, first)


def test_the_page_says_why_not(send: Send, operator: User, sandbox: Sandbox, client: Client) -> None:
    made = send(file_id(1))
    sandbox.clock.advance(60)
    polled(made, client)
    assert "Only what ended without full success" in page(browser_of(operator), made)


def test_the_page_tells_who_does_the_same_meanwhile(cancelled: Submission, operator: User, auditor: User) -> None:
    said, theirs = "This does the same to some of the same files:", browser_of(operator)
    assert said not in page(theirs, cancelled)
    other = submissions.submit(body("copy"), by=acting(make_person("oscar", Role.OPERATOR)))
    assert said in page(theirs, cancelled)
    assert f"/submissions/{other.pk}/" in page(theirs, cancelled)
    assert said not in page(browser_of(auditor), cancelled), "they can't try it again"
