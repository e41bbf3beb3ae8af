"""While sending is paused no time to approve or to send runs out, and afterwards it goes on from where it was."""

from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from jobs_app import approvals, explain, pauses, submissions, sweeping
from jobs_app.actors import WORKER
from jobs_app.koodrive.client import Client
from jobs_app.models import Pause, Submission, User
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.following import browser_of, page
from tests.policies import ruled

HOUR = timedelta(hours=1)


@pytest.fixture
def waiting(operator: User) -> Submission:
    return submissions.submit(body("delete"), by=acting(operator))


def moved(row: Submission, by: timedelta) -> None:
    """As if all of it had happened so long ago."""
    statement = (
        "UPDATE jobs_app_submission SET created_at = created_at - %s, due_at = due_at - %s, clock_at = clock_at - %s, "
        "approval_expires_at = approval_expires_at - %s, send_by = send_by - %s WHERE id = %s"
    )
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement, [by, by, by, by, by, row.pk])


def paused(cause: Pause.Cause, since: timedelta) -> None:
    pauses.begin(cause, "it was tried", by=WORKER)
    Pause.objects.filter(cause=cause).update(since=timezone.now() - since)


def resumed(administrator: User) -> None:
    pauses.resume(reason="all is well", by=acting(administrator))


def stored(row: Submission) -> Submission:
    return Submission.objects.with_people().get(pk=row.pk)


def is_near(found: timedelta, wanted: timedelta) -> bool:
    return abs(found - wanted) < timedelta(minutes=2)


def left(row: Submission) -> timedelta:
    until = stored(row).due_at
    assert until is not None
    return until - timezone.now()


def test_nothing_expires_during_a_pause_and_can_still_be_approved(
    waiting: Submission, operator: User, approver: User, client: Client
) -> None:
    pauses.stop("look into it", by=acting(operator))
    moved(waiting, timedelta(days=8))
    sweeping.sweep(client=client)
    assert stored(waiting).status == "awaiting_approval"
    assert "later by as long as sending is paused" in explain.explain(stored(waiting)).sentence
    assert "it stands still while sending is paused" in page(browser_of(operator), waiting)
    assert "the time left stands still" in browser_of(approver).get("/approvals/").content.decode()
    done = approvals.approve(waiting, by=acting(approver), request_sha256=waiting.request_sha256)
    assert done.status == "queued"


def test_without_a_pause_it_expires_with_its_event(waiting: Submission, client: Client) -> None:
    moved(waiting, timedelta(days=8))
    sweeping.sweep(client=client)
    assert stored(waiting).status == "expired"


def test_afterwards_it_goes_on_from_where_it_was(waiting: Submission, administrator: User, client: Client) -> None:
    moved(waiting, timedelta(days=6))
    assert is_near(left(waiting), timedelta(days=1))
    paused(Pause.Cause.PERSON, 5 * HOUR)
    resumed(administrator)
    assert is_near(left(waiting), timedelta(days=1) + 5 * HOUR)
    assert stored(waiting).due_at == stored(waiting).approval_expires_at
    sweeping.sweep(client=client)
    assert stored(waiting).status == "awaiting_approval"


def test_of_pauses_that_overlap_no_hour_counts_twice(waiting: Submission, administrator: User) -> None:
    moved(waiting, timedelta(days=3))
    paused(Pause.Cause.PERSON, 5 * HOUR)
    paused(Pause.Cause.ADDRESS, 8 * HOUR)
    resumed(administrator)
    pauses.end(by=WORKER)
    assert is_near(left(waiting), timedelta(days=4) + 8 * HOUR)


def test_what_was_made_during_the_pause_gets_the_rest_of_it(waiting: Submission, administrator: User) -> None:
    moved(waiting, 2 * HOUR)
    paused(Pause.Cause.PERSON, 5 * HOUR)
    resumed(administrator)
    assert is_near(left(waiting), timedelta(days=7))


def test_the_submitters_own_end_stands(operator: User, administrator: User, client: Client) -> None:
    end = timezone.now() + 3 * HOUR
    row = submissions.submit(body("delete", notAfter=end.isoformat()), by=acting(operator))
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE jobs_app_submission SET created_at = created_at - interval '1 day'")
    paused(Pause.Cause.PERSON, 12 * HOUR)
    resumed(administrator)
    assert stored(row).due_at == end


def test_approvals_hold_longer_by_the_pause(
    waiting: Submission, approver: User, administrator: User, client: Client
) -> None:
    ruled(administrator, send_hours=2)
    approvals.approve(waiting, by=acting(approver), request_sha256=waiting.request_sha256)
    paused(Pause.Cause.PERSON, timedelta())
    moved(waiting, 3 * HOUR)
    Pause.objects.update(since=timezone.now() - 2 * HOUR)
    sweeping.sweep(client=client)
    assert stored(waiting).status == "queued"
    resumed(administrator)
    until = stored(waiting).send_by
    assert until is not None
    assert is_near(until - timezone.now(), HOUR)
