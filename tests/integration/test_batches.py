"""A batch as one thing: how it stands, one decision, cancelling, trying the rest again, and its result file."""

import csv
import hashlib
import io
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from jobs_app import batches, bulk, cancelling, claiming
from jobs_app.actors import SUBMISSION_SCOPES, Role
from jobs_app.audit import read
from jobs_app.errors import OwnSubmission, RequestDiffers, WrongState
from jobs_app.koodrive.client import Client
from jobs_app.models import Approval, Batch, Event, Service, Submission, SubmissionFile, User
from tests.conftest import Api, give_role, make_person, token_of
from tests.doors import newest_event, operator_actor, without_the_trail
from tests.examples import body, file_id
from tests.policies import ruled
from tests.rows import numbered

REASON = {"reason": "second try"}


def deletion(number: int) -> dict[str, Any]:
    return numbered(number, "delete")


def make(user: User, *rows: dict[str, Any]) -> Batch:
    return bulk.submit({"submissions": list(rows)}, by=operator_actor(user))


def states(batch: Batch) -> list[str]:
    return list(batch.members.order_by("row").values_list("status", flat=True))


def end(row: Submission, status: str, *file_statuses: str) -> None:
    """As the worker would leave it; written by the owner, who is bound by no trigger."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_app_submission DISABLE TRIGGER USER")
        try:
            cursor.execute(
                "UPDATE jobs_app_submission SET status = %s, task_id = %s, outcome_basis = 'answer', due_at = NULL, "
                "finished_at = now(), files_succeeded = %s, files_failed = %s WHERE id = %s",
                [status, str(row.row or 0), file_statuses.count("succeeded"), file_statuses.count("failed"), row.pk],
            )
        finally:
            cursor.execute("ALTER TABLE jobs_app_submission ENABLE TRIGGER USER")
    for file, file_status in zip(row.files.all(), file_statuses, strict=True):
        SubmissionFile.objects.filter(pk=file.pk).update(status=file_status, result_code="0")


@pytest.fixture
def deletions(operator: User) -> Batch:
    return make(operator, *map(deletion, range(3)))


# --- Seeing it -------------------------------------------------------------------------------------------------------
def test_a_batch_tells_how_its_members_stand(operator: User) -> None:
    batch = make(operator, numbered(0), body("extract", files=3), deletion(5))
    end(batch.members.get(row=1), "partially_failed", "succeeded", "failed", "failed")
    shown = Api(person=operator).get(f"batches/{batch.pk}/").json()
    assert shown["counts"] == {"queued": 1, "partially_failed": 1, "awaiting_approval": 1}
    assert shown["files"] == {"total": 5, "succeeded": 1, "failed": 2, "pending": 2}
    assert (shown["total"], shown["final"], shown["operation"]) == (3, False, None)
    assert shown["createdBy"]["name"] == "olga"
    assert shown["approval"] == {"needed": None, "given": [], "expiresAt": shown["approval"]["expiresAt"]}
    assert shown["url"] == f"/batches/{batch.pk}/"


def test_the_hash_of_a_batch_is_that_of_its_members_hashes(deletions: Batch, operator: User) -> None:
    hashes = sorted(deletions.members.values_list("request_sha256", flat=True))
    expected = hashlib.sha256("\n".join(hashes).encode()).hexdigest()
    assert Api(person=operator).get(f"batches/{deletions.pk}/").json()["requestSha256"] == expected


def test_who_sees_the_members_sees_the_batch_and_nobody_else(service: Api, auditor: User, stranger: User) -> None:
    made = service.post("submissions/bulk/", {"submissions": [numbered(0)]}).json()["batch"]
    everything, own, write = SUBMISSION_SCOPES[1], SUBMISSION_SCOPES[0], SUBMISSION_SCOPES[2]
    callers = {
        200: [
            service,
            Api(person=auditor),
            Api(token=token_of("reader", everything)),
            Api(token=token_of("payroll", own)),
        ],
        404: [Api(person=stranger), Api(token=token_of("archive", own, write)), Api(token=token_of("payroll", write))],
    }
    for status, those in callers.items():
        for api in those:
            assert api.get(f"batches/{made}/").status_code == status
            assert api.get(f"batches/{made}/results.csv").status_code == status
    for verb in ("cancel", "retry", "approve", "reject"):
        assert callers[404][1].post(f"batches/{made}/{verb}/", {}).status_code == 404
    assert service.get(f"batches/{uuid.uuid4()}/").status_code == 404


# --- Deciding --------------------------------------------------------------------------------------------------------
def test_one_approval_sends_all_members_on_and_each_has_its_event(deletions: Batch, approver: User) -> None:
    api = Api(person=approver)
    sha256 = api.get(f"batches/{deletions.pk}/").json()["requestSha256"]
    answer = api.post(f"batches/{deletions.pk}/approve/", {"requestSha256": sha256, "comment": "agreed"})
    assert answer.status_code == 200
    assert answer.json()["counts"] == {"queued": 3}
    assert [(each["by"]["name"], each["comment"]) for each in answer.json()["approval"]["given"]] == [
        ("anton", "agreed")
    ]
    for row in deletions.members.all():
        event = read.of_submission(row.pk)[-1].parsed["event"]
        assert (event["action"], event["comment"], event["batchSha256"]) == ("submission.approved", "agreed", sha256)
        assert (event["requestSha256"], event["batch"]) == (row.request_sha256, str(deletions.pk))
        assert event["after"] == {"status": "queued"}
        assert row.due_at


def test_approving_more_members_takes_no_more_statements(operator: User, approver: User, administrator: User) -> None:
    ruled(administrator, **{"approvals.extract": 1})
    counts = []
    for first, size in ((0, 2), (2, 8)):
        rows = [numbered(number, "extract") | {"password": f"secret {number}"} for number in range(first, first + size)]
        batch = make(operator, *rows)
        with CaptureQueriesContext(connection) as statements:
            batches.approve(batch, by=operator_actor(approver), request_sha256=batches.standing(batch).sha256)
        counts.append(len(statements))
    assert counts[1] <= counts[0]
    assert len(set(Approval.objects.values_list("password_mark", flat=True))) == 10


def test_one_rejection_ends_all_members(deletions: Batch, approver: User) -> None:
    api, path = Api(person=approver), f"batches/{deletions.pk}/reject/"
    sha256 = batches.standing(deletions).sha256
    assert api.post(path, {"requestSha256": sha256}).status_code == 400, "a rejection needs a comment"
    assert api.post(path, {"requestSha256": sha256, "comment": "legal hold"}).status_code == 200
    assert states(deletions) == ["rejected"] * 3
    assert api.post(path, {"requestSha256": sha256, "comment": "again"}).status_code == 409


def test_what_was_not_looked_at_is_not_decided(deletions: Batch, approver: User) -> None:
    with pytest.raises(RequestDiffers):
        batches.approve(deletions, by=operator_actor(approver), request_sha256="0" * 64)
    assert states(deletions) == ["awaiting_approval"] * 3
    assert not Approval.objects.exists()


def test_nobody_approves_their_own_batch_nor_that_of_their_service(operator: User) -> None:
    give_role(operator, Role.APPROVER)
    own = make(operator, deletion(0))
    api = Api(token=token_of("payroll", *SUBMISSION_SCOPES, owner=operator))
    assert Service.objects.get().owner == operator
    of_service = Batch.objects.get(pk=api.post("submissions/bulk/", {"submissions": [deletion(1)]}).json()["batch"])
    for batch in (own, of_service):
        for verb in (batches.approve, batches.reject):
            with pytest.raises(OwnSubmission):
                verb(batch, by=operator_actor(operator), request_sha256=batches.standing(batch).sha256, comment="x")
        assert states(batch) == ["awaiting_approval"]
    assert newest_event("permission.denied")["batch"] == str(of_service.pk)


@pytest.mark.parametrize("person", ["operator", "auditor", "administrator"])
def test_who_is_no_approver_decides_nothing(deletions: Batch, person: str, request: pytest.FixtureRequest) -> None:
    api = Api(person=request.getfixturevalue(person))
    sha256 = batches.standing(deletions).sha256
    for verb in ("approve", "reject"):
        body_ = {"requestSha256": sha256, "comment": "x"}
        assert api.post(f"batches/{deletions.pk}/{verb}/", body_).status_code == 403
    assert states(deletions) == ["awaiting_approval"] * 3


def test_a_service_decides_nothing(service: Api) -> None:
    made = service.post("submissions/bulk/", {"submissions": [deletion(1)]}).json()["batch"]
    answer = service.post(f"batches/{made}/approve/", {"requestSha256": "0" * 64})
    assert answer.status_code == 403
    assert answer.json()["type"].endswith(":people_only")


def test_a_decision_is_about_those_that_still_wait(deletions: Batch, approver: User, operator: User) -> None:
    cancelling.cancel(deletions.members.get(row=1), by=operator_actor(operator))
    sha256 = batches.standing(deletions).sha256
    batches.approve(deletions, by=operator_actor(approver), request_sha256=sha256)
    assert states(deletions) == ["queued", "cancelled", "queued"]
    other = make_person("berta", Role.APPROVER)
    with pytest.raises(WrongState):
        batches.approve(deletions, by=operator_actor(other), request_sha256=sha256)


def test_a_decision_that_the_trail_cannot_tell_is_none(deletions: Batch, approver: User) -> None:
    api = Api(person=approver)
    sha256 = batches.standing(deletions).sha256
    with without_the_trail():
        answer = api.post(f"batches/{deletions.pk}/approve/", {"requestSha256": sha256})
    assert answer.status_code == 503
    assert states(deletions) == ["awaiting_approval"] * 3
    assert not Approval.objects.exists()


# --- Cancelling ------------------------------------------------------------------------------------------------------
def test_cancelling_does_what_is_possible_and_says_the_rest(operator: User, client: Client) -> None:
    batch = make(operator, numbered(0), numbered(1), deletion(2), numbered(3))
    end(batch.members.get(row=1), "succeeded", "succeeded")
    assert claiming.take(client=client, only=batch.members.get(row=3).pk)
    answer = Api(person=operator).post(f"batches/{batch.pk}/cancel/", {})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [(each["index"], each["status"], each["state"]) for each in results] == [
        (0, 200, "cancelled"),
        (1, 409, "succeeded"),
        (2, 200, "cancelled"),
        (3, 200, "sending"),
    ]
    assert results[1]["errors"][0]["code"] == "wrong_state"
    assert batch.members.get(row=3).cancel_requested_at
    actions = [
        event.action for event in Event.objects.filter(submission__in=batch.members.values("pk")).order_by("seq")
    ]
    assert (actions.count("submission.cancelled"), actions.count("cancel.requested")) == (2, 1)
    again = Api(person=operator).post(f"batches/{batch.pk}/cancel/", {})
    assert [each["status"] for each in again.json()["results"]] == [409, 409, 409, 200]
    assert Event.objects.filter(submission=batch.members.get(row=3).pk, action="cancel.requested").count() == 1


def test_a_batch_that_has_ended_cannot_be_cancelled(operator: User) -> None:
    batch = make(operator, numbered(0))
    batches.cancel(batch, by=operator_actor(operator))
    assert Api(person=operator).post(f"batches/{batch.pk}/cancel/", {}).status_code == 409
    assert Api(person=operator).post(f"batches/{batch.pk}/cancel/", {"force": True}).status_code == 400


@pytest.mark.parametrize("person", ["approver", "auditor", "administrator"])
def test_who_may_not_cancel_or_retry_changes_nothing(person: str, request: pytest.FixtureRequest) -> None:
    batch = make(request.getfixturevalue("operator"), numbered(0))
    api = Api(person=request.getfixturevalue(person))
    for verb, said in (("cancel", {}), ("retry", REASON)):
        assert api.post(f"batches/{batch.pk}/{verb}/", said).status_code == 403
        assert newest_event("permission.denied")["batch"] == str(batch.pk)
    assert states(batch) == ["queued"]


def test_cancelling_and_deciding_at_once_leave_no_half_batch(operator: User, approver: User) -> None:
    """Both lock all members in one order: one waits for the other, and none of them sees half of its work."""

    def run(verb: Callable[[], object]) -> str:
        try:
            verb()
        except WrongState:
            return "late"
        finally:
            connections.close_all()
        return "done"

    for turn in range(5):
        batch = make(operator, *[deletion(100 * turn + number) for number in range(40)])
        sha256 = batches.standing(batch).sha256
        cancel = partial(batches.cancel, batch, by=operator_actor(operator))
        approve = partial(batches.approve, batch, by=operator_actor(approver), request_sha256=sha256)
        with ThreadPoolExecutor(2) as pool:
            cancelled, approved = pool.map(run, [cancel, approve])
        assert cancelled == "done"
        assert set(states(batch)) == {"cancelled"}
        assert Approval.objects.filter(submission__batch=batch).count() == (40 if approved == "done" else 0)


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_what_the_trail_cannot_tell_is_not_done(operator: User, verb: str) -> None:
    batch, api = make(operator, numbered(0), numbered(1)), Api(person=operator)
    cancelling.cancel(batch.members.get(row=1), by=operator_actor(operator))
    with without_the_trail():
        answer = api.post(f"batches/{batch.pk}/{verb}/", REASON if verb == "retry" else {})
    assert answer.status_code == 503
    assert states(batch) == ["queued", "cancelled"]
    assert Batch.objects.count() == 1


# --- Trying again ----------------------------------------------------------------------------------------------------
def test_what_did_not_succeed_is_a_new_batch_and_the_rest_is_told(operator: User) -> None:
    batch = make(operator, numbered(0), body("copy", files=3), numbered(7), deletion(8))
    end(batch.members.get(row=0), "succeeded", "succeeded")
    end(batch.members.get(row=1), "partially_failed", "succeeded", "failed", "pending")
    path, key = f"batches/{batch.pk}/retry/", {"Idempotency-Key": "again"}
    cancelling.cancel(batch.members.get(row=3), by=operator_actor(operator))
    api = Api(person=operator)
    answer = api.post(path, REASON, **key)
    assert answer.status_code == 201
    results = answer.json()["results"]
    assert [(each["index"], each["status"]) for each in results] == [(0, 409), (1, 201), (2, 409), (3, 201)]
    made = results[1]["submission"]
    assert [each["fileId"] for each in made["request"]["taskInfo"]["fileInfo"]] == [file_id(1), file_id(2)]
    assert (made["retryOf"], made["reason"]) == (str(batch.members.get(row=1).pk), REASON["reason"])
    assert results[3]["submission"]["status"] == "awaiting_approval", "a new deletion needs a new approval"
    assert api.get(f"batches/{answer.json()['batch']}/").json()["retryOf"] == str(batch.pk)
    again = api.post(path, REASON, **key)
    assert (again.status_code, again.json()) == (200, answer.json())
    assert Submission.objects.count() == 6


def test_a_batch_without_anything_left_is_not_tried_again(operator: User) -> None:
    batch = make(operator, numbered(0))
    api = Api(person=operator)
    assert api.post(f"batches/{batch.pk}/retry/", REASON).status_code == 409
    assert api.post(f"batches/{batch.pk}/retry/", {}).status_code == 400
    assert Batch.objects.count() == 1


def test_a_password_is_wanted_again_and_only_where_one_was(operator: User) -> None:
    batch = make(operator, body("extract", password="first-1"), numbered(5))
    plain = make(operator, numbered(6))
    for each in (batch, plain):
        batches.cancel(each, by=operator_actor(operator))
    api = Api(person=operator)
    without = api.post(f"batches/{batch.pk}/retry/", REASON).json()["results"]
    assert [each["status"] for each in without] == [400, 201]
    assert without[0]["errors"][0]["code"] == "password_required"
    given = api.post(f"batches/{batch.pk}/retry/", REASON | {"password": "second-2"}).json()["results"]
    assert [each["status"] for each in given] == [201, 201]
    idle = api.post(f"batches/{plain.pk}/retry/", REASON | {"password": "second-2"})
    assert idle.json()["errors"][0]["pointer"] == "/password"


# --- The result file -------------------------------------------------------------------------------------------------
def lines_of(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_the_result_file_tells_every_line_of_the_table(operator: User, settings: Any) -> None:
    settings.KOODRIVE_MAX_FILES = 2
    table = "fileId,name\n" + "".join(f"{file_id(n)},=name {n}\n" for n in range(3))
    shared = {"operation": "copy", "srcContainerId": "S", "dstContainerId": "D", "reason": "r", "newFilePath": "F"}
    batch = bulk.submit_table(table, shared, by=operator_actor(operator))
    end(batch.members.get(row=2), "partially_failed", "succeeded", "failed")
    SubmissionFile.objects.filter(file_id=file_id(0)).update(new_file_id="-N1")
    SubmissionFile.objects.filter(file_id=file_id(1)).update(result_code="13000303", result_desc="@no")
    answer = Api(person=operator).get(f"batches/{batch.pk}/results.csv")
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Cache-Control"] == "no-store, private"
    lines = lines_of(answer)
    assert [(line["row"], line["fileId"], line["status"]) for line in lines] == [
        ("2", file_id(0), "succeeded"),
        ("3", file_id(1), "failed"),
        ("4", file_id(2), "pending"),
    ]
    assert [line["name"] for line in lines] == ["'=name 0", "'=name 1", "'=name 2"], "a spreadsheet would compute it"
    assert (lines[0]["newFileId"], lines[1]["resultDesc"]) == ("'-N1", "'@no")
    assert lines[1]["advice"]
    assert lines[2]["submissionStatus"] == "queued"
    batches.cancel(batch, by=operator_actor(operator))
    again = batches.retry(batch, reason="r", password=None, by=operator_actor(operator))
    found = lines_of(Api(person=operator).get(f"batches/{again.pk}/results.csv"))
    assert [line["row"] for line in found] == ["3", "4"], "a second try has lost the lines"


@pytest.mark.parametrize("accept", ["text/csv", "*/*", "application/json"])
def test_a_caller_gets_the_table_whatever_it_accepts(deletions: Batch, operator: User, accept: str) -> None:
    api = Api(person=operator)
    found = api._client.get(f"/api/v1/batches/{deletions.pk}/results.csv", headers={"Accept": accept})
    assert (found.status_code, len(lines_of(found))) == (200, 3)
    missing = api._client.get(f"/api/v1/batches/{uuid.uuid4()}/results.csv", headers={"Accept": accept})
    assert (missing.status_code, missing["Content-Type"]) == (404, "application/problem+json")
