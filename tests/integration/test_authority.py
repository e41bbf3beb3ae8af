"""What was approved is checked again before it is sent: whatever differs by then goes back to the approvers."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connections, transaction
from django.utils import timezone

from jobs_app import approvals, authority, cancelling, dispatch, encryption, submissions, sweeping
from jobs_app.actors import Role
from jobs_app.errors import NotAllowed, OwnSubmission, WrongState
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Approval, ArchivePassword, RoleGrant, Submission, User
from tests.conftest import Api, give_role, make_person
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.following import actions, browser_of, events, page
from tests.policies import ruled
from tests.processes import Processes, address, eventually
from tests.services import make_service, make_token

Change = Callable[[Submission, User], None]


def approved(operator: User, approver: User, given: dict[str, Any] | None = None) -> Submission:
    made = submissions.submit(given or body("delete"), by=acting(operator))
    return approvals.approve(made, by=acting(approver), request_sha256=made.request_sha256)


def sent(row: Submission, client: Client) -> Submission:
    dispatch.send(row.pk, client=client)
    return Submission.objects.get(pk=row.pk)


def as_owner(statement: str, *parameters: object) -> None:
    """Past the rights of the application, and past the guards of approvals where they would refuse."""
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute(statement, parameters)


def loses_the_role(row: Submission, approver: User) -> None:
    RoleGrant.objects.filter(person=approver).delete()


def leaves(row: Submission, approver: User) -> None:
    User.objects.filter(pk=approver.pk).update(is_active=False)


def is_late(row: Submission, approver: User) -> None:
    Submission.objects.filter(pk=row.pk).update(send_by=timezone.now() - timedelta(seconds=1))


def is_changed(row: Submission, approver: User) -> None:
    """The owner of the tables puts another request, with its hash, in the place of what was approved."""
    other = submissions.submit(body("delete", files=2), by=acting(User.objects.get(username="olga")))
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_app_submission DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE jobs_app_submission SET request = %s, request_sha256 = %s WHERE id = %s",
            [other.request, other.request_sha256, row.pk],
        )
        cursor.execute("ALTER TABLE jobs_app_submission ENABLE TRIGGER USER")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (loses_the_role, "is no approver any more"),
        (leaves, "is no approver any more"),
        (is_late, "It wasn't sent by"),
        (is_changed, "The request is not the one that was approved"),
    ],
    ids=["role lost", "left", "window over", "request changed"],
)
def test_what_no_longer_holds_goes_back_and_is_not_sent(
    operator: User, approver: User, sandbox: Sandbox, client: Client, change: Change, why: str
) -> None:
    row = approved(operator, approver)
    change(row, approver)
    back = sent(row, client)
    assert (back.status, back.attempts, back.send_by) == ("awaiting_approval", 0, None)
    assert why in back.detail
    assert not sandbox.received.of("create")
    event = events(row)[-1]
    assert (event["action"], event["superseded"]) == ("submission.returned", [f"person:{approver.pk}"])
    assert why in event["why"][0]
    assert back.due_at == back.approval_expires_at
    assert back.due_at is not None
    assert back.due_at > timezone.now() + timedelta(days=6)
    [given] = Approval.objects.all()
    assert given.superseded_at is not None


def test_after_new_approvals_it_is_sent(operator: User, approver: User, sandbox: Sandbox, client: Client) -> None:
    row = approved(operator, approver)
    is_late(row, approver)
    back = sent(row, client)
    document = Api(person=operator).get(f"submissions/{row.pk}/").json()
    assert document["approval"]["given"] == []
    assert "counts no more since" in page(browser_of(operator), back)
    assert "It was approved and came back" in page(browser_of(operator), back)
    again = approvals.approve(back, by=acting(approver), request_sha256=back.request_sha256)
    assert (again.status, again.detail) == ("queued", "")
    assert sent(again, client).status == "accepted"
    assert actions(row)[-4:] == ["submission.returned", "submission.approved", "send.intended", "send.accepted"]


@pytest.mark.parametrize(
    "setting", [("KOODRIVE_BASE_URL", "https://other.example"), ("KOODRIVE_USER_ID", "4711"), ("KOODRIVE_AUTH", "app")]
)
def test_an_approval_is_for_one_address_and_user(
    operator: User, approver: User, client: Client, settings: Any, setting: tuple[str, str]
) -> None:
    row = approved(operator, approver)
    setattr(settings, *setting)
    assert "It was approved for" in sent(row, client).detail


def test_an_approval_is_for_one_password(operator: User, approver: User, administrator: User, client: Client) -> None:
    ruled(administrator, **{"approvals.extract": 1})
    row = approved(operator, approver, body("extract", password="canary-1"))
    [given] = Approval.objects.all()
    assert len(given.password_mark) == 64
    other = encryption.encrypt("canary-2")
    as_owner("UPDATE jobs_app_archivepassword SET ciphertext = %s WHERE submission_id = %s", other, row.pk)
    back = sent(row, client)
    assert "password is not the one" in back.detail
    as_owner(
        "UPDATE jobs_app_archivepassword SET ciphertext = %s WHERE submission_id = %s",
        *(encryption.encrypt("canary-1"), row.pk),
    )
    again = approvals.approve(back, by=acting(approver), request_sha256=back.request_sha256)
    assert ArchivePassword.objects.filter(submission=row).exists()
    assert sent(again, client).status == "accepted"


@pytest.mark.parametrize("why", ["token", "owner"])
def test_a_service_that_may_not_submit_any_more_sends_nothing(approver: User, client: Client, why: str) -> None:
    owner = make_person("owen", Role.OPERATOR)
    token, secret = make_token(make_service(owner=owner))
    made = Api(token=secret).post("submissions/", body("delete")).json()
    row = Submission.objects.get(pk=made["id"])
    row = approvals.approve(row, by=acting(approver), request_sha256=row.request_sha256)
    if why == "token":
        type(token).objects.filter(pk=token.pk).update(revoked_at=timezone.now())
    else:
        User.objects.filter(pk=owner.pk).update(is_active=False)
    assert ("revoked" if why == "token" else "has left") in sent(row, client).detail


def test_what_waits_too_long_for_something_else_is_given_back_by_the_sweep(
    operator: User, approver: User, administrator: User, client: Client
) -> None:
    ruled(administrator, send_hours=2)
    row = approved(operator, approver, body("delete", notBefore=f"{timezone.now() + timedelta(hours=1):%FT%TZ}"))
    assert row.send_by is not None
    assert timedelta(hours=2.9) < row.send_by - timezone.now() < timedelta(hours=3.1)
    sweeping.sweep(client=client)
    assert Submission.objects.get(pk=row.pk).status == "queued"
    is_late(row, approver)
    sweeping.sweep(client=client)
    assert Submission.objects.get(pk=row.pk).status == "awaiting_approval"


def test_two_workers_give_it_back_once(operator: User, approver: User) -> None:
    row = approved(operator, approver)
    loses_the_role(row, approver)
    for _ in range(2):
        authority.give_back(row)
    assert actions(row).count("submission.returned") == 1


def test_a_worker_that_comes_late_leaves_a_new_approval_alone(operator: User, approver: User) -> None:
    row = approved(operator, approver)
    loses_the_role(row, approver)
    with pytest.raises(authority.LapsedError):
        authority.check(row)  # which a second worker does at the same time, and then stands still
    authority.give_back(row)
    waiting = Submission.objects.get(pk=row.pk)
    other = make_person("berta", Role.APPROVER)
    approvals.approve(waiting, by=acting(other), request_sha256=row.request_sha256)
    authority.give_back(row)
    assert Submission.objects.get(pk=row.pk).status == "queued"
    assert Approval.objects.get(submission=row, superseded_at=None).by == other


def test_what_needs_no_approval_is_not_looked_at(
    operator: User, client: Client, django_assert_num_queries: Any
) -> None:
    row = submissions.submit(body("copy"), by=acting(operator))
    with django_assert_num_queries(0):
        authority.check(row)
    assert sent(row, client).status == "accepted"


def test_a_real_worker_gives_it_back_and_sends_it_when_it_is_approved_anew(
    own: Processes, operator: User, approver: User
) -> None:
    row = approved(operator, approver)
    loses_the_role(row, approver)
    own.worker()
    own.beat()
    eventually(lambda: Submission.objects.get(pk=row.pk).status == "awaiting_approval", what="it comes back")
    assert not own.sandbox.received.of("create")
    other = make_person("berta", Role.APPROVER)
    approvals.approve(Submission.objects.get(pk=row.pk), by=acting(other), request_sha256=row.request_sha256)
    eventually(lambda: Submission.objects.get(pk=row.pk).is_final, what="its end")
    assert len(own.sandbox.received.of("create")) == 1


# --- Who may not decide ----------------------------------------------------------------------------------------------
def test_who_submitted_what_is_tried_again_does_not_approve_the_second_try(operator: User, approver: User) -> None:
    give_role(operator, Role.APPROVER)
    first = submissions.submit(body("delete"), by=acting(operator))
    cancelling.cancel(first, by=acting(operator))
    other = make_person("otto", Role.OPERATOR)
    first.refresh_from_db()
    again = submissions.retry(first, reason="once more", password=None, by=acting(other))
    with pytest.raises(OwnSubmission):
        approvals.approve(again, by=acting(operator), request_sha256=again.request_sha256)
    assert approvals.approve(again, by=acting(approver), request_sha256=again.request_sha256).status == "queued"


def test_the_owner_of_a_service_then_and_now_does_not_approve(approver: User) -> None:
    first, later = (make_person(name, Role.APPROVER) for name in ("otto", "oda"))
    service = make_service(owner=first)
    _, secret = make_token(service)
    row = Submission.objects.get(pk=Api(token=secret).post("submissions/", body("delete")).json()["id"])
    type(service).objects.filter(pk=service.pk).update(owner=later)
    row.refresh_from_db()
    for person in (first, later):
        with pytest.raises(OwnSubmission):
            approvals.approve(row, by=acting(person), request_sha256=row.request_sha256)
    assert approvals.approve(row, by=acting(approver), request_sha256=row.request_sha256).status == "queued"


def test_two_approvals_take_two_people(operator: User, approver: User, administrator: User) -> None:
    ruled(administrator, **{"approvals.delete": 2})
    row = submissions.submit(body("delete"), by=acting(operator))
    once = approvals.approve(row, by=acting(approver), request_sha256=row.request_sha256)
    assert once.status == "awaiting_approval"
    with pytest.raises(WrongState, match="decided about this submission before"):
        approvals.approve(once, by=acting(approver), request_sha256=row.request_sha256)
    other = make_person("berta", Role.APPROVER)
    assert approvals.approve(once, by=acting(other), request_sha256=row.request_sha256).status == "queued"


# --- The database ----------------------------------------------------------------------------------------------------
@pytest.fixture
def intruder(database: None) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Signed in as the application, past all of its code."""
    with psycopg.connect(address("default"), autocommit=True) as signed_in:
        yield signed_in


_APPROVE = (
    "INSERT INTO jobs_app_approval (submission_id, by_id, decision, comment, request_sha256, destination, "
    "password_mark) SELECT id, {}, 'approved', '', request_sha256, '', '' FROM jobs_app_submission WHERE id = '{}'"
)


def test_the_database_takes_approvals_of_other_approvers_alone(
    operator: User, administrator: User, auditor: User, intruder: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    row = submissions.submit(body("delete"), by=acting(operator))
    gone = make_person("gone", Role.APPROVER)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    for person in (administrator, auditor, gone):
        with pytest.raises(psycopg.Error, match="only an approver"):
            intruder.execute(_APPROVE.format(person.pk, row.pk).encode())
    give_role(operator, Role.APPROVER)
    with pytest.raises(psycopg.Error, match="their own"):
        intruder.execute(_APPROVE.format(operator.pk, row.pk).encode())
    with pytest.raises(NotAllowed):
        approvals.approve(row, by=acting(administrator), request_sha256=row.request_sha256)


def test_the_key_holds_without_the_trigger(operator: User) -> None:
    row = submissions.submit(body("delete"), by=acting(operator))
    other = make_person("otto", Role.OPERATOR)
    given = _APPROVE.format(operator.pk, row.pk)
    lies = given.replace("password_mark)", "password_mark, accountable_id)")
    for statement, words in (
        (lies.replace("'', '' FROM", f"'', '', {operator.pk} FROM"), "approved_by_another_person"),
        (lies.replace("'', '' FROM", f"'', '', {other.pk} FROM"), "approval_of_the_accountable"),
    ):
        with pytest.raises(Exception, match=words):
            as_owner(f"ALTER TABLE jobs_app_approval DISABLE TRIGGER USER; {statement}")


def test_a_decision_never_changes_and_what_is_superseded_stays_so(
    operator: User, approver: User, intruder: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    row = approved(operator, approver)
    loses_the_role(row, approver)
    authority.give_back(row)
    for statement, words in {
        "UPDATE jobs_app_approval SET superseded_at = NULL": "never changes",
        "UPDATE jobs_app_approval SET by_id = by_id": "permission denied",
        "DELETE FROM jobs_app_approval": "permission denied",
        f"UPDATE jobs_app_submission SET status = 'queued' WHERE id = '{row.pk}'": "lacks approvals",
        f"UPDATE jobs_app_submission SET status = 'sending' WHERE id = '{row.pk}'": "lacks approvals",
    }.items():
        with pytest.raises(psycopg.Error, match=words):
            intruder.execute(statement.encode())


def test_the_database_sends_nothing_whose_approver_lost_the_role(
    operator: User, approver: User, intruder: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    row = approved(operator, approver)
    loses_the_role(row, approver)
    with pytest.raises(psycopg.Error, match="lacks approvals"):
        intruder.execute(f"UPDATE jobs_app_submission SET status = 'sending' WHERE id = '{row.pk}'".encode())


def test_the_database_stores_nothing_with_fewer_approvals_than_the_policy(
    operator: User, administrator: User, intruder: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    ruled(administrator, **{"approvals.delete": 2})
    row = submissions.submit(body("delete"), by=acting(operator))
    columns = (
        "operation, request, request_sha256, space, source_space, reason, warnings, source, person_id, accountable_id, "
        "hold, detail, attempts, looks, conflict, files_total, files_succeeded, files_failed"
    )
    copied = (
        f"INSERT INTO jobs_app_submission (id, status, due_at, approvals_needed, {columns}) "
        f"SELECT gen_random_uuid(), 'queued', now(), 0, {columns} FROM jobs_app_submission WHERE id = '{row.pk}'"
    )
    with pytest.raises(psycopg.Error, match="fewer approvals than the policy"):
        intruder.execute(copied.encode())
