"""Nobody deletes alone: the verb refuses it, and so does the database."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs_app import approvals, cancelling, permissions, submissions
from jobs_app.actors import Actor, Role
from jobs_app.audit import read
from jobs_app.errors import Invalid, NotAllowed, OwnSubmission, RequestDiffers, WrongState
from jobs_app.models import Approval, Submission, User
from tests.conftest import give_role, make_person
from tests.doors import operator_actor as acting
from tests.examples import body


@pytest.fixture
def waiting(operator: User) -> Submission:
    return submissions.submit(body("delete"), by=acting(operator))


def test_an_approval_by_another_person_queues_it(waiting: Submission, approver: User) -> None:
    done = approvals.approve(waiting, by=acting(approver), request_sha256=waiting.request_sha256, comment="agreed")
    assert done.status == "queued"
    assert done.due_at is not None
    event = read.of_submission(waiting.pk)[-1].parsed["event"]
    assert (event["action"], event["comment"]) == ("submission.approved", "agreed")
    assert event["requestSha256"] == waiting.request_sha256


def test_a_rejection_ends_it(waiting: Submission, approver: User) -> None:
    done = approvals.reject(waiting, by=acting(approver), request_sha256=waiting.request_sha256, comment="legal hold")
    assert (done.status, done.is_final) == ("rejected", True)
    with pytest.raises(WrongState):
        approvals.approve(done, by=acting(approver), request_sha256=waiting.request_sha256)


def test_whoever_had_part_in_an_earlier_try_decides_about_none(
    operator: User, approver: User, waiting: Submission
) -> None:
    """However long the line of tries is, and with as many statements for many rows as for one."""
    give_role(operator, Role.APPROVER)
    tries = [waiting]
    for number in range(3):
        person = make_person(f"another-{number}", Role.OPERATOR)
        tries.append(_again(tries[-1], by=acting(person)))
    by = acting(operator)
    with CaptureQueriesContext(connection) as asked:
        said = permissions.decide_each(by, tries)
    assert [type(each) for each in said] == [OwnSubmission] * len(tries)
    assert len(asked) == 1
    assert permissions.decide_each(acting(approver), tries) == [None] * len(tries)
    assert isinstance(permissions.decide(acting(operator), tries[-1]), OwnSubmission)
    said = permissions.decide_each(acting(make_person("a-stranger")), tries)
    assert [type(each) for each in said] == [NotAllowed] * len(tries)


def _again(submission: Submission, *, by: Actor) -> Submission:
    """Another person's next try of the same."""
    return submissions.retry(cancelling.cancel(submission, by=by), reason="once more, as agreed", password=None, by=by)


def test_a_rejection_needs_a_comment(waiting: Submission, approver: User) -> None:
    with pytest.raises(Invalid):
        approvals.reject(waiting, by=acting(approver), request_sha256=waiting.request_sha256, comment=" ")
    assert not Approval.objects.exists()


def test_nobody_decides_about_their_own(operator: User, waiting: Submission) -> None:
    give_role(operator, Role.APPROVER)
    for verb in (approvals.approve, approvals.reject):
        with pytest.raises(OwnSubmission):
            verb(waiting, by=acting(operator), request_sha256=waiting.request_sha256, comment="mine")
    waiting.refresh_from_db()
    assert waiting.status == "awaiting_approval"


@pytest.mark.parametrize("person", ["auditor", "administrator", "stranger"])
def test_only_an_approver_decides(waiting: Submission, person: str, request: pytest.FixtureRequest) -> None:
    user = request.getfixturevalue(person)
    with pytest.raises(NotAllowed):
        approvals.approve(waiting, by=acting(user), request_sha256=waiting.request_sha256)
    assert read.of_submission(waiting.pk)[-1].parsed["event"]["action"] == "permission.denied"


def test_a_decision_about_another_request_is_refused(waiting: Submission, approver: User) -> None:
    with pytest.raises(RequestDiffers):
        approvals.approve(waiting, by=acting(approver), request_sha256="0" * 64)
    assert not Approval.objects.exists()


def test_a_request_that_is_no_longer_open_cannot_be_approved(waiting: Submission, approver: User) -> None:
    Submission.objects.filter(pk=waiting.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(WrongState):
        approvals.approve(waiting, by=acting(approver), request_sha256=waiting.request_sha256)


def test_the_database_refuses_the_requesters_own_approval(waiting: Submission, operator: User) -> None:
    with pytest.raises(IntegrityError, match="their own"):
        Approval.objects.create(
            submission=waiting, by=operator, decision="approved", request_sha256=waiting.request_sha256
        )


def test_the_database_refuses_an_approval_of_another_request(waiting: Submission, approver: User) -> None:
    with pytest.raises(IntegrityError, match="another request"):
        Approval.objects.create(submission=waiting, by=approver, decision="approved", request_sha256="0" * 64)


@pytest.mark.parametrize("status", ["queued", "sending"])
def test_the_database_refuses_to_send_what_nobody_approved(waiting: Submission, status: str) -> None:
    with pytest.raises(IntegrityError, match="lacks approvals"), connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_app_submission SET status = %s WHERE id = %s", [status, waiting.pk])


def test_even_the_owner_cannot_insert_a_self_approval(waiting: Submission, operator: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs_app_approval (submission_id, by_id, decision, comment, request_sha256) "
            "VALUES (%s, %s, 'approved', '', %s)",
            [waiting.pk, operator.pk, waiting.request_sha256],
        )


def test_two_approvers_at_once_make_one_change(waiting: Submission, approver: User) -> None:
    other = make_person("berta", Role.APPROVER)
    approvals.approve(waiting, by=acting(approver), request_sha256=waiting.request_sha256)
    with pytest.raises(WrongState):
        approvals.approve(waiting, by=acting(other), request_sha256=waiting.request_sha256)
    assert Approval.objects.count() == 1
