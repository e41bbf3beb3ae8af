"""Which tasks in KooDrive the portal takes for foreign, and what the trail says of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from jobs_app import claiming, dispatch, lifecycle, pauses, reconciling, submissions
from jobs_app.actors import SWEEPER, WORKER
from jobs_app.audit import Action
from jobs_app.errors import AuditUnavailable
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Fault, Kind, Quirks, Sandbox
from jobs_app.models import Event, ForeignTask, Submission, User
from jobs_app.reconciling import Comparison
from jobs_app.states import State
from tests.doors import client_of, newest_event, without_the_trail
from tests.doors import operator_actor as acting
from tests.examples import SPACE
from tests.following import TOKEN, Send, send_as
from tests.integration.test_settling import document, elsewhere, unknown
from tests.outside import ago, begin_anew, made_outside, many_made_outside

AGE = timedelta(days=30)


@pytest.fixture(autouse=True)
def old_trail(database: None) -> Iterator[None]:
    begin_anew(AGE)
    yield
    begin_anew(timedelta())


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(port=0, token=TOKEN, token_life=10**8) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    return client_of(sandbox)


@pytest.fixture
def send(operator: User, client: Client) -> Send:
    return send_as(operator, client)


def compared(client: Client) -> Comparison:
    return reconciling.compare(client=client, by=SWEEPER)


def stored() -> list[str]:
    return sorted(ForeignTask.objects.values_list("pk", flat=True))


def standing() -> list[str]:
    return sorted(ForeignTask.objects.standing().values_list("pk", flat=True))


def event() -> dict[str, Any]:
    return newest_event("tasks.compared")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_task_that_nobody_submitted_is_foreign(sandbox: Sandbox, client: Client) -> None:
    task_id = made_outside(sandbox, client, operation="trash")
    result = compared(client)
    assert (result.seen, result.foreign, result.new, result.trouble) == (1, 1, 1, "")
    row = ForeignTask.objects.get()
    assert (row.task_id, row.task_type, row.action_type, row.items, row.space) == (task_id, 2, 201, 1, SPACE)
    assert row.status == "completed"
    assert row.created_at is not None
    assert abs(row.created_at - (timezone.now() - timedelta(hours=2))) < timedelta(seconds=10)
    assert (row.noted_by, row.note) == (None, "")
    assert row.kind is not None
    assert row.kind.name == "trash"


def test_the_trail_names_it(sandbox: Sandbox, client: Client) -> None:
    task_id = made_outside(sandbox, client, operation="trash")
    compared(client)
    told = event()
    assert (told["outcome"], told["complete"], told["actor"]["id"]) == ("ok", True, "system:sweep")
    assert (told["seen"], told["foreign"], told["new"], told["left"]) == (1, 1, 1, 0)
    [task] = told["tasks"]
    row = ForeignTask.objects.get()
    assert {**task, "createdAt": moment(task["createdAt"])} == {
        "taskId": task_id,
        "taskType": 2,
        "actionType": 201,
        "createdAt": row.created_at,
    }
    assert "detail" not in told


def test_that_there_is_nothing_is_told_too(client: Client) -> None:
    assert compared(client).seen == 0
    told = event()
    assert (told["outcome"], told["complete"], told["seen"], told["new"], told["tasks"]) == ("ok", True, 0, 0, [])


def test_a_submissions_own_task_is_not_foreign(sandbox: Sandbox, client: Client, send: Send) -> None:
    with ago(sandbox, 2):
        send("Fa")
    result = compared(client)
    assert (result.seen, result.foreign, stored()) == (1, 0, [])


@pytest.mark.parametrize(("minutes", "is_foreign"), [(0, False), (58, False), (62, True)])
def test_what_is_young_may_still_be_on_its_way(
    sandbox: Sandbox, client: Client, minutes: float, is_foreign: bool
) -> None:
    made_outside(sandbox, client, hours=minutes / 60)
    assert compared(client).new == is_foreign
    assert bool(stored()) == is_foreign


def test_what_is_older_than_the_trail_is_not_the_portals_business(sandbox: Sandbox, client: Client) -> None:
    begin_anew(timedelta(hours=5))
    made_outside(sandbox, client, hours=6)
    later = made_outside(sandbox, client, hours=4)
    for _ in range(2):
        compared(client)
        assert stored() == [later]
        assert abs(moment(event()["since"]) - (timezone.now() - timedelta(hours=5))) < timedelta(minutes=1)


def test_right_after_the_first_start_there_is_nothing_to_compare(sandbox: Sandbox, client: Client) -> None:
    begin_anew(timedelta())
    made_outside(sandbox, client)
    result = compared(client)
    assert (result.since, result.foreign, result.trouble) == (result.until, 0, "")


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_what_may_be_the_task_of_a_submission_in_doubt_waits(
    operator: User, sandbox: Sandbox, client: Client, state: str
) -> None:
    row = submissions.submit(document(1), by=acting(operator))
    claiming.claim(row, client=client)
    if state == "unknown":
        lifecycle.move(row, State.UNKNOWN, by=WORKER, action=Action.SEND_UNKNOWN, changes={"due_at": None})
    Submission.objects.filter(pk=row.pk).update(sent_at=timezone.now() - timedelta(hours=2))
    other = made_outside(sandbox, client, 5, operation="move")
    its = made_outside(sandbox, client, 1)
    compared(client)
    assert stored() == [other]
    assert (event()["left"], event()["foreign"]) == (1, 1)
    # Another one of the same kind, long before its call, can't be its own.
    Submission.objects.filter(pk=row.pk).update(sent_at=timezone.now() - timedelta(hours=1))
    compared(client)
    assert stored() == sorted([its, other])


def test_what_was_left_is_looked_at_again_however_old_it_is(operator: User, sandbox: Sandbox, client: Client) -> None:
    row = unknown(sandbox, operator, document(1), Fault(Kind.RESET))
    with ago(sandbox, 24 * 10):
        its = elsewhere(sandbox, document(1))
    Submission.objects.filter(pk=row.pk).update(sent_at=timezone.now() - timedelta(days=10))
    many_made_outside(sandbox, 1)
    compared(client)
    assert its not in stored()
    left_since = moment(event()["leftSince"])
    assert abs(left_since - (timezone.now() - timedelta(days=10))) < timedelta(minutes=1)
    row.refresh_from_db()
    lifecycle.move(row, State.CLOSED, by=WORKER, action=Action.DOUBT_CLOSED)
    compared(client)
    assert moment(event()["since"]) == left_since
    assert its in stored()


def test_a_task_that_is_bound_later_is_foreign_no_longer(operator: User, sandbox: Sandbox, client: Client) -> None:
    task_id = made_outside(sandbox, client, 1)
    compared(client)
    assert standing() == [task_id]
    row = unknown(sandbox, operator, document(1), Fault(Kind.RESET))
    changes = {"task_id": task_id, "outcome_basis": "person"}
    lifecycle.move(row, State.ACCEPTED, by=acting(operator), action=Action.DOUBT_BOUND, changes=changes)
    assert (standing(), stored()) == ([], [task_id])
    assert not ForeignTask.objects.unnoted().exists()


def test_the_second_task_of_a_contradicted_call_was_sent_by_the_portal(
    operator: User, sandbox: Sandbox, client: Client
) -> None:
    row = submissions.submit(document(1), by=acting(operator))
    claiming.claim(row, client=client)
    held = Submission.objects.get(pk=row.pk)
    second, first = made_outside(sandbox, client, 1, hours=3), made_outside(sandbox, client, 1)
    lifecycle.move(row, State.UNKNOWN, by=WORKER, action=Action.SEND_UNKNOWN)
    changes = {"task_id": first, "outcome_basis": "evidence"}
    lifecycle.move(row, State.ACCEPTED, by=WORKER, action=Action.DOUBT_SETTLED, changes=changes)
    dispatch.record_outcome(held, dispatch.Outcome(dispatch.Kind.ACCEPTED, second, "0", "", None, "late"), {})
    assert newest_event("send.contradicted")["task"] == second
    assert compared(client).foreign == 0


def test_twice_finds_nothing_twice(sandbox: Sandbox, client: Client) -> None:
    made_outside(sandbox, client)
    assert [(each.foreign, each.new) for each in (compared(client), compared(client))] == [(1, 1), (1, 0)]
    assert event()["tasks"] == []
    assert Event.objects.filter(action="tasks.compared").count() == 2


def test_several_at_once_tell_each_task_once(sandbox: Sandbox, client: Client) -> None:
    many_made_outside(sandbox, 20)

    def work(_: int) -> int:
        try:
            return compared(client_of(sandbox)).new
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4))) == [0, 0, 0, 20]
    assert len(stored()) == 20


def test_the_next_one_goes_back_three_days_before_the_last(sandbox: Sandbox, client: Client) -> None:
    compared(client)
    first = event()
    assert abs(moment(first["since"]) - (timezone.now() - AGE)) < timedelta(minutes=1)
    compared(client)
    assert moment(event()["since"]) == moment(first["until"]) - timedelta(days=3)


def test_more_than_a_thousand_are_counted_and_a_thousand_named(sandbox: Sandbox, client: Client) -> None:
    made = many_made_outside(sandbox, 1003)
    assert compared(client).new == 1003
    assert (event()["new"], len(event()["tasks"])) == (1003, 1000)
    assert stored() == sorted(made)


# --- A bad day -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Kind.RESET, Kind.GARBAGE, Kind.NO_DATA, Kind.HANG])
def test_a_list_that_cannot_be_read_is_told(sandbox: Sandbox, client: Client, fault: Kind) -> None:
    compared(client)
    well = event()
    made_outside(sandbox, client)
    sandbox.faults.add(Fault(fault, call="list"))
    result = compared(client)
    assert "can't be read" in result.trouble
    told = event()
    assert (told["outcome"], told["complete"], told["detail"], stored()) == ("failed", False, result.trouble, [])
    assert compared(client).new == 1
    assert moment(event()["since"]) == moment(well["until"]) - timedelta(days=3)


def test_credentials_that_are_refused_pause_sending_as_everywhere(sandbox: Sandbox, client: Client) -> None:
    result = compared(client_of(sandbox, "another-token"))
    assert "credentials" in result.trouble
    pause = pauses.current()
    assert pause is not None
    assert pause.cause == "credentials"


def test_a_koodrive_that_is_away_is_told(sandbox: Sandbox, client: Client) -> None:
    sandbox.stop()
    assert "can't be read" in compared(client).trouble
    assert event()["outcome"] == "failed"


def test_a_list_that_is_not_seen_whole_is_no_success_and_what_was_seen_counts(
    sandbox: Sandbox, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "MOST_PAGES", 1)
    made = many_made_outside(sandbox, 130)
    result = compared(client)
    assert (result.new, "could not be read whole" in result.trouble) == (100, True)
    told = event()
    assert (told["outcome"], told["complete"], told["seen"]) == ("failed", False, 100)
    assert told["detail"] == result.trouble
    monkeypatch.undo()
    assert (compared(client).new, event()["outcome"], stored()) == (30, "ok", sorted(made))


def test_more_pages_are_read_than_for_one_submission_in_doubt(
    sandbox: Sandbox, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling.listing, "MOST_PAGES", 1)
    many_made_outside(sandbox, 250)
    assert (compared(client).new, event()["outcome"]) == (250, "ok")


@pytest.mark.parametrize(
    "absent", [{"createTime"}, {"actionType", "contentNum", "containerId", "taskType", "status", "createTime"}]
)
def test_what_the_list_leaves_out_hides_no_task(sandbox: Sandbox, client: Client, absent: set[str]) -> None:
    sandbox.quirks = Quirks(absent=frozenset(absent))
    task_id = made_outside(sandbox, client)
    compared(client)
    row = ForeignTask.objects.get()
    assert (row.task_id, row.created_at is not None) == (task_id, True)
    if "taskType" in absent:
        assert (row.task_type, row.action_type, row.items, row.space, row.status, row.kind) == (
            *(0, None, None, "", ""),
            None,
        )
        assert "taskType" not in {key for key, value in event()["tasks"][0].items() if value is not None}


def test_a_number_that_no_column_holds_hides_no_task(sandbox: Sandbox, client: Client) -> None:
    job = '{"taskId": "%s", "taskType": 99999, "actionType": -5, "contentNum": 99999999999, "status": 77}'
    task_id = made_outside(sandbox, client)
    page = f'{{"code": 0, "data": [{job % task_id}]}}'
    sandbox.faults.add(Fault(Kind.STATUS, status=200, body=page, call="list"))
    compared(client)
    row = ForeignTask.objects.get()
    assert (row.task_type, row.action_type, row.items, row.status) == (0, None, None, "77")


def test_a_task_whose_age_nobody_tells_is_foreign(sandbox: Sandbox, client: Client) -> None:
    page = '{"code": 0, "data": [{"taskId": "17", "taskType": 1}]}'
    sandbox.faults.add(Fault(Kind.STATUS, status=200, body=page, call="list"))
    compared(client)
    row = ForeignTask.objects.get()
    assert (row.task_id, row.created_at, event()["tasks"][0].get("createdAt")) == ("17", None, None)


@pytest.mark.parametrize("ahead", [-5400, 5400])
def test_a_clock_that_is_wrong_changes_nothing(sandbox: Sandbox, client: Client, ahead: int) -> None:
    old = made_outside(sandbox, client, hours=2 - ahead / 3600)
    sandbox.clock.set_back(-ahead)
    elsewhere(sandbox, document(1))
    compared(client)
    assert stored() == [old]


def test_without_the_trail_nothing_is_stored(sandbox: Sandbox, client: Client) -> None:
    made_outside(sandbox, client)
    with without_the_trail(), pytest.raises(AuditUnavailable):
        compared(client)
    assert stored() == []
    assert compared(client).new == 1
