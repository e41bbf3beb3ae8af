"""A real worker mails notices, also when it is killed while the mail server has one in hand."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from jobs_app import submissions
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Notice, User
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.mail_server import MailServer, mail_server
from tests.notices import listen
from tests.processes import SPEED, TOKEN, Processes, eventually
from tests.servers import Broker


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def processes(database: None, broker: Broker, tmp_path: Path, server: MailServer) -> Iterator[Processes]:
    with Sandbox(port=0, token=TOKEN, speed=SPEED) as sandbox:
        running = Processes(tmp_path, sandbox, PORTAL_MAIL_URL=f"smtp://127.0.0.1:{server.port}")
        yield running
        running.stop()


def test_a_worker_that_is_killed_while_it_mails_loses_nothing(
    processes: Processes, operator: User, approver: User, server: MailServer
) -> None:
    listen(operator, approver)
    submissions.submit(body("delete"), by=acting(operator))
    server.holds.clear()
    worker = processes.worker()
    processes.beat()
    eventually(lambda: Notice.objects.filter(claim__isnull=False).exists(), what="a mail is under way")
    processes.kill(worker)
    server.holds.set()
    Notice.objects.filter(mail="waiting").update(due_at=timezone.now() - timedelta(seconds=1))
    processes.worker()
    eventually(lambda: Notice.objects.filter(mail="sent").exists(), what="the mail is sent")
    assert {each["To"] for each in server.received} == {"anton@example.com"}
    assert len({each["Message-ID"] for each in server.received}) == 1
    assert len(server.received) <= 2
