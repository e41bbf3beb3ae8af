"""Many submissions in one call: all or nothing, or what is good of them; told, turned and repeated like any other."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections

from jobs_app import bulk, claiming, idempotency, lifecycle, submissions
from jobs_app.actors import SUBMISSION_SCOPES
from jobs_app.audit import read
from jobs_app.koodrive.client import Client
from jobs_app.models import ArchivePassword, Batch, Event, Submission, SubmissionFile, User
from tests.conftest import Api, token_of
from tests.doors import newest_event, operator_actor, without_the_trail
from tests.examples import body, file_id
from tests.rows import numbered
from tests.services import make_token

KEY = {"Idempotency-Key": "bulk-4711"}


def rows(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [numbered(number) | changes for number in range(count)]


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def bad(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"dstContainerId": ""}


def post(api: Api, submissions_: list[Any], **more: Any) -> Any:
    headers = {name: more.pop(name) for name in list(more) if name == "Idempotency-Key"}
    return api.post("submissions/bulk/", {"submissions": submissions_, **more}, **headers)


def test_every_row_becomes_a_submission_of_one_batch(service: Api) -> None:
    answer = post(service, rows(3))
    assert answer.status_code == 201
    results = answer.json()["results"]
    assert [(each["index"], each["status"]) for each in results] == [(0, 201), (1, 201), (2, 201)]
    for number, each in enumerate(results):
        made = each["submission"]
        assert (made["batch"], made["row"], made["source"]) == (answer.json()["batch"], number, "api")
        assert made["request"]["taskInfo"]["fileInfo"] == [{"fileId": file_id(number)}]
        assert made["receipt"]["seq"]
        assert service.get(f"submissions/{made['id']}/").json() == made
    assert answer["Location"].endswith(f"/api/v1/batches/{answer.json()['batch']}/")


def test_the_events_of_members_name_their_batch(service: Api, operator: User, client: Client) -> None:
    made = post(service, rows(2)).json()
    [first, second] = [each["submission"]["id"] for each in made["results"]]
    assert claiming.take(client=client)
    assert claiming.take(client=client)
    for id_ in (first, second):
        lines = read.of_submission(uuid.UUID(id_))
        assert [line.parsed["event"]["action"] for line in lines] == ["submission.created", "send.intended"]
        assert {line.parsed["event"]["batch"] for line in lines} == {made["batch"]}
        assert lines[0].parsed["event"]["request"]["taskType"] == 1


def test_one_bad_row_keeps_all_out_and_every_error_is_told_at_once(service: Api) -> None:
    given = [rows(1)[0], bad(numbered(1)), without(numbered(2), "taskType", "reason"), "no object"]
    answer = post(service, given)
    assert answer.status_code == 400
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        ("/submissions/1/dstContainerId", "empty"),
        ("/submissions/2/taskType", "required"),
        ("/submissions/2/reason", "required"),
        ("/submissions/3", "wrong_type"),
    ]
    assert not Submission.objects.exists()
    assert not Batch.objects.exists()


def test_of_a_partial_call_the_good_rows_are_stored_and_its_repetition_says_the_same(service: Api) -> None:
    given = [numbered(0), bad(numbered(1)), numbered(2)]
    first = post(service, given, atomic=False, **KEY)
    assert first.status_code == 201
    results = first.json()["results"]
    assert [(each["index"], each["status"]) for each in results] == [(0, 201), (1, 400), (2, 201)]
    assert results[1]["errors"][0]["pointer"] == "/dstContainerId"
    assert Submission.objects.count() == 2
    again = post(service, given, atomic=False, **KEY)
    assert (again.status_code, again["Idempotency-Replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert Submission.objects.count() == 2


def test_of_a_partial_call_without_a_good_row_nothing_is_made(service: Api) -> None:
    answer = post(service, [bad(numbered(0)), bad(numbered(1))], atomic=False, **KEY)
    assert answer.status_code == 400
    assert {each["pointer"] for each in answer.json()["errors"]} == {
        "/submissions/0/dstContainerId",
        "/submissions/1/dstContainerId",
    }
    assert not Batch.objects.exists()
    assert post(service, rows(1), **KEY).status_code == 201, "a call that failed has used its key"


def test_a_row_without_a_reason_or_a_reference_takes_that_of_the_call(service: Api) -> None:
    given = [without(numbered(0), "reason"), numbered(1) | {"reason": "own", "reference": "R-1"}]
    made = [each["submission"] for each in post(service, given, reason="all", reference="R-0").json()["results"]]
    assert [(each["reason"], each["reference"]) for each in made] == [("all", "R-0"), ("own", "R-1")]


@pytest.mark.parametrize(
    ("document", "pointer", "code"),
    [
        ([], "", "wrong_type"),
        ({}, "/submissions", "required"),
        ({"submissions": {}}, "/submissions", "wrong_type"),
        ({"submissions": []}, "/submissions", "empty"),
        ({"submissions": [numbered(0)], "atomic": "no"}, "/atomic", "wrong_type"),
        ({"submissions": [numbered(0)], "atomic": None}, "/atomic", "wrong_type"),
        ({"submissions": [numbered(0)], "reason": "x" * 1001}, "/reason", "too_long"),
        ({"submissions": [numbered(0)], "more": 1}, "/more", "unknown_field"),
    ],
    ids=str,
)
def test_a_document_of_another_form_is_refused(service: Api, document: Any, pointer: str, code: str) -> None:
    answer = service.post("submissions/bulk/", document)
    assert answer.status_code == 400
    assert (pointer, code) in {(each["pointer"], each["code"]) for each in answer.json()["errors"]}
    assert not Submission.objects.exists()


def test_more_than_a_call_takes_is_refused_whole(service: Api) -> None:
    too_many_rows = post(service, rows(1001))
    too_many_files = post(service, [body("copy", files=910) for _ in range(11)])
    for answer in (too_many_rows, too_many_files):
        assert answer.status_code == 413
        assert "10,000 files" in answer.json()["detail"]
    assert service.post("submissions/bulk/", {"reason": "x" * 12 * 1024 * 1024}).status_code == 413
    assert not Submission.objects.exists()


def test_a_thousand_rows_are_stored_with_a_few_statements(operator: User, django_assert_max_num_queries: Any) -> None:
    given = {"submissions": rows(1000)}
    with django_assert_max_num_queries(11):
        batch = bulk.submit(given, by=operator_actor(operator))
    assert (batch.total, batch.members.count()) == (1000, 1000)
    assert SubmissionFile.objects.filter(submission__batch=batch).count() == 1000
    assert Event.objects.filter(action="submission.created", submission__in=batch.members.values("pk")).count() == 1000
    listed = [row.row for row in batch.members.order_by("-created_at", "-id")]
    assert listed == list(range(1000)), "the list doesn't keep the order of the rows"


def test_rows_of_different_operations_keep_their_own_rules(service: Api) -> None:
    made = post(service, [body("copy"), body("delete"), body("extract", password="canary-1")]).json()
    states = [each["submission"]["status"] for each in made["results"]]
    assert states == ["queued", "awaiting_approval", "queued"]
    batch = Batch.objects.get()
    assert (batch.operation, batch.reason) == (None, body("copy")["reason"])
    assert ArchivePassword.objects.get().submission.row == 2
    assert "canary" not in str(made)
    assert not Event.objects.filter(line__contains="canary-1").exists()


def test_twins_in_a_batch_are_sent_one_after_the_other(service: Api, client: Client) -> None:
    made = post(service, [numbered(0), numbered(0)])
    assert made.status_code == 201
    first = claiming.take(client=client)
    assert first
    assert claiming.take(client=client) is None, "a twin was claimed beside the other"
    assert Submission.objects.filter(status="queued").count() == 1


def test_a_long_batch_does_not_hold_up_a_person(service: Api, operator: User, client: Client) -> None:
    post(service, rows(300))
    own = submissions.submit(numbered(9999), by=operator_actor(operator))
    claimed = [claiming.take(client=client) for _ in range(claiming.BATCH)]
    assert own.pk in {each.submission.pk for each in claimed if each}


@pytest.mark.parametrize("scope", [SUBMISSION_SCOPES[0], SUBMISSION_SCOPES[1]])
def test_who_may_only_read_submits_nothing(database: None, scope: Any) -> None:
    assert post(Api(token=token_of("reader", scope)), rows(1)).status_code == 403
    assert not Submission.objects.exists()


@pytest.mark.parametrize("person", ["approver", "auditor", "administrator", "stranger"])
def test_a_person_who_is_no_operator_submits_nothing(person: str, request: pytest.FixtureRequest) -> None:
    assert post(Api(person=request.getfixturevalue(person)), rows(1)).status_code == 403
    assert not Submission.objects.exists()
    assert Event.objects.filter(action="permission.denied").exists()


def test_nothing_is_stored_when_the_trail_cannot_be_written(service: Api) -> None:
    with without_the_trail():
        answer = post(service, rows(5), **KEY)
    assert answer.status_code == 503
    assert not Submission.objects.exists()
    assert not Batch.objects.exists()
    assert post(service, rows(5), **KEY).status_code == 201


def test_nothing_is_stored_when_the_database_is_lost_in_the_middle(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is killed after the rows and before their events."""
    events = Event.objects.count()
    written = lifecycle.audit.record_all

    def killed(entries: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        with connections["owner"].cursor() as owner:
            owner.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        return written(entries)

    monkeypatch.setattr(lifecycle.audit, "record_all", killed)
    with pytest.raises(Exception, match=r"trail|terminat|closed"):
        bulk.submit({"submissions": rows(50)}, by=operator_actor(operator))
    monkeypatch.undo()
    connection.close()
    assert not Submission.objects.exists()
    assert not Batch.objects.exists()
    assert Event.objects.count() == events


def test_two_hundred_calls_with_one_key_make_one_batch(operator: User) -> None:
    by, values = operator_actor(operator), {"submissions": rows(20)}

    def submit(_: int) -> tuple[Batch, bool]:
        call = idempotency.call("one-key", "bulk", values, by=by)
        try:
            return idempotency.once(
                call, lambda: bulk.submit(values, by=by, call=call), lambda pk: Batch.objects.get(pk=pk)
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(submit, range(200)))
    assert len({batch.pk for batch, _ in made}) == 1
    assert [replayed for _, replayed in made].count(False) == 1
    assert Submission.objects.count() == 20


def test_another_call_with_the_key_is_refused(service: Api) -> None:
    post(service, rows(2), **KEY)
    assert post(service, rows(3), **KEY).status_code == 422
    assert post(service, rows(2), atomic=False, **KEY).status_code == 422
    assert service.post("submissions/", numbered(0), **KEY).status_code == 422


def test_members_are_found_by_their_batch(service: Api) -> None:
    start = service.get("changes/", after="now").json()["next"].rpartition("after=")[2]
    made = post(service, rows(3)).json()
    service.post("submissions/", numbered(7))
    found = service.get("submissions/", batch=made["batch"]).json()["results"]
    assert [each["row"] for each in found] == [0, 1, 2]
    assert service.get("submissions/", batch=str(uuid.uuid4())).json()["results"] == []
    assert service.get("submissions/", batch="x").status_code == 400
    changes = service.get("changes/", after=start).json()["results"]
    assert [each["batch"] for each in changes] == [made["batch"]] * 3 + [None]


def test_the_database_lets_nobody_move_a_submission_into_a_batch(service: Api) -> None:
    post(service, rows(1))
    for change in ("batch_id = NULL", "row = 7"):
        with pytest.raises(Exception, match="permission denied"), connection.cursor() as cursor:
            cursor.execute(f"UPDATE jobs_app_submission SET {change}")
    with pytest.raises(Exception, match="permission denied"), connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_app_batch SET total = 2")


def test_a_token_for_one_operation_submits_no_other_in_a_batch(database: None) -> None:
    _, secret = make_token(operations=["copy"])
    api = Api(token=secret)
    rows = [body("copy"), body("trash")]
    for atomic in (True, False):
        answer = api.post("submissions/bulk/", {"submissions": rows, "atomic": atomic})
        assert answer.status_code == 403
    assert not Submission.objects.exists()
    assert newest_event("permission.denied")["operation"] == "trash"
    assert api.post("submissions/bulk/", {"submissions": rows[:1]}).status_code == 201
