"""The REST door: create, list, look at."""

import base64
import hashlib
import json
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs_app import submissions
from jobs_app.actors import Scope
from jobs_app.audit import read
from jobs_app.models import Event, Submission, User
from jobs_app.operations import OPERATIONS
from tests.conftest import Api, token_of
from tests.doors import operator_actor, without_the_trail
from tests.examples import SPACE, body, file_id

FIELDS = (
    "id status final statusDetail waitingFor needsPerson nextCheckAt operation request requestSha256 labels reason "
    "reference batch row source createdBy taskId outcomeBasis result progress files attempts approval retryOf "
    "notBefore notAfter createdAt sentAt acceptedAt finishedAt warnings receipt url"
)

MOST_STATEMENTS = 6  # token, key, policy and spaces, all that is stored, pauses and identical requests, spaces


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_a_service_submits_every_operation(service: Api, operation: Any) -> None:
    answer = service.post("submissions/", body(operation.name))
    assert answer.status_code == 201, answer.content
    document = answer.json()
    assert answer["Location"].endswith(f"/api/v1/submissions/{document['id']}/")
    assert document["operation"] == operation.name
    assert document["status"] == ("awaiting_approval" if operation.approvals else "queued")


def test_the_answer_has_the_promised_fields(service: Api) -> None:
    document = service.post("submissions/", body("copy", reference="R-1", labels={file_id(0): "a.pdf"})).json()
    assert list(document) == FIELDS.split()
    assert document["request"] == {name: value for name, value in body("copy").items() if name != "reason"}
    assert document["labels"] == {file_id(0): "a.pdf"}
    assert document["files"] == {"total": 1, "succeeded": 0, "failed": 0, "pending": 1}
    assert document["createdBy"]["kind"] == "service"
    assert document["createdBy"]["name"] == "payroll"
    assert document["source"] == "api"
    assert document["createdAt"].endswith("Z")
    assert document["url"] == f"/submissions/{document['id']}/"
    assert (document["taskId"], document["approval"], document["final"]) == (None, None, False)


ODD = {
    "as it comes": body("copy"),
    "with many files and names": body("move", files=30, labels={file_id(1): "a.pdf"}, reference="R-1"),
    "to be approved": body("delete"),
    "with a password": body("extract", password="canary-4711"),
    "with a warning": {**body("trash"), "taskInfo": {"fileInfo": [{"fileId": file_id(0)}], "srcContainerId": SPACE}},
}


@pytest.mark.parametrize("given", ODD.values(), ids=ODD)
def test_what_is_answered_at_once_is_what_reading_gives(service: Api, operator: User, given: dict[str, Any]) -> None:
    for caller in (service, Api(person=operator)):
        made = caller.post("submissions/", given).json()
        assert caller.get(f"submissions/{made['id']}/").json() == made


def test_creating_takes_few_statements(service: Api) -> None:
    service.post("submissions/", body("copy"))  # The first one tells the trail that the token is used.
    with CaptureQueriesContext(connection) as statements:
        service.post("submissions/", body("move"), **{"Idempotency-Key": "another"})
    assert len(statements) <= MOST_STATEMENTS, [each["sql"] for each in statements]


def test_the_receipt_proves_the_event(service: Api) -> None:
    document = service.post("submissions/", body("copy")).json()
    line = Event.objects.get(seq=document["receipt"]["seq"]).line
    assert hashlib.sha256(b"\0" + line.encode()).hexdigest() == document["receipt"]["hash"]


def test_the_password_never_comes_back(service: Api) -> None:
    answer = service.post("submissions/", body("extract", password="canary-4711"))
    id_ = answer.json()["id"]
    for shown in (answer, service.get(f"submissions/{id_}/"), service.get(f"submissions/{id_}/events/")):
        assert b"canary-4711" not in shown.content
    assert answer.json()["request"]["password"] == "********"


def test_a_deletion_waits_for_a_person(service: Api) -> None:
    document = service.post("submissions/", body("delete")).json()
    assert document["status"] == "awaiting_approval"
    assert (document["waitingFor"], document["needsPerson"]) == ("approval", True)
    assert document["approval"]["needed"] == 1
    assert document["approval"]["given"] == []


def test_files_and_events_are_lists(service: Api) -> None:
    id_ = service.post("submissions/", body("trash", files=3)).json()["id"]
    files = service.get(f"submissions/{id_}/files/").json()
    assert (files["next"], files["previous"]) == (None, None)
    assert [row["fileId"] for row in files["results"]] == [file_id(number) for number in range(3)]
    assert {row["status"] for row in files["results"]} == {"pending"}
    [event] = service.get(f"submissions/{id_}/events/").json()["results"]
    assert event["event"]["action"] == "submission.created"
    assert event["hash"] == read.of_submission(uuid.UUID(id_))[0].hash


def test_the_list_is_newest_first_and_pages_stay_put(service: Api) -> None:
    made = [service.post("submissions/", body("copy")).json()["id"] for _ in range(5)]
    first = service.get("submissions/", limit=2).json()
    assert [row["id"] for row in first["results"]] == [made[4], made[3]]
    assert first["previous"] is None
    service.post("submissions/", body("copy"))
    second = follow(service, first["next"])
    assert [row["id"] for row in second["results"]] == [made[2], made[1]]
    third = follow(service, second["next"])
    assert [row["id"] for row in third["results"]] == [made[0]]
    assert third["next"] is None
    back = follow(service, third["previous"])
    assert [row["id"] for row in back["results"]] == [made[2], made[1]]


def follow(api: Api, address: str) -> Any:
    path, _, query = address.partition("/api/v1/")[2].partition("?")
    return api.get(f"{path}?{query}").json()


def test_filters_narrow_the_list(service: Api) -> None:
    copy = service.post("submissions/", body("copy", reference="A")).json()
    delete = service.post("submissions/", body("delete", files=2)).json()
    creator = copy["createdBy"]["id"]
    for parameters, expected in [
        ({"status": "queued"}, [copy]),
        ({"status": ["queued", "awaiting_approval"]}, [delete, copy]),
        ({"final": "true"}, []),
        ({"final": "false"}, [delete, copy]),
        ({"operation": "delete"}, [delete]),
        ({"reference": "A"}, [copy]),
        ({"fileId": file_id(1)}, [delete]),
        ({"taskId": "12"}, []),
        ({"createdBy": creator}, [delete, copy]),
        ({"createdBy": "person:999"}, []),
        ({"since": delete["createdAt"]}, [delete]),
        ({"until": delete["createdAt"]}, [copy]),
        ({"updatedSince": "2020-01-01T00:00:00Z"}, [delete, copy]),
    ]:
        rows = service.get("submissions/", **parameters).json()["results"]
        assert [row["id"] for row in rows] == [each["id"] for each in expected], parameters


def _as_cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "query",
    ["status=done", "final=yes", "operation=clear", "createdBy=me", "since=today", "limit=0", "limit=201", "limit=x"]
    + [
        "cursor=nonsense",
        "cursor=W10",
        f"cursor={_as_cursor('[' * 5000)}",
        f"cursor={_as_cursor(json.dumps([0, '0001-01-01T00:00:00+23:59', '0' * 32]))}",
        f"cursor={_as_cursor(json.dumps([0, '2027-03-01T00:00:00', '0' * 32]))}",
        f"cursor={_as_cursor(json.dumps([0, 7, '0' * 32]))}",
        f"limit={'1' * 5000}",
        "createdBy=person:99999999999999999999",
        "taskId=a%00b",
        "until=2026-02-31T00:00Z",
    ],
)
def test_a_filter_that_makes_no_sense_is_a_clear_error(service: Api, query: str) -> None:
    answer = service.get(f"submissions/?{query}")
    assert answer.status_code == 400
    [problem] = answer.json()["errors"]
    assert problem["pointer"] == query.partition("=")[0]


def test_a_token_sees_its_services_own_unless_it_may_see_all(service: Api) -> None:
    id_ = service.post("submissions/", body("copy")).json()["id"]
    own_only = Api(token=token_of("other", Scope.READ, Scope.WRITE))
    sees_all = Api(token=token_of("monitor", Scope.READ_ALL))
    assert own_only.get("submissions/").json()["results"] == []
    for path in (f"submissions/{id_}/", f"submissions/{id_}/files/", f"submissions/{id_}/events/"):
        assert own_only.get(path).status_code == 404
        assert sees_all.get(path).status_code == 200
    assert sees_all.post("submissions/", body("copy")).status_code == 403


def test_a_token_for_the_trail_reads_events_and_nothing_else(service: Api) -> None:
    id_ = service.post("submissions/", body("copy")).json()["id"]
    audit_token = Api(token=token_of("siem", Scope.AUDIT))
    assert audit_token.get(f"submissions/{id_}/events/").status_code == 200
    assert audit_token.get(f"submissions/{id_}/").status_code == 404
    assert audit_token.get("submissions/").status_code == 403


def test_without_the_trail_the_caller_gets_503_and_nothing_is_stored(service: Api) -> None:
    with without_the_trail():
        answer = service.post("submissions/", body("copy"))
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert answer["Content-Type"] == "application/problem+json"
    assert not Submission.objects.exists()


def test_a_person_may_use_the_api_with_a_session(operator: User) -> None:
    api = Api(person=operator)
    document = api.post("submissions/", body("copy")).json()
    assert document["createdBy"] == {"kind": "person", "id": f"person:{operator.pk}", "name": "olga"}
    assert document["source"] == "api"


def test_an_approver_decides_through_the_api(service: Api, approver: User, operator: User) -> None:
    document = service.post("submissions/", body("delete")).json()
    path = f"submissions/{document['id']}/"
    agreed = {"comment": "agreed", "requestSha256": document["requestSha256"]}
    assert service.post(f"{path}approve/", agreed).status_code == 403
    assert Api(person=operator).post(f"{path}approve/", agreed).status_code == 403
    person = Api(person=approver)
    assert person.post(f"{path}approve/", {"comment": "?"}).status_code == 400
    assert person.post(f"{path}approve/", agreed | {"requestSha256": "0" * 64}).status_code == 409
    decided = person.post(f"{path}approve/", agreed)
    assert (decided.status_code, decided.json()["status"]) == (200, "queued")
    assert decided.json()["approval"]["given"][0]["by"]["name"] == "anton"
    assert person.post(f"{path}reject/", agreed).status_code == 409


def test_a_rejection_without_a_comment_is_refused(service: Api, approver: User) -> None:
    document = service.post("submissions/", body("delete")).json()
    path = f"submissions/{document['id']}/reject/"
    answer = Api(person=approver).post(path, {"requestSha256": document["requestSha256"]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/comment")
    done = Api(person=approver).post(path, {"requestSha256": document["requestSha256"], "comment": "legal hold"})
    assert done.json()["status"] == "rejected"


def test_the_catalogue_and_me(service: Api) -> None:
    names = [row["name"] for row in service.get("operations/").json()["results"]]
    assert names == [each.name for each in OPERATIONS]
    me = service.get("me/").json()
    assert (me["name"], me["scopes"]) == ("payroll", ["submissions:read", "submissions:read_all", "submissions:write"])
    assert me["tokenExpiresAt"].endswith("Z")


def test_what_a_page_submitted_shows_in_the_api(service: Api, operator: User) -> None:
    made = submissions.submit(body("move"), by=operator_actor(operator))
    document = service.get(f"submissions/{made.pk}/").json()
    assert (document["source"], document["createdBy"]["name"]) == ("web", "olga")
    assert document["request"]["dstContainerId"] == SPACE
    assert json.dumps(document)
