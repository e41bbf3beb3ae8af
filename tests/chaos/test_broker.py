"""The broker is down, frozen or says everything a hundred times: submitting goes on, and each is sent once."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_app import tasks
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Submission
from tests.chaos.conftest import scaled
from tests.conftest import Api
from tests.examples import file_id
from tests.processes import SPEED, TOKEN, Processes, eventually, settled
from tests.rows import numbered
from tests.servers import Broker

MANY = 100
SLOWEST = 2.5  # seconds within which 99 of 100 create calls answer
SWEEP = 10.0  # seconds; what the portal does unless told otherwise
RECONNECTING = 15.0  # seconds that worker and beat may need to find the broker again


@pytest.fixture
def unhurried(database: None, broker: Broker, tmp_path: Path) -> Iterator[Processes]:
    """A worker and a beat that sweeps as seldom as in production."""
    with Sandbox(port=0, token=TOKEN, speed=SPEED) as sandbox:
        processes = Processes(tmp_path, sandbox, PORTAL_SWEEP_SECONDS=str(SWEEP), KOODRIVE_RATE="500/s")
        processes.worker()
        processes.beat()
        yield processes
        processes.stop()


def submitted(service: Api, first: int, count: int) -> tuple[list[Submission], list[float]]:
    """The rows, and the seconds that each call took, the longest last."""
    rows, seconds = [], []
    for number in range(first, first + count):
        began = time.perf_counter()
        answer = service.post("submissions/", numbered(number))
        seconds.append(time.perf_counter() - began)
        assert answer.status_code == 201
        rows.append(Submission.objects.get(pk=answer.json()["id"]))
    return rows, sorted(seconds)


def is_awake(service: Api, own: Processes) -> None:
    """Worker and beat are up: they have sent something."""
    settled(*submitted(service, 9_000, 1)[0])


@pytest.mark.parametrize("how", ["down", "frozen"])
def test_submitting_goes_on_without_a_broker(how: str, service: Api, unhurried: Processes, broker: Broker) -> None:
    is_awake(service, unhurried)
    broker.kill() if how == "down" else broker.freeze()
    rows, seconds = submitted(service, 0, scaled(MANY, least=20))
    broker.start() if how == "down" else broker.thaw()
    began = time.monotonic()
    settled(*rows)
    sent = time.monotonic() - began
    slow = seconds[int(len(seconds) * 0.99) - 1]
    print(
        f"\nbroker {how}: create p99 {slow:.2f} s, slowest {seconds[-1]:.2f} s; all sent {sent:.1f} s after it was back"
    )
    assert slow < SLOWEST
    assert sent <= SWEEP + RECONNECTING
    calls = unhurried.sandbox.received.creates_by_file()
    assert all(calls[file_id(number)] == 1 for number in range(len(rows)))


def test_the_same_message_a_hundred_times_is_one_call(service: Api, own: Processes) -> None:
    [row] = submitted(service, 0, 1)[0]
    for _ in range(100):
        tasks.send.delay(str(row.pk))
    own.worker()
    settled_row = eventually(lambda: Submission.objects.filter(pk=row.pk, status="accepted").first(), what="accepted")
    queue_is_empty = lambda: tasks.send.app.connection_for_read().default_channel.client.llen("celery") == 0  # noqa: E731
    eventually(queue_is_empty, what="every message taken")
    assert settled_row.attempts == 1
    assert len(own.sandbox.received.of("create")) == 1
