"""Trying a request without submitting it: every error, every warning, and who else does the same."""

from jobs_app.actors import Scope
from jobs_app.models import Submission, User
from tests.conftest import Api, token_of
from tests.examples import body, file_id


def test_a_good_request(service: Api) -> None:
    answer = service.post("submissions/validate/", body("delete"))
    assert answer.status_code == 200
    assert answer.json() == {"errors": [], "warnings": [], "approvalsNeeded": 1, "sameEffect": []}
    assert Submission.objects.count() == 0


def test_every_error_and_every_warning(service: Api) -> None:
    bad = body("copy") | {"dstContainerId": "", "colour": "red"}
    found = service.post("submissions/validate/", bad).json()
    assert {each["pointer"] for each in found["errors"]} == {"/dstContainerId", "/colour"}
    assert found["approvalsNeeded"] is None
    doubtful = body("copy")
    del doubtful["taskInfo"]["newFilePath"]
    assert [each["pointer"] for each in service.post("submissions/validate/", doubtful).json()["warnings"]]


def test_who_else_does_the_same(service: Api, operator: User) -> None:
    made = service.post("submissions/", body("trash", files=3)).json()
    service.post("submissions/", body("copy", files=3))
    wanted = body("trash")
    wanted["taskInfo"]["fileInfo"] = [{"fileId": file_id(number), "filePath": "/x"} for number in (1, 2, 9)]
    [found] = Api(person=operator).post("submissions/validate/", wanted).json()["sameEffect"]
    assert (found["submission"], found["status"], found["files"]) == (made["id"], "queued", 2)
    assert found["createdBy"]["name"] == "payroll"


def test_of_what_may_not_be_seen_only_that_it_is(service: Api) -> None:
    service.post("submissions/", body("trash"))
    other = Api(token=token_of("other", Scope.WRITE))
    [found] = other.post("submissions/validate/", body("trash")).json()["sameEffect"]
    assert found == {"submission": None, "createdBy": None, "createdAt": None, "status": "queued", "files": 1}


def test_what_ended_without_an_effect_is_none(service: Api) -> None:
    made = service.post("submissions/", body("trash")).json()
    service.post(f"submissions/{made['id']}/cancel/", {})
    assert service.post("submissions/validate/", body("trash")).json()["sameEffect"] == []


def test_only_who_may_submit(auditor: User) -> None:
    assert Api(person=auditor).post("submissions/validate/", body("copy")).status_code == 403
    assert Api(token=token_of("r", Scope.READ)).post("submissions/validate/", body("copy")).status_code == 403
