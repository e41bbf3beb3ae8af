"""Who has many to send claims the next one while storing what became of the last: no outcome depends on it."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.models.functions import Now

from jobs_app import claiming, connection, dispatch, pauses, submissions, tasks
from jobs_app.actors import WORKER
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.rate import Rate
from jobs_app.koodrive.sandbox import Fault, Kind, Sandbox
from jobs_app.models import ArchivePassword, Pause, Submission, User
from jobs_app.protection import Protection
from tests.doors import client_of
from tests.doors import operator_actor as acting
from tests.examples import body, file_id
from tests.processes import PATIENCE, TOKEN, eventually
from tests.rows import numbered
from tests.servers import Broker


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """And nothing that was looked up for the test before."""
    monkeypatch.setattr(claiming, "_ahead", claiming._Ahead())
    with Sandbox(port=0, token=TOKEN, speed=100) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    return client_of(sandbox)


@pytest.fixture
def two(operator: User) -> list[Submission]:
    return [submissions.submit(numbered(number), by=acting(operator)) for number in range(2)]


def yes() -> bool:
    return True


def statuses() -> list[str]:
    return sorted(Submission.objects.values_list("status", flat=True))


class Meanwhile:
    """Does something once, while the first call is over and its outcome not stored yet."""

    def __init__(self, happens: Callable[[Submission], object]) -> None:
        self._happens = happens
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        if self.asked == 1:
            self._happens(Submission.objects.get(status="queued"))
        return True


class Halt:
    """Stands still there until ``over``."""

    def __init__(self) -> None:
        self.reached, self.over = threading.Event(), threading.Event()

    def __call__(self) -> bool:
        self.reached.set()
        assert self.over.wait(PATIENCE)
        return True


def elsewhere(work: Callable[[], object]) -> threading.Thread:
    """Begins ``work`` in a thread with a connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_the_next_is_claimed_in_the_transaction_that_stores_the_last_and_before_its_call(
    empty_trail: None, operator: User, sandbox: Sandbox, client: Client
) -> None:
    for number in range(5):
        submissions.submit(numbered(number), by=acting(operator))
    assert dispatch.send(client=client, may_go_on=yes) is not None
    assert statuses() == ["accepted"] * 5
    calls = sandbox.received.of("create")
    sent = [Submission.objects.get(task_id=call.task_id) for call in calls]
    assert len({row.pk for row in sent}) == 5
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT action, submission, txid FROM audit.event WHERE action LIKE 'send.%' ORDER BY seq")
        told = cursor.fetchall()
    assert [event[:2] for event in told] == [
        (action, row.pk) for row in sent for action in ("send.intended", "send.accepted")
    ]
    transactions = [event[2] for event in told]
    assert transactions[1:-1:2] == transactions[2::2]
    assert len(set(transactions)) == 6


def test_a_worker_goes_on_with_the_permits_it_has_drawn_until_it_is_to_end(
    operator: User, sandbox: Sandbox, broker: Broker, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.KOODRIVE_BASE_URL, settings.KOODRIVE_TOKEN, settings.KOODRIVE_AUTH = sandbox.url, TOKEN, "bearer"
    protection, ending = Protection(Rate(1000, settings.REDIS_URL)), threading.Event()
    monkeypatch.setattr(tasks, "_protection", lambda: protection)
    monkeypatch.setattr(tasks, "_ending", ending)
    connection.adopt_environment()
    client = connection.client()
    assert not tasks._may_go_on(client)
    assert protection.may_send(ending.is_set)
    assert tasks._may_go_on(client)
    for number in range(9):
        submissions.submit(numbered(number), by=acting(operator))
    tasks.send()
    assert statuses() == ["accepted"] * 9
    protection.may_send(lambda: False)
    ending.set()
    assert not tasks._may_go_on(client)


def test_nothing_goes_on_without_a_permit(two: list[Submission], sandbox: Sandbox, client: Client) -> None:
    assert dispatch.send(client=client, may_go_on=lambda: False) is not None
    assert statuses() == ["accepted", "queued"]
    assert len(sandbox.received.of("create")) == 1


@pytest.mark.parametrize(
    "fault",
    [Fault(Kind.CODE, code=13000302), Fault(Kind.STATUS, status=429, retry_after=1), Fault(Kind.RESET)],
    ids=["refused", "busy", "doubt"],
)
def test_only_a_task_lets_it_go_on(two: list[Submission], sandbox: Sandbox, client: Client, fault: Fault) -> None:
    sandbox.faults.add(fault)
    asked = Meanwhile(lambda _: None)
    dispatch.send(client=client, may_go_on=asked)
    assert (asked.asked, len(sandbox.received.of("create"))) == (0, 1)
    assert "sending" not in statuses()


@pytest.mark.parametrize(
    "happens",
    [
        lambda row: Submission.objects.filter(pk=row.pk).update(cancel_requested_at=Now()),
        lambda row: pauses.begin(Pause.Cause.UNREACHABLE, "Nothing answers.", by=WORKER),
        lambda row: Submission.objects.filter(pk=row.pk).update(attempts=1),
    ],
    ids=["cancelled", "paused", "tried"],
)
def test_a_next_one_that_is_not_free_any_more_is_left_and_the_outcome_stored(
    two: list[Submission], sandbox: Sandbox, client: Client, happens: Callable[[Submission], object]
) -> None:
    assert dispatch.send(client=client, may_go_on=Meanwhile(happens)) is not None
    assert statuses() == ["accepted", "queued"]
    assert len(sandbox.received.of("create")) == 1


def test_an_outcome_does_not_wait_for_whoever_holds_the_next_one(
    two: list[Submission], sandbox: Sandbox, client: Client
) -> None:
    halt = Halt()
    sending = elsewhere(lambda: dispatch.send(client=client, may_go_on=halt))
    assert halt.reached.wait(PATIENCE)
    with transaction.atomic():
        Submission.objects.select_for_update().get(status="queued")
        halt.over.set()
        sending.join(PATIENCE)
        assert not sending.is_alive()
        assert statuses() == ["accepted", "queued"]
    assert dispatch.send(Submission.objects.get(status="queued").pk, client=client) is not None
    assert statuses() == ["accepted"] * 2


def test_a_twin_claimed_at_the_same_moment_costs_no_outcome(
    two: list[Submission], operator: User, sandbox: Sandbox, client: Client
) -> None:
    halt = Halt()
    sending = elsewhere(lambda: dispatch.send(client=client, may_go_on=halt))
    assert halt.reached.wait(PATIENCE)
    following = Submission.objects.get(status="queued")
    [number] = [number for number, row in enumerate(two) if row.pk == following.pk]
    twin = submissions.submit(numbered(number), by=acting(operator))
    with transaction.atomic():
        claiming.claim(twin, client=client)
        halt.over.set()
        eventually(_somebody_waits, what="the other's claim waits for this one")
    sending.join(PATIENCE)
    assert statuses() == ["accepted", "queued", "sending"]
    assert len(sandbox.received.of("create")) == 1


def _somebody_waits() -> bool:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_a_next_one_that_can_not_be_sent_costs_no_outcome(
    two: list[Submission], sandbox: Sandbox, client: Client
) -> None:
    def tamper(row: Submission) -> None:
        with connections["owner"].cursor() as cursor:
            cursor.execute("UPDATE jobs_app_submission SET request = 'no JSON' WHERE id = %s", [row.pk])
        claiming._ahead._rows[0].request = "no JSON"

    assert dispatch.send(client=client, may_go_on=Meanwhile(tamper)) is not None
    assert statuses() == ["accepted", "queued"]
    assert len(sandbox.received.of("create")) == 1


def test_an_outcome_that_came_late_is_stored_and_claims_nothing(
    two: list[Submission], sandbox: Sandbox, client: Client
) -> None:
    def give_up(row: Submission) -> None:
        Submission.objects.filter(status="sending").update(due_at=Now())
        dispatch.give_up_lost_claims()
        assert statuses() == ["queued", "unknown"]

    assert dispatch.send(client=client, may_go_on=Meanwhile(give_up)) is not None
    assert statuses() == ["accepted", "queued"]
    assert Submission.objects.get(status="queued").attempts == 0


def test_a_task_id_of_another_submission_claims_nothing(
    two: list[Submission], operator: User, sandbox: Sandbox, client: Client
) -> None:
    dispatch.send(two[0].pk, client=client)
    two[0].refresh_from_db()
    submissions.submit(numbered(7), by=acting(operator))
    sandbox.faults.add(Fault(Kind.STATUS, status=200, body=f'{{"data": "{two[0].task_id}", "code": 0}}'))
    dispatch.send(client=client, may_go_on=yes)
    assert statuses() == ["accepted", "queued", "unknown"]


def test_a_password_is_forgotten_as_the_next_is_claimed(operator: User, sandbox: Sandbox, client: Client) -> None:
    for number, password in enumerate(("open sesame", "sesame open")):
        given = body("extract", password=password)
        given["taskInfo"]["fileInfo"] = [{"fileId": file_id(number)}]
        submissions.submit(given, by=acting(operator))
    dispatch.send(client=client, may_go_on=yes)
    assert statuses() == ["accepted"] * 2
    assert [call.has_password for call in sandbox.received.of("create")] == [True, True]
    assert not ArchivePassword.objects.exists()
