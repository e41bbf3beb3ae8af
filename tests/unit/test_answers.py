"""What an answer means: only what certainly did not happen is refused or sent again, all doubt is unknown."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from jobs_app.koodrive import answers
from jobs_app.koodrive.answers import ArchiveEntry, FileOutcome, Job, Kind, Outcome, ReadFailed
from jobs_app.koodrive.exchange import Answer, Failure

TASK = "1309243162258308352"
ACCEPTED = {"data": TASK, "code": 0, "msg": "success"}
HTML = b"<html><body>502 Bad Gateway</body></html>"


def answer(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, headers or {}, content)


def made(status: int, body: Any, headers: Mapping[str, str] | None = None, *, irreversible: bool = False) -> Outcome:
    return answers.of_create(answer(status, body, headers), irreversible=irreversible)


def test_the_vendors_example_is_accepted_with_its_id_as_text() -> None:
    outcome = made(200, ACCEPTED)
    assert outcome == Outcome(Kind.ACCEPTED, TASK, "0", "success", None, f"KooDrive took the request as task {TASK}.")


@pytest.mark.parametrize(
    "body",
    [
        ACCEPTED | {"code": "0"},
        {"data": TASK},
        {"data": TASK, "code": None, "msg": None},
        {"data": int(TASK), "code": 0},
        b"\xef\xbb\xbf" + json.dumps(ACCEPTED).encode(),
    ],
    ids=["code as text", "code absent", "nulls", "id as integer", "byte order mark"],
)
def test_the_shapes_of_success_that_the_vendor_leaves_open_are_accepted(body: Any) -> None:
    assert made(200, body).kind is Kind.ACCEPTED
    assert made(200, body).task_id == TASK


@pytest.mark.parametrize("irreversible", [False, True])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        HTML,
        b'{"data":"1309243162258308352"',
        b'{"data": "\xff\xfe"}',
        b"[" * 100_000,
        b'{"data": ' + b"1" * 5000 + b"}",
        [],
        "text",
        None,
        {"code": 0, "msg": "success"},
        ACCEPTED | {"data": 1.309243162258308352e18},
        ACCEPTED | {"data": True},
        ACCEPTED | {"data": ""},
        ACCEPTED | {"data": TASK + "\n"},
        ACCEPTED | {"data": "-1"},
        ACCEPTED | {"data": "1" * 20},
        ACCEPTED | {"data": "١٢٣"},
        ACCEPTED | {"data": {"taskId": TASK}},
        ACCEPTED | {"code": 13000302},
        ACCEPTED | {"code": 0.0},
        ACCEPTED | {"code": False},
        ACCEPTED | {"code": ""},
        {"code": 13000999, "msg": "something new"},
        {"code": "APIG.0308", "msg": "throttled"},
        {"error_code": "X.1", "error_msg": "no"},
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_200_from_which_nothing_certain_follows_is_unknown(body: Any, irreversible: bool) -> None:
    outcome = made(200, body, irreversible=irreversible)
    assert outcome.kind is Kind.UNKNOWN
    assert outcome.task_id is None
    assert outcome.detail.startswith("KooDrive")


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("code", [13000302, "13000302"])
def test_a_known_business_code_is_a_refusal(status: int, code: int | str) -> None:
    outcome = made(status, {"code": code, "msg": "File is not in the specified space."}, irreversible=True)
    assert outcome.kind is Kind.REFUSED
    assert outcome.code == "13000302"
    assert outcome.message == "File is not in the specified space."
    assert outcome.detail == "KooDrive refused the request (13000302 File is not in the specified space.)."


@pytest.mark.parametrize(
    ("status", "code", "of_a_copy", "of_a_deletion"),
    [
        (200, 13000201, Kind.REFUSED, Kind.UNKNOWN),
        (400, 13000201, Kind.REFUSED, Kind.UNKNOWN),
        (400, "13000403", Kind.REFUSED, Kind.UNKNOWN),
        (404, 13000403, Kind.REFUSED, Kind.UNKNOWN),
        (500, 13000201, Kind.UNKNOWN, Kind.UNKNOWN),
        (200, 13000999, Kind.UNKNOWN, Kind.UNKNOWN),
        (400, 13000999, Kind.REFUSED, Kind.UNKNOWN),
        (400, "APIGW.0201", Kind.REFUSED, Kind.UNKNOWN),
        (400, 13000102, Kind.REFUSED, Kind.REFUSED),
    ],
)
def test_a_permanent_deletion_takes_no_chance_with_errors_that_tell_little(
    status: int, code: int | str, of_a_copy: Kind, of_a_deletion: Kind
) -> None:
    body = {"code": code, "msg": "no"}
    assert made(status, body).kind is of_a_copy
    assert made(status, body, irreversible=True).kind is of_a_deletion


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_refused_request_needs_a_readable_reason(status: int) -> None:
    assert made(status, {"error_code": "SVC.0001", "error_msg": "bad"}).kind is Kind.REFUSED
    for unreadable in (b"", HTML, {}, {"code": 0}, {"code": 13000102, "data": TASK}):
        assert made(status, unreadable).kind is Kind.UNKNOWN


@pytest.mark.parametrize("status", [403, 404, 405])
def test_a_wrong_address_does_not_refuse_the_submission(status: int) -> None:
    for body in (
        b"",
        HTML,
        {"error_code": "APIGW.0101", "error_msg": "The API does not exist", "request_id": "1"},
        {"error_code": "APIG.0101", "error_msg": "The API does not exist"},
        {"message": "no Route matched with those values"},
    ):
        assert made(status, body).kind is Kind.MISCONFIGURED
    assert made(status, {"code": 13000410, "msg": "no permission"}, irreversible=True).kind is Kind.REFUSED


@pytest.mark.parametrize("body", [b"", HTML, {"code": "401", "msg": "token expired"}])
def test_a_401_is_about_the_credentials(body: Any) -> None:
    assert made(401, body, irreversible=True).kind is Kind.UNAUTHORISED


@pytest.mark.parametrize("irreversible", [False, True])
def test_a_429_was_not_executed(irreversible: bool) -> None:
    throttled = {"error_code": "APIG.0308", "error_msg": "The throttling threshold has been reached"}
    outcome = made(429, throttled, {"Retry-After": "7"}, irreversible=irreversible)
    assert (outcome.kind, outcome.retry_after, outcome.code) == (Kind.NOT_EXECUTED, 7.0, "APIG.0308")
    assert made(429, HTML, irreversible=irreversible).retry_after is None


def test_a_503_was_not_executed_only_when_it_says_when_to_come_back() -> None:
    outcome = made(503, HTML, {"Retry-After": "0"})
    assert (outcome.kind, outcome.retry_after) == (Kind.NOT_EXECUTED, 0.0)
    assert made(503, HTML).kind is Kind.UNKNOWN
    assert made(503, HTML, {"Retry-After": "soon"}).kind is Kind.UNKNOWN
    assert made(503, HTML, {"Retry-After": "5"}, irreversible=True).kind is Kind.UNKNOWN


def test_retry_after_may_be_a_date_and_is_bounded() -> None:
    def wait(value: str) -> float | None:
        return made(429, b"", {"Retry-After": value}).retry_after

    now = datetime.now(UTC)
    later = wait(format_datetime(now + timedelta(seconds=60), usegmt=True))
    assert later is not None
    assert 50 < later <= 60
    assert wait(format_datetime(now - timedelta(hours=1), usegmt=True)) == 0.0
    assert wait("9" * 5000) == answers.LONGEST_WAIT
    assert wait(format_datetime(now + timedelta(days=400), usegmt=True)) == answers.LONGEST_WAIT
    for nonsense in ("-5", "1.5", "٣", "Mon, 99 Foo 2026", ""):
        assert wait(nonsense) is None


@pytest.mark.parametrize("body", [b"", HTML, {"code": 13000102, "msg": "no"}, ACCEPTED])
@pytest.mark.parametrize("status", [301, 302, 307, 308, 402, 408, 409, 410, 425, 451, 500, 501, 502, 504, 599])
def test_any_other_status_is_unknown(status: int, body: Any) -> None:
    outcome = made(status, body, {"Location": "https://elsewhere.example/"})
    assert outcome.kind is Kind.UNKNOWN
    assert outcome.task_id is None
    assert f"HTTP {status}" in outcome.detail


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Failure.NOT_CONNECTED, Kind.NOT_SENT),
        (Failure.CERTIFICATE, Kind.MISCONFIGURED),
        (Failure.NO_ANSWER, Kind.UNKNOWN),
        (Failure.CUT_OFF, Kind.UNKNOWN),
    ],
)
def test_a_call_without_an_answer(failure: Failure, kind: Kind) -> None:
    outcome = answers.of_create(Answer(None, {}, b"", failure, "Why it failed."), irreversible=False)
    assert outcome == Outcome(kind, None, None, "", None, "Why it failed.")


def test_a_message_can_neither_break_a_line_nor_a_database() -> None:
    outcome = made(400, {"code": 13000102, "msg": "a\r\nb\u0000c\ud800d\u2028e" + "x" * 5000})
    assert outcome.message.startswith("a b\ufffdc?d exxx")
    assert len(outcome.message) == 1000
    assert outcome.detail.isprintable()


# --- Reading ---------------------------------------------------------------------------------------------------------

LISTED = {
    "taskId": "1320279189273965056",
    "taskType": 2,
    "actionType": 201,
    "status": 2,
    "taskResultCode": 1,
    "contentNum": 1,
    "containerId": "IAADfsBFCO6WtAtuA9add2fea594e4e75b8feb8474ef236",
    "beginTime": "20231227151904",
    "endTime": "20231227151904",
    "createTime": "20231227151904",
}


def test_the_vendors_list_is_read() -> None:
    (job,) = answers.jobs(answer(200, {"data": [LISTED], "code": 0, "msg": "成功"}))
    assert job == Job(
        task_id="1320279189273965056",
        task_type=2,
        action_type=201,
        status=2,
        task_result_code=1,
        content_num=1,
        container_id="IAADfsBFCO6WtAtuA9add2fea594e4e75b8feb8474ef236",
        begin_time="20231227151904",
        end_time="20231227151904",
        create_time="20231227151904",
    )


def test_every_field_but_the_id_may_be_absent_and_numbers_may_be_text() -> None:
    rows = [{"taskId": int(TASK)}, {"taskId": "7", "status": "1", "taskType": "5", "resultCode": 13000308}]
    first, second = answers.jobs(answer(200, {"data": rows, "code": "0"}))
    assert first == Job(task_id=TASK)
    assert (second.status, second.task_type, second.result_code) == (1, 5, "13000308")
    assert answers.jobs(answer(200, {"data": None, "code": 0})) == []


@pytest.mark.parametrize(
    "body",
    [
        HTML,
        {"code": 0},
        {"code": 0, "data": {}},
        {"code": 0, "data": TASK},
        {"code": 0, "data": [LISTED, {"status": 2}]},
        {"code": 0, "data": [LISTED, "x"]},
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_list_that_may_hide_a_task_is_not_used(body: Any) -> None:
    with pytest.raises(ReadFailed) as failed:
        answers.jobs(answer(200, body))
    assert failed.value.outcome.kind is Kind.UNKNOWN
    assert failed.value.detail == failed.value.outcome.detail != ""


def test_the_vendors_detail_is_read() -> None:
    found = answers.detail(
        answer(
            200,
            {
                "data": {
                    "jobInfo": {"taskId": TASK, "userId": "4-3", "status": 2, "progress": 100, "taskResultCode": 1},
                    "taskInfos": [{"fileId": "Fone", "status": "1", "newFileId": "Ftwo", "srcContainerId": "I"}],
                },
                "code": 0,
                "msg": "成功",
            },
        )
    )
    assert found.job == Job(task_id=TASK, user_id="4-3", status=2, progress=100, task_result_code=1)
    assert found.files == [FileOutcome(file_id="Fone", status="1", new_file_id="Ftwo")]
    assert found.entries == []


def test_a_detail_is_read_leniently_field_by_field() -> None:
    url = "https://obs.example/p.zip?sig=" + "a" * 2000
    data = {
        "jobInfo": {"status": "2", "progress": 250, "resultCode": 0, "downloadUrl": url, "taskType": None},
        "taskInfos": [
            {"fileId": "F1", "status": 2, "resultCode": 13000302, "resultDesc": "not\nthere", "newFilePath": ""},
            {"fileId": "F2", "status": "9", "newFileId": True},
            None,
        ],
        "uncompressedFileList": [
            {"name": "  a/b.txt ", "type": "1", "fileSize": "12"},
            {"name": "a", "type": 2, "fileId": "F3", "containerId": "I"},
        ],
    }
    found = answers.detail(answer(200, {"data": data, "code": "0"}))
    assert (found.job.task_id, found.job.status, found.job.progress, found.job.result_code) == ("", 2, 100, "0")
    assert found.job.download_url == url
    assert "obs.example" not in repr(found)
    assert found.files == [FileOutcome("F1", "2", "13000302", "not there"), FileOutcome("F2")]
    assert found.entries == [
        ArchiveEntry(name="  a/b.txt ", type=1, size=12),
        ArchiveEntry(name="a", type=2, file_id="F3", container_id="I"),
    ]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", 7, None])
def test_only_a_web_address_is_a_download_url(url: Any) -> None:
    found = answers.detail(answer(200, {"data": {"jobInfo": {"taskId": TASK, "downloadUrl": url}}, "code": 0}))
    assert found.job.download_url is None


@pytest.mark.parametrize("data", [None, [], {}, {"jobInfo": None}, {"jobInfo": []}])
def test_a_detail_without_a_task_is_not_used(data: Any) -> None:
    with pytest.raises(ReadFailed) as failed:
        answers.detail(answer(200, {"data": data, "code": 0}))
    assert failed.value.outcome.kind is Kind.UNKNOWN


@pytest.mark.parametrize(
    ("given", "of_list", "of_detail"),
    [
        (Answer(None, {}, b"", Failure.NOT_CONNECTED, "x"), Kind.NOT_SENT, Kind.NOT_SENT),
        (Answer(None, {}, b"", Failure.NO_ANSWER, "x"), Kind.UNKNOWN, Kind.UNKNOWN),
        (answer(401, HTML), Kind.UNAUTHORISED, Kind.UNAUTHORISED),
        (answer(429, HTML), Kind.NOT_EXECUTED, Kind.NOT_EXECUTED),
        (answer(500, HTML), Kind.UNKNOWN, Kind.UNKNOWN),
        (answer(403, HTML), Kind.MISCONFIGURED, Kind.MISCONFIGURED),
        (answer(404, HTML), Kind.MISCONFIGURED, Kind.UNKNOWN),
        (answer(404, {"error_code": "APIGW.0101"}), Kind.MISCONFIGURED, Kind.MISCONFIGURED),
        (answer(404, {"code": 13000309}), Kind.REFUSED, Kind.REFUSED),
        (answer(200, {"code": 13000309}), Kind.REFUSED, Kind.REFUSED),
    ],
)
def test_a_failed_read_says_why(given: Answer, of_list: Kind, of_detail: Kind) -> None:
    for read, kind in ((answers.jobs, of_list), (answers.detail, of_detail)):
        with pytest.raises(ReadFailed) as failed:
            read(given)  # type: ignore[operator]
        assert failed.value.outcome.kind is kind


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(200, {"code": 0, "msg": "OK"}), Kind.ACCEPTED),
        (answer(200, {"data": "1289250105886769024"}), Kind.ACCEPTED),
        (answer(200, {"code": 13000309}), Kind.REFUSED),
        (answer(400, {"code": 13000102}), Kind.REFUSED),
        (answer(404, {"code": 13000309}), Kind.REFUSED),
        (answer(200, HTML), Kind.UNKNOWN),
        (answer(500, HTML), Kind.UNKNOWN),
        (answer(401, {}), Kind.UNAUTHORISED),
        (answer(429, {}), Kind.NOT_EXECUTED),
    ],
)
def test_what_koodrive_says_to_a_wish_to_stop(given: Answer, kind: Kind) -> None:
    outcome = answers.of_cancel(given)
    assert outcome.kind is kind
    assert outcome.detail
