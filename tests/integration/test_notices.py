"""Who is told of what came of a submission: those whom it concerns and nobody else, once, counted in digests."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from jobs_app import (
    approvals,
    audit,
    badges,
    bulk,
    cancelling,
    dispatch,
    submissions,
    sweeping,
)
from jobs_app.actors import WORKER, Role
from jobs_app.audit import Action
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.koodrive.sandbox.faults import Fault, Kind
from jobs_app.models import Notice, NoticeState, Submission, User
from jobs_app.notices import inbox, reading, watching, words
from tests.conftest import Api, give_role, make_person, token_of
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.notices import listen, told, words_for, work
from tests.services import REASON

DAY = timedelta(days=1)
Decision = approvals.Decision


pytestmark = pytest.mark.usefixtures("told_from_now_on")


def decide(row: Submission, decision: Decision, by: User, comment: str = "no") -> None:
    verb = approvals.approve if decision is Decision.APPROVED else approvals.reject
    verb(row, by=acting(by), request_sha256=row.request_sha256, comment=comment)


def becomes(row: Submission, status: str, action: Action, **said: Any) -> None:
    """As if the worker's way had led there: the event alone is what is read."""
    audit.record(action, by=WORKER, submission=row, after={"status": status}, **said)


# --- Approvals -----------------------------------------------------------------------------------------------------
def test_an_approval_is_wanted_of_those_who_may_decide(
    operator: User, approver: User, auditor: User, stranger: User
) -> None:
    both = make_person("bea", Role.OPERATOR, Role.APPROVER)
    listen()
    row = submissions.submit(body("delete"), by=acting(operator))
    own = submissions.submit(body("delete", files=2), by=acting(both))
    work()
    assert told(approver) == [("approval_wanted", 1), ("approval_wanted", 1)]
    assert Notice.objects.get(person=both).about["submission"] == str(row.pk)
    assert str(own.pk) not in str(list(Notice.objects.filter(person=both).values_list("about")))
    assert [told(each) for each in (operator, auditor, stranger)] == [[], [], []]


def test_whoever_had_part_in_an_earlier_try_is_neither_told_nor_sees_it_counted(
    deletion: Submission, operator: User, approver: User
) -> None:
    give_role(operator, Role.APPROVER)
    another = acting(make_person("another", Role.OPERATOR))
    submissions.retry(cancelling.cancel(deletion, by=another), reason=REASON, password=None, by=another)
    work()
    assert ("approval_wanted", 1) in told(approver)
    assert "approval_wanted" not in dict(told(operator))
    assert (badges.of(acting(approver)).decisions, badges.of(acting(operator)).decisions) == (1, 0)


def test_what_somebody_decided_need_not_be_decided_by_the_others(
    deletion: Submission, operator: User, approver: User
) -> None:
    other = make_person("olaf", Role.APPROVER)
    work()
    assert badges.of(acting(other)).unread == 1
    decide(deletion, Decision.APPROVED, approver)
    work()
    assert badges.of(acting(other)).unread == badges.of(acting(approver)).unread == 0
    assert told(operator) == [("decided", 1)]
    assert words_for(operator, "decided").title == "A submission was approved"
    assert "By anton." in words_for(operator, "decided").text


def test_what_is_decided_before_anybody_was_told_is_no_notice(
    deletion: Submission, operator: User, approver: User
) -> None:
    cancelling.cancel(deletion, by=acting(operator))
    work()
    assert told(approver) == []


def test_a_rejection_says_why(deletion: Submission, operator: User, approver: User) -> None:
    decide(deletion, Decision.REJECTED, approver, "these are still needed")
    work()
    said = words_for(operator, "decided")
    assert said.title == "A submission was rejected"
    assert "these are still needed" in said.text
    assert said.path == f"/submissions/{deletion.pk}/"


def test_what_expires_is_told(deletion: Submission, operator: User, client: Client) -> None:
    Submission.objects.filter(pk=deletion.pk).update(due_at=timezone.now() - DAY)
    sweeping.sweep(client=client)
    work()
    assert told(operator) == [("expired", 1)]


def test_what_comes_back_is_told_to_both_sides(deletion: Submission, operator: User, approver: User) -> None:
    work()
    becomes(deletion, "awaiting_approval", Action.SUBMISSION_RETURNED)
    work()
    assert told(operator) == [("returned", 1)]
    assert told(approver) == [("approval_wanted", 1)] * 2


# --- What came of it -----------------------------------------------------------------------------------------------
ENDS = [
    ("failed", Action.TASK_FINISHED, "failed", "A submission failed"),
    ("refused", Action.SEND_REFUSED, "failed", "KooDrive refused a submission"),
    ("partially_failed", Action.TASK_FINISHED, "partially_failed", "A submission finished with failures"),
    ("unknown", Action.SEND_UNKNOWN, "unknown", "The outcome of a submission is unknown"),
]


@pytest.mark.parametrize(("status", "action", "kind", "title"), ENDS)
def test_the_submitter_hears_of_a_bad_end(
    operator: User, auditor: User, status: str, action: Action, kind: str, title: str
) -> None:
    other = make_person("oscar", Role.OPERATOR)
    row = submissions.submit(body("copy"), by=acting(operator))
    becomes(row, status, action)
    work()
    assert told(operator) == [(kind, 1)]
    assert words_for(operator, kind).title == title
    assert [told(each) for each in (other, auditor)] == [[], []]


def test_a_good_end_is_no_notice(operator: User) -> None:
    row = submissions.submit(body("copy"), by=acting(operator))
    becomes(row, "succeeded", Action.TASK_FINISHED)
    work()
    assert told(operator) == []


def in_doubt(by: User, sandbox: Sandbox, client: Client) -> Submission:
    """Really sent, and without an answer."""
    sandbox.faults.add(Fault(Kind.RESET, call="create"))
    row = submissions.submit(body("copy"), by=acting(by))
    dispatch.send(row.pk, client=client)
    return Submission.objects.get(pk=row.pk, status="unknown")


def test_an_answer_that_never_came_is_told(operator: User, sandbox: Sandbox, client: Client) -> None:
    in_doubt(operator, sandbox, client)
    work()
    assert told(operator) == [("unknown", 1)]


def test_the_owner_of_a_service_hears_of_it_by_the_hour(operator: User) -> None:
    api = Api(token=token_of("billing", "submissions:write", "submissions:read", owner=operator))
    ids = [api.post("submissions/", body("copy", files=n)).json()["id"] for n in (1, 2, 3)]
    for row in Submission.objects.filter(pk__in=ids):
        becomes(row, "failed", Action.TASK_FINISHED)
    work()
    assert sum(count for _, count in told(operator)) == 3
    assert len(told(operator)) <= 2  # the hour may have changed
    assert "billing" in words.of(Notice.objects.filter(person=operator).latest("pk"))[0].text


def test_what_stays_unknown_is_told_again_every_day(
    operator: User, approver: User, sandbox: Sandbox, client: Client
) -> None:
    boss = make_person("oscar", Role.OPERATOR)
    owner = make_person("selma")
    token_of("billing", "submissions:write", owner=owner)
    in_doubt(operator, sandbox, client)
    watching.look()
    assert told(boss) == told(operator) == []
    Submission.objects.update(sent_at=timezone.now() - 2 * DAY)
    for _ in range(2):
        watching.look()
    assert told(boss) == told(operator) == [("still_unknown", 1)]
    assert words_for(boss, "still_unknown").title == "1 outcome is still unknown"
    assert told(approver) == []
    assert told(owner) == [("token_ending", 1)], "nothing of theirs is unknown"
    Notice.objects.using("owner").update(key="day:2026-01-01")  # as if that were told on another day
    watching.look()
    assert told(boss) == [("still_unknown", 1)] * 2


# --- Digests, and nothing lost or told twice -----------------------------------------------------------------------
def batch_of(count: int, by: User, operation: str = "delete") -> Any:
    rows = [body(operation, files=1) | {"reference": f"R-{n}"} for n in range(count)]
    return bulk.submit({"submissions": rows}, by=acting(by))


def test_a_thousand_rows_of_a_batch_are_one_notice_that_counts(operator: User, approver: User, mailoutbox: Any) -> None:
    listen(operator, approver)
    batch = batch_of(1000, operator)
    assert work() == 1
    assert told(approver) == [("approval_wanted", 1000)]
    assert words_for(approver, "approval_wanted").title == "1000 submissions wait for approval"
    assert words_for(approver, "approval_wanted").path == f"/batches/{batch.pk}/"
    [letter] = mailoutbox
    assert letter.subject == "Batch portal: 1000 submissions wait for approval"


def test_more_of_a_digest_counts_on_and_one_that_was_read_begins_anew(operator: User) -> None:
    first, second, third = Submission.objects.filter(batch=batch_of(3, operator, "copy").pk)
    for row in (first, second):
        becomes(row, "failed", Action.TASK_FINISHED)
        work()
    assert told(operator) == [("failed", 2)]
    inbox.read(operator.pk, Notice.objects.get().pk)
    becomes(third, "failed", Action.TASK_FINISHED)
    work()
    assert told(operator) == [("failed", 1)]
    assert badges.of(acting(operator)).unread == 1


def test_readers_at_the_same_time_make_each_notice_once(operator: User, approver: User) -> None:
    for n in range(1, 6):
        submissions.submit(body("delete", files=n), by=acting(operator))

    def read(_: int) -> None:
        try:
            reading.read_on()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, range(4)))
    assert told(approver) == [("approval_wanted", 1)] * 5


def test_a_reader_that_fails_loses_nothing(
    deletion: Submission, approver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = NoticeState.objects.get().position
    # A person's choice that the database can't take, as a stand-in for whatever may fail in the middle.
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_app_notice ADD CONSTRAINT no_more CHECK (false) NOT VALID")
        try:
            with pytest.raises(Exception, match="no_more"):
                reading.read_on()
            assert NoticeState.objects.get().position == position
        finally:
            cursor.execute("ALTER TABLE jobs_app_notice DROP CONSTRAINT no_more")
    work()
    assert told(approver) == [("approval_wanted", 1)]


def test_a_line_that_nobody_can_read_stops_nothing(operator: User, approver: User) -> None:
    submissions.submit(body("delete"), by=acting(operator))
    newest = NoticeState.objects.get().position
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit.event WHERE seq > %s", [newest])
        assert cursor.fetchone()[0] == 1
    assert reading._happened((1, timezone.now(), "x", "ok", None, None, "no json")) is None
    work()
    assert told(approver) == [("approval_wanted", 1)]
