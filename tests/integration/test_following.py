"""Many tasks cost few calls, and each still comes to its own end."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs_app import tracking
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Fault, Kind, Quirks, Sandbox
from jobs_app.koodrive.sandbox.jobs import Plan
from jobs_app.koodrive.sandbox.magic import file_id as magic
from jobs_app.koodrive.sandbox.verify import Wanted
from jobs_app.models import Submission
from tests.examples import SPACE, file_id
from tests.following import Send, actions, events, polled

MANY = 150


def calls(sandbox: Sandbox) -> Counter[str]:
    return Counter(entry.call for entry in sandbox.received if entry.call != "create")


def statuses() -> Counter[str]:
    return Counter(Submission.objects.values_list("status", flat=True))


def strangers_tasks(sandbox: Sandbox, number: int) -> None:
    """Tasks that others made in KooDrive."""
    for each in range(number):
        wanted = Wanted(2, 201, (file_id(10_000 + each),), source=SPACE, target=SPACE)
        sandbox.jobs.create(wanted, Plan())


def forget(sandbox: Sandbox, made: Submission) -> None:
    sandbox.jobs.forget(made.task_id or "")


def test_150_tasks_cost_two_pages_of_the_list_until_they_end(send: Send, sandbox: Sandbox, client: Client) -> None:
    sandbox.speed = 0.01  # 50 seconds of waiting, then 150 of work
    made = [send(file_id(number), operation="trash") for number in range(MANY)]
    sandbox.clock.advance(60)
    polled(made[0], client)
    assert statuses() == {"running": MANY}
    assert calls(sandbox) == {"list": 2}
    sandbox.clock.advance(200)
    polled(made[0], client)
    assert statuses() == {"succeeded": MANY}
    assert calls(sandbox) == {"list": 4}
    assert actions(made[7])[-2:] == ["task.started", "task.finished"]
    assert all(row.files_succeeded == 1 and row.files.get().status == "succeeded" for row in Submission.objects.all())


def test_details_are_read_only_where_they_add_something(send: Send, sandbox: Sandbox, client: Client) -> None:
    fine = [send(file_id(number), operation="trash") for number in range(8)]
    failing = send(magic("fails"), operation="trash")
    copies = [send(file_id(20 + number)) for number in range(7)]
    sandbox.clock.advance(60)
    done = polled(failing, client)
    assert statuses() == {"succeeded": 15, "failed": 1}
    assert calls(sandbox) == {"list": 2, "detail": 1 + 7}
    assert done.files.get().result_code == "13000308"
    assert Submission.objects.get(pk=fine[0].pk).task_user is None
    copied = Submission.objects.get(pk=copies[0].pk)
    assert copied.files.get().new_file_id
    assert copied.task_user


def test_what_koodrive_takes_time_for_keeps_telling_its_progress(send: Send, sandbox: Sandbox, client: Client) -> None:
    sandbox.speed = 0.01  # 50 seconds of waiting, then 300 of work
    made = [send(file_id(number), operation="package") for number in range(6)]
    sandbox.clock.advance(200)
    assert polled(made[0], client).progress in (50, 51)
    assert calls(sandbox)["detail"] == 6


def test_a_few_due_tasks_are_asked_about_one_by_one(send: Send, sandbox: Sandbox, client: Client) -> None:
    made = [send(file_id(number), operation="trash") for number in range(tracking.FEW)]
    sandbox.clock.advance(60)
    polled(made[0], client)
    assert calls(sandbox) == {"detail": tracking.FEW}
    assert statuses() == {"succeeded": tracking.FEW}


def test_a_list_in_another_order_makes_no_difference(send: Send, sandbox: Sandbox, client: Client) -> None:
    sandbox.quirks = Quirks(oldest_first=True, offset_base=0)
    strangers_tasks(sandbox, 120)
    made = [send(file_id(number), operation="trash") for number in range(20)]
    sandbox.clock.advance(60)
    polled(made[0], client)
    assert statuses() == {"succeeded": 20}
    assert calls(sandbox) == {"list": 2}


def test_the_list_is_read_no_further_than_the_oldest_task(send: Send, sandbox: Sandbox, client: Client) -> None:
    strangers_tasks(sandbox, 500)
    made = [send(file_id(number), operation="trash") for number in range(10)]
    forget(sandbox, made[3])
    sandbox.clock.advance(60)
    polled(made[0], client)
    assert statuses() == {"succeeded": 9, "accepted": 1}
    assert calls(sandbox) == {"list": 1, "detail": 1}


def test_what_lies_deep_in_the_list_is_asked_about_by_itself(send: Send, sandbox: Sandbox, client: Client) -> None:
    made = [send(file_id(number), operation="trash") for number in range(7)]
    strangers_tasks(sandbox, 900)
    sandbox.clock.advance(60)
    polled(made[0], client)
    assert statuses() == {"succeeded": 7}
    assert calls(sandbox) == {"list": 7, "detail": 7}


def test_a_task_that_koodrive_no_longer_knows_stays_and_is_asked_about_rarely(
    send: Send, sandbox: Sandbox, client: Client
) -> None:
    made = send(file_id(1))
    forget(sandbox, made)
    row = polled(made, client)
    assert row.status == "accepted"
    assert "13000309" in row.detail
    assert str(made.task_id) in row.detail
    assert row.due_at is not None
    assert row.due_at > timezone.now() + timedelta(minutes=4)


@pytest.mark.parametrize("fault", [Kind.GARBAGE, Kind.RESET])
def test_without_the_list_a_few_are_asked_about_in_each_run(
    send: Send, sandbox: Sandbox, client: Client, fault: Kind
) -> None:
    made = [send(file_id(number), operation="trash") for number in range(9)]
    sandbox.clock.advance(60)
    sandbox.faults.add(Fault(fault, call="list", times=None))
    polled(made[0], client)
    assert statuses() == {"succeeded": tracking.FEW, "accepted": 9 - tracking.FEW}
    polled(made[0], client)
    assert statuses() == {"succeeded": 9}


def test_an_outage_costs_a_run_few_calls(send: Send, sandbox: Sandbox, client: Client) -> None:
    made = [send(file_id(number), operation="trash") for number in range(20)]
    sandbox.faults.add(Fault(Kind.RESET, call="any", times=None))
    polled(made[0], client)
    assert calls(sandbox) == {"list": 1, "detail": tracking.MOST_FAILURES}
    assert statuses() == {"accepted": 20}


def test_what_takes_long_is_asked_about_less_often(send: Send, client: Client) -> None:
    made = send(magic("slow"))
    for age, interval in [(1, 2), (100, 10), (10_000, 300)]:
        Submission.objects.filter(pk=made.pk).update(accepted_at=timezone.now() - timedelta(seconds=age))
        due = polled(made, client).due_at
        assert due is not None
        assert abs((due - timezone.now()).total_seconds() - interval) < 1.5


def bound_by_a_person(made: Submission) -> None:
    Submission.objects.filter(pk=made.pk).update(outcome_basis="person")


def test_a_bound_task_with_other_files_is_not_followed_to_its_end(send: Send, sandbox: Sandbox, client: Client) -> None:
    ours, theirs = send(file_id(1)), send(file_id(2))
    swap(ours, theirs)
    sandbox.clock.advance(60)
    row = polled(ours, client)
    assert (row.status, row.task_user) == ("accepted", None)
    assert "works on other files" in row.conflict
    assert row.due_at is not None
    assert row.due_at > timezone.now() + timedelta(minutes=59)
    polled(ours, client)
    assert actions(ours).count("task.contradicted") == 1
    assert events(ours)[-1]["task"] == row.task_id


def test_a_bound_task_of_another_operation_is_not_followed_to_its_end(
    send: Send, sandbox: Sandbox, client: Client
) -> None:
    ours, theirs = send(file_id(1), operation="trash"), send(file_id(1))
    swap(ours, theirs)
    sandbox.clock.advance(60)
    row = polled(ours, client)
    assert row.status == "accepted"
    assert "is another operation" in row.conflict


def test_a_bound_task_that_fits_ends_as_any_does(send: Send, sandbox: Sandbox, client: Client) -> None:
    made = send(file_id(1))
    bound_by_a_person(made)
    sandbox.clock.advance(60)
    row = polled(made, client)
    assert (row.status, row.conflict) == ("succeeded", "")


def swap(ours: Submission, theirs: Submission) -> None:
    """Binds the other one's task, as a person might by mistake."""
    Submission.objects.filter(pk=theirs.pk).update(task_id="1")
    Submission.objects.filter(pk=ours.pk).update(task_id=theirs.task_id)
    bound_by_a_person(ours)
