"""Following a task in KooDrive to its end."""

import pytest
from django.utils import timezone

from jobs_app import pauses, pulse, tracking
from jobs_app.audit import read
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Fault, Kind, Quirks, Sandbox
from jobs_app.koodrive.sandbox.magic import file_id as magic
from tests.examples import file_id
from tests.following import Send, polled


def test_it_is_followed_from_waiting_through_running_to_its_end(send: Send, sandbox: Sandbox, client: Client) -> None:
    made = send(file_id(1), file_id(2))
    assert polled(made, client).status == "accepted"
    sandbox.clock.advance(1)
    assert polled(made, client).status == "running"
    sandbox.clock.advance(10)
    done = polled(made, client)
    assert (done.status, done.files_succeeded, done.files_failed, done.progress) == ("succeeded", 2, 0, 100)
    assert done.finished_at is not None
    assert all(file.new_file_id for file in done.files.all())


@pytest.mark.parametrize(
    ("keywords", "status", "succeeded", "failed"),
    [(["fails"], "failed", 0, 1), (["fails", "succeeds"], "partially_failed", 1, 1), (["stopped"], "cancelled", 0, 0)],
)
def test_the_ends_that_are_no_success(
    send: Send, sandbox: Sandbox, client: Client, keywords: list[str], status: str, succeeded: int, failed: int
) -> None:
    made = send(*map(magic, keywords))
    sandbox.clock.advance(60)
    done = polled(made, client)
    assert (done.status, done.files_succeeded, done.files_failed) == (status, succeeded, failed)


def test_the_trail_tells_what_became_of_every_file(send: Send, sandbox: Sandbox, client: Client) -> None:
    made = send(magic("fails"), file_id(7))
    sandbox.clock.advance(60)
    polled(made, client)
    event = read.of_submission(made.pk)[-1].parsed["event"]
    assert (event["action"], event["outcome"], event["task"]) == ("task.finished", "failed", made.task_id)
    failed, succeeded = event["files"]
    assert (failed["fileId"], failed["status"], failed["resultCode"]) == (magic("fails"), "failed", "13000308")
    assert (succeeded["fileId"], succeeded["status"]) == (file_id(7), "succeeded")
    assert succeeded["newFileId"]


@pytest.mark.parametrize(
    "fault",
    [Kind.RESET, Kind.GARBAGE, Kind.TRUNCATED, Kind.NO_DATA],
)
def test_a_check_that_fails_changes_nothing_and_is_made_again(
    send: Send, sandbox: Sandbox, client: Client, fault: Kind
) -> None:
    made = send(file_id(1))
    sandbox.clock.advance(60)
    sandbox.faults.add(Fault(fault, call="detail"))
    failed = polled(made, client)
    assert failed.status == "accepted"
    assert failed.detail
    assert failed.due_at is not None
    assert failed.due_at > timezone.now()
    assert polled(made, client).status == "succeeded"


def test_refused_credentials_pause_and_a_working_read_resumes(send: Send, sandbox: Sandbox, client: Client) -> None:
    made = send(file_id(1))
    sandbox.faults.add(Fault(Kind.STATUS, status=401, call="detail"))
    polled(made, client)
    assert pauses.current() is not None
    tracking.try_connection(client=client)
    assert pauses.current() is None


def test_the_documented_contradictions_make_no_difference(send: Send, sandbox: Sandbox, client: Client) -> None:
    sandbox.quirks = Quirks(code_as_text=True, absent=frozenset({"tenantId", "userId", "progress", "resultCode"}))
    made = send(file_id(1))
    sandbox.clock.advance(60)
    assert polled(made, client).status == "succeeded"


def test_reading_keeps_an_idle_token_alive(sandbox: Sandbox, client: Client, send: Send) -> None:
    for _ in range(4):
        sandbox.clock.advance(15 * 60)
        tracking.try_connection(client=client)
    assert send(file_id(1)).status == "accepted"


def test_an_answer_about_a_task_is_a_sign_of_life(send: Send, sandbox: Sandbox, client: Client) -> None:
    made = send(file_id(1))
    assert pulse.last("koodrive") is None
    sandbox.faults.add(Fault(Kind.RESET, call="detail"))
    polled(made, client)
    assert pulse.last("koodrive") is None
    polled(made, client)
    assert pulse.last("koodrive") is not None
