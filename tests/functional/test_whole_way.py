"""From the door to KooDrive and to the end, with real processes."""

from typing import Any

import pytest

from jobs_app.audit import read, verifier
from jobs_app.koodrive.sandbox import Fault, Kind, Sandbox
from jobs_app.koodrive.sandbox.magic import file_id as magic_file_id
from jobs_app.models import ArchivePassword, Submission, User
from jobs_app.operations import OPERATIONS
from tests.conftest import Api
from tests.examples import TASK, VENDOR_EXAMPLE, body
from tests.processes import Processes, eventually, settled

CANARY = "canary-Pa55word-4711"


def row(answer: Any) -> Submission:
    assert answer.status_code == 201, answer.content
    return Submission.objects.get(pk=answer.json()["id"])


def test_all_nine_operations_reach_their_end(service: Api, approver: User, sandbox: Sandbox) -> None:
    made = [row(service.post("submissions/", body(each.name))) for each in OPERATIONS]
    person = Api(person=approver)
    for each in made:
        if each.status == "awaiting_approval":
            agreed = {"comment": "agreed", "requestSha256": each.request_sha256}
            assert person.post(f"submissions/{each.pk}/approve/", agreed).status_code == 200
    ended = settled(*made)
    assert {each.operation: each.status for each in ended} == {each.name: "succeeded" for each in OPERATIONS}
    assert len(sandbox.received.of("create")) == len(OPERATIONS)
    for each in ended:
        assert each.task_id is not None
        assert each.files_succeeded == each.files_total
        actions = [line.parsed["event"]["action"] for line in read.of_submission(each.pk)]
        assert [action for action in actions if action not in ("submission.approved", "task.started")] == [
            "submission.created",
            "send.intended",
            "send.accepted",
            "task.finished",
        ]


def test_koodrive_receives_the_vendors_example_field_for_field(service: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(Kind.STATUS, status=200, body=f'{{"data": "{TASK}", "code": 0, "msg": "success"}}'))
    made = row(service.post("submissions/", VENDOR_EXAMPLE | {"reason": "as documented"}))

    def accepted() -> bool:
        made.refresh_from_db()
        return made.status != "queued" and made.status != "sending"

    eventually(accepted, what="an answer")
    assert (made.status, made.task_id, made.outcome_basis) == ("accepted", TASK, "answer")
    [call] = sandbox.received.of("create")
    assert call.body == VENDOR_EXAMPLE
    assert call.headers["authorization"].startswith("Bearer ")
    assert len(call.headers["x-traceid"]) == 58


def test_the_archives_password_reaches_koodrive_and_nothing_else(
    service: Api, running: Processes, sandbox: Sandbox
) -> None:
    made = row(service.post("submissions/", body("extract", password=CANARY)))
    [ended] = settled(made)
    assert ended.status == "succeeded"
    [call] = sandbox.received.of("create")
    assert call.has_password
    assert not ArchivePassword.objects.exists()
    assert CANARY not in running.logs()
    assert not any(CANARY in line.text for line in read.of_submission(made.pk))


def test_what_the_worker_logs_is_what_the_trail_holds(service: Api, running: Processes) -> None:
    made = row(service.post("submissions/", body("copy")))
    settled(made)
    log = verifier.read_log(running.logs().encode().splitlines())
    wanted = {line.parsed["seq"]: bytes.fromhex(line.hash) for line in read.of_submission(made.pk)[1:]}
    assert wanted.items() <= log.items()


@pytest.mark.parametrize(
    ("keyword", "status"),
    [("fails", "failed"), ("partly", "partially_failed"), ("elsewhere", "refused"), ("stopped", "cancelled")]
    + [("busy", "succeeded"), ("lost", "unknown"), ("dropped", "unknown"), ("broken", "unknown")],
)
def test_magic_file_ids_lead_where_they_say(service: Api, sandbox: Sandbox, keyword: str, status: str) -> None:
    given = body("copy")
    given["taskInfo"]["fileInfo"] = [{"fileId": magic_file_id(keyword)}]
    [ended] = settled(row(service.post("submissions/", given)))
    assert ended.status == status
    assert len(sandbox.received.of("create")) == (2 if keyword == "busy" else 1)


def test_the_task_of_a_lost_answer_is_found_in_koodrive_and_followed(service: Api, sandbox: Sandbox) -> None:
    given = body("copy")
    given["taskInfo"]["fileInfo"] = [{"fileId": magic_file_id("lost")}]
    made = row(service.post("submissions/", given))
    eventually(lambda: Submission.objects.filter(pk=made.pk, status="succeeded"), what="settled and followed")
    made.refresh_from_db()
    [call] = sandbox.received.of("create")
    assert (made.task_id, made.outcome_basis, made.attempts) == (call.task_id, "evidence", 1)
    actions = [line.parsed["event"]["action"] for line in read.of_submission(made.pk)][2:]
    assert [each for each in actions if each != "task.started"] == [
        "send.unknown",
        "doubt.settled",
        "task.finished",
    ]
