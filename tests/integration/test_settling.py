"""Settling unknown submissions from what KooDrive itself tells."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.db.models import F
from django.utils import timezone

from jobs_app import claiming, dispatch, lifecycle, pauses, settling, submissions
from jobs_app.actors import WORKER
from jobs_app.audit import Action, read
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Fault, Kind, Quirks, Sandbox, When, views
from jobs_app.koodrive.sandbox.jobs import Plan
from jobs_app.koodrive.sandbox.verify import wanted
from jobs_app.models import Submission, User
from jobs_app.states import State
from tests.doors import client_of
from tests.doors import operator_actor as acting
from tests.examples import FOLDER, body, file_id
from tests.integration.test_dispatch import actions, last_event

LOST = Fault(Kind.RESET, when=When.AFTER)  # KooDrive makes the task, and its answer never comes
DROPPED = Fault(Kind.RESET)  # no task is made


def document(*numbers: int, operation: str = "copy", folder: str = FOLDER) -> dict[str, Any]:
    given = body(operation)
    given["taskInfo"]["fileInfo"] = [{"fileId": file_id(number)} for number in numbers]
    if "newFilePath" in given["taskInfo"]:
        given["taskInfo"]["newFilePath"] = folder
    return given


def unknown(sandbox: Sandbox, user: User, given: dict[str, Any], fault: Fault = LOST) -> Submission:
    made = submissions.submit(given, by=acting(user))
    sandbox.faults.add(fault)
    dispatch.send(made.pk, client=client_of(sandbox))
    return Submission.objects.get(pk=made.pk, status="unknown")


def elsewhere(sandbox: Sandbox, given: dict[str, Any]) -> str:
    """A task that somebody made in KooDrive itself."""
    return sandbox.jobs.create(wanted(given), Plan()).task_id


def task_of(sandbox: Sandbox, position: int = -1) -> str:
    task_id = sandbox.received.of("create")[position].task_id
    assert task_id is not None
    return task_id


def settled(row: Submission, client: Client, *, after: float | None = None) -> Submission:
    """The row once it was looked for; with ``after``, as if its call had been so many seconds ago."""
    due: dict[str, Any] = {"due_at": timezone.now() - timedelta(seconds=1)}
    if after is not None:
        due["sent_at"] = timezone.now() - timedelta(seconds=after)
    Submission.objects.filter(pk=row.pk).update(**due)
    settling.settle(client=client)
    return Submission.objects.get(pk=row.pk)


def test_one_match_binds_the_task(operator: User, sandbox: Sandbox, client: Client) -> None:
    row = unknown(sandbox, operator, document(1, 2))
    elsewhere(sandbox, document(1))
    elsewhere(sandbox, document(1, 2, operation="move"))
    done = settled(row, client)
    assert (done.status, done.task_id, done.outcome_basis) == ("accepted", task_of(sandbox), "evidence")
    assert done.due_at is not None
    assert done.due_at <= timezone.now()
    event = last_event(row)
    assert (event["action"], event["actor"]["id"], event["task"]) == ("doubt.settled", "system:settling", done.task_id)
    assert event["evidence"]["matches"] is True
    assert len(sandbox.received.of("create")) == 1


def test_no_match_is_evidence_once_the_list_was_read_whole(operator: User, sandbox: Sandbox, client: Client) -> None:
    row = unknown(sandbox, operator, document(1), DROPPED)
    elsewhere(sandbox, document(2))
    done = settled(row, client)
    assert (done.status, done.looks) == ("unknown", 1)
    assert done.evidence["complete"] is True
    assert "most likely never got it" in done.evidence["verdict"]
    [candidate] = done.evidence["candidates"]
    assert candidate["matches"] is False
    files = next(reason for reason in candidate["reasons"] if reason["what"] == "files")
    assert (files["fits"], files["detail"]) == (False, "0 are the same, 1 are missing, 1 are others.")


def test_two_matches_are_left_to_a_person(operator: User, sandbox: Sandbox, client: Client) -> None:
    row = unknown(sandbox, operator, document(1))
    elsewhere(sandbox, document(1))
    done = settled(row, client)
    assert (done.status, [each["matches"] for each in done.evidence["candidates"]]) == ("unknown", [True, True])


def test_the_task_of_another_submission_is_no_candidate(operator: User, sandbox: Sandbox, client: Client) -> None:
    other = submissions.submit(document(1, folder="Fother"), by=acting(operator))
    dispatch.send(other.pk, client=client)
    done = settled(unknown(sandbox, operator, document(1), DROPPED), client)
    assert (done.status, done.evidence["candidates"]) == ("unknown", [])


@pytest.mark.parametrize(
    ("ours", "status"), [(views.USER, "accepted"), ("somebody-else", "unknown"), (None, "accepted")]
)
def test_the_task_of_another_user_is_not_ours(
    operator: User, sandbox: Sandbox, client: Client, ours: str | None, status: str
) -> None:
    sure = submissions.submit(document(9), by=acting(operator))
    dispatch.send(sure.pk, client=client)
    Submission.objects.filter(pk=sure.pk).update(task_user=ours)
    done = settled(unknown(sandbox, operator, document(1)), client)
    assert done.status == status
    if status == "unknown":
        [candidate] = done.evidence["candidates"]
        assert {"what": "user", "fits": False, "detail": views.USER} in candidate["reasons"]


@pytest.mark.parametrize("ahead", [-90, 90])
def test_a_clock_that_is_wrong_changes_nothing(operator: User, sandbox: Sandbox, client: Client, ahead: int) -> None:
    sandbox.clock.set_back(-ahead)
    assert settled(unknown(sandbox, operator, document(1)), client).status == "accepted"
    older = unknown(sandbox, operator, document(2), DROPPED)
    elsewhere(sandbox, document(2))
    Submission.objects.filter(pk=older.pk).update(sent_at=timezone.now() + timedelta(seconds=30))
    done = settled(older, client)
    assert (done.status, done.evidence["candidates"][0]["matches"]) == ("unknown", False)
    assert "exactly these files" in done.evidence["verdict"]


@pytest.mark.parametrize("absent", [{"createTime"}, {"actionType", "contentNum", "containerId", "taskType", "userId"}])
def test_what_the_list_leaves_out_does_not_hinder(
    operator: User, sandbox: Sandbox, client: Client, absent: set[str]
) -> None:
    sandbox.quirks = Quirks(absent=frozenset(absent))
    assert settled(unknown(sandbox, operator, document(1, 2)), client).status == "accepted"


def test_a_thousand_jobs_hide_nothing(operator: User, sandbox: Sandbox, client: Client) -> None:
    row = unknown(sandbox, operator, document(1, 2, 3))
    for number in range(1000):
        elsewhere(sandbox, document(number + 10))
    done = settled(row, client)
    assert (done.status, done.task_id) == ("accepted", task_of(sandbox))
    assert len(sandbox.received.of("detail")) == 1


def test_one_reading_serves_many(operator: User, sandbox: Sandbox, client: Client) -> None:
    rows = [unknown(sandbox, operator, document(number)) for number in range(12)]
    Submission.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    settling.settle(client=client)
    tasks = dict(Submission.objects.values_list("pk", "task_id"))
    assert [tasks[row.pk] for row in rows] == [task_of(sandbox, number) for number in range(12)]
    assert len(sandbox.received.of("list")) == 1
    assert len(sandbox.received.of("detail")) == 12


@pytest.mark.parametrize("call", ["list", "detail"])
def test_a_read_that_fails_is_no_look(operator: User, sandbox: Sandbox, client: Client, call: Any) -> None:
    row = unknown(sandbox, operator, document(1))
    sandbox.faults.add(Fault(Kind.RESET, call=call))
    failed = settled(row, client)
    assert (failed.status, failed.looks, failed.evidence) == ("unknown", 0, None)
    assert failed.due_at is not None
    assert timedelta(seconds=20) < failed.due_at - timezone.now() <= settling.RETRY
    assert settled(row, client).status == "accepted"


def test_refused_credentials_pause_all_sending(operator: User, sandbox: Sandbox, client: Client) -> None:
    row = unknown(sandbox, operator, document(1))
    sandbox.faults.add(Fault(Kind.STATUS, status=401, call="list"))
    assert settled(row, client).looks == 0
    pause = pauses.current()
    assert pause is not None
    assert pause.cause == "credentials"


def test_a_task_that_is_not_shown_is_looked_at_by_a_person(operator: User, sandbox: Sandbox, client: Client) -> None:
    row = unknown(sandbox, operator, document(1))
    sandbox.faults.add(Fault(Kind.CODE, code=13000102, call="detail"))
    done = settled(row, client)
    assert (done.status, done.looks) == ("unknown", 1)
    assert "doesn't tell the files" in done.evidence["verdict"]


def test_a_list_that_cannot_be_read_whole_settles_nothing(
    operator: User, sandbox: Sandbox, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = unknown(sandbox, operator, document(1))
    for number in range(150):
        elsewhere(sandbox, document(number + 10))
    monkeypatch.setattr(settling.listing, "MOST_PAGES", 1)
    done = settled(row, client)
    assert (done.status, done.evidence["complete"]) == ("unknown", False)


def test_two_settlers_look_once(operator: User, sandbox: Sandbox, client: Client) -> None:
    rows = [unknown(sandbox, operator, document(number), DROPPED) for number in range(4)]
    Submission.objects.update(due_at=timezone.now() - timedelta(seconds=1))

    def work(_: int) -> None:
        try:
            settling.settle(client=client)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert list(Submission.objects.values_list("looks", flat=True)) == [1] * len(rows)


@pytest.mark.parametrize("rival", ["unknown", "sending", "closed"])
def test_a_rival_makes_the_only_match_uncertain(operator: User, sandbox: Sandbox, client: Client, rival: str) -> None:
    row = unknown(sandbox, operator, document(1))
    other = submissions.submit(document(1, folder="Fother"), by=acting(operator))
    claiming.claim(other, client=client)
    if rival != "sending":
        lifecycle.move(other, State.UNKNOWN, by=WORKER, action=Action.SEND_UNKNOWN, changes={"due_at": None})
    if rival == "closed":
        lifecycle.move(other, State.CLOSED, by=WORKER, action=Action.DOUBT_CLOSED)
    done = settled(row, client)
    assert (done.status, done.evidence["candidates"][0]["matches"]) == ("unknown", True)
    assert "another submission may have made it" in done.evidence["verdict"]
    assert str(other.pk) in str(done.evidence["candidates"][0]["reasons"])
    Submission.objects.filter(pk=other.pk).update(sent_at=F("sent_at") + timedelta(hours=1))
    assert settled(row, client).status == "accepted"


def test_a_task_that_somebody_binds_meanwhile_is_no_match(operator: User, sandbox: Sandbox, client: Client) -> None:
    row = unknown(sandbox, operator, document(1))
    other = unknown(sandbox, operator, document(2), DROPPED)

    class Slow(Client):
        def job_detail(self, task_id: str) -> Any:
            Submission.objects.filter(pk=other.pk).update(task_id=task_id)
            return super().job_detail(task_id)

    slow = client_of(sandbox)
    slow.__class__ = Slow
    done = settled(row, slow)
    assert (done.status, done.task_id, done.evidence["candidates"]) == ("unknown", None, [])


def test_an_answer_that_comes_meanwhile_stays(operator: User, sandbox: Sandbox, client: Client) -> None:
    row = unknown(sandbox, operator, document(1))

    class Slow(Client):
        def job_detail(self, task_id: str) -> Any:
            outcome = dispatch.Outcome(dispatch.Kind.REFUSED, None, "13000102", "no", None, "KooDrive said no.")
            dispatch.record_outcome(Submission.objects.get(pk=row.pk), outcome, {})
            return super().job_detail(task_id)

    slow = client_of(sandbox)
    slow.__class__ = Slow
    assert settled(row, slow).status == "refused"


@pytest.mark.parametrize(("after", "following"), [(10, 30), (31, 120), (130, 600), (601, 1200), (1201, None)])
def test_it_looks_less_and_less_often_and_then_needs_a_person(
    operator: User, sandbox: Sandbox, client: Client, after: int, following: int | None
) -> None:
    row = unknown(sandbox, operator, document(1), DROPPED)
    done = settled(row, client, after=after)
    if following is None:
        assert done.due_at is None
    else:
        assert done.due_at is not None
        assert done.sent_at is not None
        assert done.due_at - done.sent_at == timedelta(seconds=following)
    assert (actions(row)[-1] == "doubt.examined") == (following is None)


def test_the_trail_hears_once_that_a_person_is_needed(operator: User, sandbox: Sandbox, client: Client) -> None:
    row = unknown(sandbox, operator, document(1), DROPPED)
    settled(row, client, after=1201)
    event = last_event(row)
    assert (event["action"], event["outcome"]) == ("doubt.examined", "failed")
    assert "most likely never got it" in event["evidence"]["verdict"]
    again = settled(row, client)
    assert (again.looks, again.due_at, actions(row).count("doubt.examined")) == (2, None, 1)


def test_evidence_about_an_earlier_call_is_none(operator: User, sandbox: Sandbox, client: Client) -> None:
    row = settled(unknown(sandbox, operator, document(1), DROPPED), client, after=1201)
    Submission.objects.filter(pk=row.pk).update(attempts=2)
    settled(row, client)
    assert actions(row).count("doubt.examined") == 2


def test_what_is_not_due_is_left_alone(operator: User, sandbox: Sandbox, client: Client) -> None:
    row = unknown(sandbox, operator, document(1))
    Submission.objects.filter(pk=row.pk).update(due_at=timezone.now() + timedelta(minutes=1))
    settling.settle(client=client)
    assert sandbox.received.of("list") == []
    assert read.of_submission(row.pk)[-1].parsed["event"]["action"] == "send.unknown"
