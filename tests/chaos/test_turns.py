"""How long one waits for others: for identical requests, and behind a service's long queue."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from jobs_app import submissions
from jobs_app.koodrive.sandbox import Fault, Kind, Sandbox
from jobs_app.models import Submission, User
from tests.chaos.conftest import scaled
from tests.conftest import make_person
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.processes import SPEED, TOKEN, Processes, eventually
from tests.rows import insert_queued, numbered
from tests.servers import Broker

TWINS = 50
LATENCY = 0.05
A_LITTLE = 1.6  # times one call's time
LONG = 10_000
PERSON_WAITS = 5.0  # seconds at most


def test_fifty_identical_ones_go_one_after_the_other_without_a_gap(operator: User, own: Processes) -> None:
    own.sandbox.faults.add(Fault(Kind.LATENCY, times=None, seconds=LATENCY))
    same = [submissions.submit(body("copy"), by=acting(operator)) for _ in range(TWINS)]
    own.worker()
    eventually(lambda: len(own.sandbox.received.of("create")) == TWINS, what="all of them sent")
    arrived = [call.at for call in own.sandbox.received.of("create")]
    each = (arrived[-1] - arrived[0]) / (TWINS - 1)
    print(f"\n{TWINS} identical ones: {each * 1000:.0f} ms each, of which {LATENCY * 1000:.0f} ms are KooDrive's")
    assert each <= LATENCY * A_LITTLE
    assert all(gap >= LATENCY for gap in _gaps(arrived))
    sent = Submission.objects.filter(pk__in=[row.pk for row in same], attempts=1)
    eventually(lambda: sent.count() == TWINS, what="each sent once")


def test_a_long_queue_does_not_hold_up_a_person(operator: User, broker: Broker, tmp_path: Path) -> None:
    insert_queued(scaled(LONG, least=1_000), operator)
    person = acting(make_person("otto", *operator.current_roles()))
    with Sandbox(port=0, token=TOKEN, speed=SPEED) as sandbox:
        own = Processes(tmp_path, sandbox, KOODRIVE_RATE="100/s", PORTAL_POLL_SECONDS="60")
        try:
            own.worker(20)
            own.beat()
            eventually(lambda: len(sandbox.received) > 50, what="the queue under way")
            waited = [
                _seconds_until_sent(lambda n=n: submissions.submit(numbered(50_000 + n), by=person)) for n in range(10)
            ]
        finally:
            own.stop()
    rest = Submission.objects.filter(status="queued").count()
    print(f"\na person behind {rest} rows: {statistics.median(waited):.2f} s, at most {max(waited):.2f} s")
    assert rest > 0
    assert max(waited) < PERSON_WAITS


def _seconds_until_sent(submit: Callable[[], Submission]) -> float:
    row = submit()
    began = time.monotonic()
    sent = Submission.objects.filter(pk=row.pk, task_id__isnull=False)
    eventually(sent.exists, what="the person's own sent")
    return time.monotonic() - began


def _gaps(moments: list[float]) -> list[float]:
    return [later - earlier for earlier, later in zip(moments, moments[1:], strict=False)]
