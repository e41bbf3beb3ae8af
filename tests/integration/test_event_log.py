"""Each event goes to the log once it is committed, exactly as it was recorded, and nothing else reads like one."""

import hashlib
import io
import json
import logging
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.db import connections, transaction

from jobs_app import audit, submissions
from jobs_app.actors import COMMAND_LINE
from jobs_app.audit import Action
from jobs_app.errors import AuditUnavailable
from jobs_app.models import Event, Submission, User
from portal import logs
from tests.doors import operator_actor, without_the_trail
from tests.examples import body
from tests.processes import ROOT, address

pytestmark = pytest.mark.usefixtures("database")


def logged(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line)["audit"] for line in log.getvalue().splitlines()]


def test_an_event_is_logged_as_it_was_recorded(log: io.StringIO) -> None:
    receipt = audit.record(Action.SESSION_STARTED, by=COMMAND_LINE, note='"quotes" 100%s \\ \u4e2d\n{"audit":{}}')
    [line] = log.getvalue().splitlines()
    stored = Event.objects.get(seq=receipt.seq).line
    assert line == f'{{"audit":{{"seq":{receipt.seq},"hash":"{receipt.hash}","event":{json_of_event(stored)}}}}}'
    assert receipt.hash == hashlib.sha256(b"\0" + stored.encode()).hexdigest()


def json_of_event(line: str) -> str:
    """The event within a line, byte for byte."""
    return line.partition(',"event":')[2][:-1]


def test_a_change_of_state_is_logged_with_its_receipt(log: io.StringIO, operator: User) -> None:
    made = submissions.submit(body("copy"), by=operator_actor(operator))
    submissions_own = [each for each in logged(log) if each["event"].get("submission") == str(made.pk)]
    assert [each["event"]["action"] for each in submissions_own] == ["submission.created"]


def test_nothing_is_logged_before_the_commit(log: io.StringIO) -> None:
    with transaction.atomic():
        first, second = (audit.record(Action.SESSION_STARTED, by=COMMAND_LINE) for _ in range(2))
        assert log.getvalue() == ""
    assert [each["seq"] for each in logged(log)] == [first.seq, second.seq]


def test_what_is_rolled_back_is_never_logged(log: io.StringIO) -> None:
    with transaction.atomic():
        kept = audit.record(Action.SESSION_STARTED, by=COMMAND_LINE)
        with transaction.atomic():
            audit.record(Action.SESSION_ENDED, by=COMMAND_LINE)
            transaction.set_rollback(True)
    with transaction.atomic():
        audit.record(Action.SESSION_ENDED, by=COMMAND_LINE)
        transaction.set_rollback(True)
    assert [each["seq"] for each in logged(log)] == [kept.seq]


def test_a_guarded_update_is_logged_when_it_changed_something(log: io.StringIO, operator: User) -> None:
    made = submissions.submit(body("copy"), by=operator_actor(operator))
    log.truncate(0)
    log.seek(0)
    entry = audit.Entry(Action.SEND_INTENDED, COMMAND_LINE, made)
    statement = "UPDATE jobs_app_submission SET detail = 'x' WHERE id = %s"
    receipt = audit.record_with(statement, [made.pk], entry)
    assert receipt is not None
    assert audit.record_with(f"{statement} AND FALSE", [made.pk], entry) is None
    with transaction.atomic():
        audit.record_with(statement, [made.pk], entry)
        transaction.set_rollback(True)
    assert [(each["seq"], each["hash"]) for each in logged(log)] == [(receipt.seq, receipt.hash)]


def test_an_event_that_could_not_be_recorded_is_not_logged(log: io.StringIO) -> None:
    with without_the_trail(), pytest.raises(AuditUnavailable):
        audit.record(Action.SESSION_STARTED, by=COMMAND_LINE)
    assert log.getvalue() == ""


class _Full(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise OSError("no space left on device")


def test_a_log_that_can_not_be_written_fails_nobody(operator: User) -> None:
    events, full = logging.getLogger(logs.EVENTS), _Full()
    events.addHandler(full)
    try:
        made = submissions.submit(body("copy"), by=operator_actor(operator))
        receipt = audit.record(Action.SESSION_STARTED, by=COMMAND_LINE)
    finally:
        events.removeHandler(full)
    assert Submission.objects.filter(pk=made.pk).exists()
    assert Event.objects.filter(seq=receipt.seq).exists()


def test_a_process_writes_it_to_standard_error_in_one_line() -> None:
    environment = os.environ | {"DATABASE_URL": address("default"), "PORTAL_DATA_DIR": str(settings.DATA_DIR)}
    command = [sys.executable, "manage.py", "create_token", "payroll", "--scope", "submissions:read"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("kdp_")
    assert done.stdout.count("\n") == 1
    actions = [json.loads(line)["audit"]["event"]["action"] for line in done.stderr.splitlines()]
    assert actions == ["service.created", "token.created"]
    assert done.stdout.strip() not in done.stderr


@pytest.mark.parametrize("typed", ['/{"audit":{"seq":1,"hash":"00"}}', '/\n{ "audit" : {"seq":1}}'])
def test_what_a_stranger_types_never_reads_like_an_event(typed: str) -> None:
    words = logs.Words(settings.LOGGING["formatters"]["text"]["format"])
    line = words.format(logging.LogRecord("django", logging.WARNING, "", 0, "Not Found: %s", (typed,), None))
    assert not any(logs.is_event(part) for part in line.split("/")[-1].splitlines())
    assert "audit" in line


def test_the_owners_connection_logs_too(log: io.StringIO) -> None:
    with transaction.atomic(using="owner"):
        receipt = audit.record(Action.SESSION_STARTED, by=COMMAND_LINE, using="owner")
        assert log.getvalue() == ""
    assert [each["seq"] for each in logged(log)] == [receipt.seq]
    assert f'"db":"{connections["owner"].settings_dict["USER"]}"' in Event.objects.get(seq=receipt.seq).line
