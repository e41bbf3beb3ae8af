"""Real workers deliver notices, also when one of them is killed while the receiver has one in hand."""

import threading
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Delivery, Submission
from tests.callbacks import Subscriber, everything_is_due, snippet
from tests.processes import SPEED, TOKEN, Processes, eventually, settled
from tests.receiver import Receiver, held, receiving, status
from tests.servers import Broker


@pytest.fixture(autouse=True)
def loopback_allowed(settings: Any) -> None:
    settings.CALLBACK_NETWORKS = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def processes(database: None, broker: Broker, tmp_path: Path) -> Iterator[Processes]:
    with Sandbox(port=0, token=TOKEN, speed=SPEED) as sandbox:
        running = Processes(tmp_path, sandbox, PORTAL_CALLBACK_ALLOW="127.0.0.0/8")
        yield running
        running.stop()


def test_a_service_is_told_the_whole_way_of_its_submission(processes: Processes, receiver: Receiver) -> None:
    payroll = Subscriber(receiver)
    processes.worker()
    processes.beat()
    made = payroll.submit()
    eventually(lambda: (made, "succeeded") in payroll.told(), what="the end is told")
    states = [state for _, state in payroll.told()]
    assert states[:3] == ["queued", "sending", "accepted"]
    for got in receiver.received:
        assert snippet()(payroll.secret, got.headers, got.body)


def test_a_worker_that_is_killed_while_it_delivers_loses_nothing(processes: Processes, receiver: Receiver) -> None:
    payroll = Subscriber(receiver)
    may_answer = threading.Event()
    receiver.answer = held(may_answer)
    made = [payroll.submit_and_cancel() for _ in range(10)]
    worker = processes.worker()
    processes.beat()
    eventually(lambda: len(receiver.received) == 4, what="four notices are under way")
    processes.kill(worker)
    may_answer.set()
    receiver.answer = status(204)
    everything_is_due()
    processes.worker()
    pending = Delivery.objects.filter(state="pending")
    eventually(lambda: Delivery.objects.count() == 20 and not pending.exists(), what="everything is delivered")
    for each in made:
        states = list(dict.fromkeys(state for submission, state in payroll.told() if submission == each))
        assert states == ["queued", "cancelled"]
    # Those that were in hand came a second time, under the same id, and nothing else did.
    ids = [got.headers["webhook-id"] for got in receiver.received]
    assert (len(ids), len(set(ids))) == (24, 20)


def test_a_worker_with_an_authority_that_cannot_be_read_does_not_start(processes: Processes, tmp_path: Path) -> None:
    careless = Processes(tmp_path, processes.sandbox, PORTAL_CALLBACK_CA_FILE="/nowhere/ca.pem")
    assert careless.worker().wait(60) != 0
    assert "PORTAL_CALLBACK_CA_FILE names /nowhere/ca.pem" in careless.logs()


def test_a_receiver_that_hangs_holds_up_neither_sending_nor_following(processes: Processes, receiver: Receiver) -> None:
    payroll = Subscriber(receiver)
    may_answer = threading.Event()
    receiver.answer = held(may_answer)
    processes.worker(2)
    processes.beat()
    earlier = [payroll.submit() for _ in range(4)]
    eventually(lambda: len(receiver.received) == 4, what="the receiver has as many as it may")
    later = payroll.submit(reference="later")
    settled(*Submission.objects.filter(pk__in=[*earlier, later]))
    assert Delivery.objects.filter(state="delivered").count() == 0
    may_answer.set()
