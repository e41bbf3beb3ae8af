"""The sandbox over real HTTP on loopback: what the vendor's pages say of KooDrive holds of it."""

import io
import socket
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from jobs_app.koodrive.credentials import AppSigning
from jobs_app.koodrive.sandbox import App, Quirks, Sandbox, magic

from .sandbox_caller import CANCEL, INVALID, JOBS, SPACE, TOKEN, Caller, copy_of


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN) as sandbox:
        yield sandbox


@pytest.fixture
def call(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)


class TestCreate:
    def test_the_vendors_example_makes_a_task_and_is_recorded_field_for_field(self, call: Caller) -> None:
        body = copy_of("FuZmQ66CF0DdpKRG1Y29Iwajbq04Nhwu3")
        answer = call.create(body, headers={"X-Traceid": "a" * 58})
        assert answer.status_code == 200
        assert list(answer.json()) == ["data", "code", "msg"]
        assert (answer.json()["code"], answer.json()["msg"]) == (0, "success")
        (entry,) = call.sandbox.received
        assert entry.body == body
        assert entry.task_id == answer.json()["data"]
        assert entry.headers["x-traceid"] == "a" * 58

    @pytest.mark.parametrize(
        "body",
        [
            [],
            copy_of(),
            copy_of(""),
            copy_of("Fa") | {"taskType": "1"},
            copy_of("Fa") | {"taskType": True},
            copy_of("Fa") | {"actionType": 201},
            copy_of("Fa") | {"actionType": "101"},
            copy_of("Fa") | {"taskType": 7, "actionType": 701},
            copy_of("Fa") | {"dstContainerId": ""},
            copy_of("Fa") | {"password": 1},
            copy_of("Fa") | {"taskInfo": {"fileInfo": [{"fileId": "Fa"}]}},
            copy_of("Fa") | {"taskInfo": {"fileInfo": "Fa", "srcContainerId": SPACE}},
            copy_of("Fa") | {"taskInfo": {"fileInfo": [{"fileId": "Fa", "filePath": 1}], "srcContainerId": SPACE}},
            copy_of("Fa") | {"taskType": 5, "actionType": 503},
        ],
    )
    def test_what_breaks_a_rule_is_refused_and_makes_nothing(self, call: Caller, body: Any) -> None:
        answer = call.create(body)
        assert (answer.status_code, answer.json()) == (400, INVALID)
        assert len(call.sandbox.jobs) == 0

    @pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
    def test_what_is_no_json_is_refused(self, call: Caller, data: bytes) -> None:
        answer = call("POST", JOBS, data=data)
        assert (answer.status_code, answer.json()) == (400, INVALID)

    @pytest.mark.parametrize(
        ("task_type", "action_type"),
        [(1, 101), (1, None), (2, 201), (2, 202), (3, 301), (4, None), (5, 501), (5, 502), (6, None)],
    )
    def test_every_documented_pair_is_taken(self, call: Caller, task_type: int, action_type: int | None) -> None:
        body = copy_of("Fa") | {"taskType": task_type}
        body |= {"actionType": action_type}
        assert call.create(body).status_code == 200

    @pytest.mark.parametrize("trace_id", ["a" * 57, "a" * 59, "-" * 58])
    def test_a_malformed_trace_id_is_refused(self, call: Caller, trace_id: str) -> None:
        assert call.create(copy_of("Fa"), headers={"X-Traceid": trace_id}).json() == INVALID

    def test_the_language_changes_the_message(self, call: Caller) -> None:
        chinese = {"language": "zh-CN"}
        assert call.create(copy_of("Fa"), headers=chinese).json()["msg"] == "成功"
        assert call.create({}, headers=chinese).json()["msg"] == "参数校验失败。"

    def test_a_magic_id_with_an_unknown_keyword_is_named(self, call: Caller) -> None:
        answer = call.create(copy_of("F-sandbox-fials-00000000000000001")).json()
        assert answer["code"] == 13000102
        assert "'fials'" in answer["msg"]


class TestReadAndCancel:
    def test_pages_are_newest_first(self, call: Caller) -> None:
        made = [call.made() for _ in range(3)]
        assert call.listed("offset=0&limit=2") == [made[2], made[1]]
        assert call.listed("offset=2&limit=2") == [made[0]]
        assert call.listed("offset=0&limit=9&type=3") == []
        assert call.listed("offset=0&limit=9&type=1&status=0") == made[::-1]

    @pytest.mark.parametrize(
        "query",
        ["", "limit=1", "offset=0", "offset=-1&limit=1", "offset=0&limit=0", "offset=0&limit=101", "offset=a&limit=1"]
        + ["offset=0&limit=1&type=8", "offset=0&limit=1&status=4"],
    )
    def test_a_list_with_a_bad_query_is_refused(self, call: Caller, query: str) -> None:
        assert call("GET", f"{JOBS}?{query}").json() == INVALID

    def test_a_task_is_followed_to_its_end(self, call: Caller) -> None:
        task_id = call.made("Fa", magic.file_id("fails"))
        states = []
        for seconds in (0, 1, 2):
            call.sandbox.clock.advance(seconds)
            states.append(call.detail(task_id)["jobInfo"]["status"])
        assert states == [0, 1, 2]
        found = call.detail(task_id)
        assert found["jobInfo"]["taskResultCode"] == 2
        assert [(file["status"], file.get("resultCode")) for file in found["taskInfos"]] == [
            ("1", None),
            ("2", "13000308"),
        ]

    def test_an_unknown_task_is_not_found(self, call: Caller) -> None:
        expected = {"code": 13000309, "msg": "Resource not found."}
        assert call("GET", "/koodrive/ose/v1/1309243162258308352").json() == expected
        assert call("POST", CANCEL, json={"jobId": "1309243162258308352"}).json() == expected
        assert call("POST", CANCEL, json={}).json() == INVALID

    def test_a_cancel_works_until_the_task_has_stopped(self, call: Caller) -> None:
        early, late = call.made(), call.made()
        assert call("POST", CANCEL, json={"jobId": early}).json()["code"] == 0
        call.sandbox.clock.advance(60)
        assert call("POST", CANCEL, json={"jobId": late}).json()["code"] == 0
        assert [call.detail(task_id)["jobInfo"]["status"] for task_id in (early, late)] == [3, 2]

    def test_a_package_can_be_downloaded_by_its_link_alone(self, call: Caller) -> None:
        task_id = call.made(taskType=6, actionType=None)
        call.sandbox.clock.advance(60)
        link = call.detail(task_id)["jobInfo"]["downloadUrl"]
        packed = requests.get(link, timeout=10).content
        assert b"Fa" in zipfile.ZipFile(io.BytesIO(packed)).read(zipfile.ZipFile(io.BytesIO(packed)).namelist()[0])
        assert requests.get(link[:-1], timeout=10).status_code == 404

    def test_quirks_change_the_answers(self) -> None:
        quirks = Quirks(code_as_text=True, absent=frozenset({"tenantId"}), offset_base=1)
        with Sandbox(token=TOKEN, quirks=quirks) as sandbox:
            call = Caller(sandbox)
            task_id = call.made()
            assert call.create({}).json()["code"] == "13000102"
            assert call("GET", f"{JOBS}?offset=0&limit=1").status_code == 400
            assert call.listed("offset=1&limit=1") == [task_id]
            answer = call("GET", f"/koodrive/ose/v1/{task_id}").json()
        assert answer["code"] == "0"
        assert "tenantId" not in answer["data"]["jobInfo"]

    @pytest.mark.parametrize(
        ("method", "path"), [("PUT", JOBS), ("GET", CANCEL), ("GET", "/koodrive/ose/v1/audit"), ("GET", "/jobs")]
    )
    def test_what_isnt_there_is_the_gateways_404(self, call: Caller, method: str, path: str) -> None:
        answer = call(method, path)
        assert answer.status_code == 404
        assert answer.json()["error_code"] == "APIGW.0101"


class TestAccess:
    @pytest.mark.parametrize("form", ["Bearer {}", "Bearer+{}", "{}"])
    def test_every_documented_form_of_a_token_is_taken(self, call: Caller, form: str) -> None:
        headers = {"Authorization": form.format(TOKEN)}
        assert call("GET", f"{JOBS}?offset=0&limit=1", headers=headers).status_code == 200

    @pytest.mark.parametrize("value", ["", "Bearer ", "Bearer other", "Bearer Bearer 10f88d07fa"])
    def test_strangers_get_401_and_nothing_is_made(self, call: Caller, value: str) -> None:
        answer = call.create(copy_of("Fa"), headers={"Authorization": value})
        assert answer.status_code == 401
        assert answer.json()["error_code"] == "APIGW.0301"
        assert len(call.sandbox.jobs) == 0

    def test_a_token_dies_when_idle_and_each_use_prolongs_it(self, call: Caller) -> None:
        for seconds, status in ((1100, 200), (1100, 200), (1300, 401), (0, 401)):
            call.sandbox.clock.advance(seconds)
            assert call("GET", f"{JOBS}?offset=0&limit=1").status_code == status

    def test_an_app_signs_for_fifteen_minutes(self) -> None:
        with Sandbox(app=App("app", "secret")) as sandbox:
            url = f"{sandbox.url}{JOBS}?offset=0&limit=1&type=1"
            now = datetime.now(UTC)

            def status(secret: str, at: datetime, **more: str) -> int:
                headers = AppSigning("app", secret, "1505084218764547200").headers("GET", url, b"", at) | more
                return requests.get(url, headers=headers, timeout=10).status_code

            assert status("secret", now) == 200
            assert status("secret", now - timedelta(minutes=14)) == 200
            assert status("secret", now - timedelta(minutes=16)) == 401
            assert status("secret", now + timedelta(minutes=1)) == 401
            assert status("other", now) == 401
            assert status("secret", now, **{"X-User-Id": "another"}) == 401


@pytest.fixture
def raw(sandbox: Sandbox) -> Iterator[Callable[[bytes], bytes]]:
    """Sends bytes as they are and gives back all that comes until the sandbox ends the connection."""
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:

        def exchange(data: bytes) -> bytes:
            connection.sendall(data)
            return b"".join(iter(lambda: connection.recv(65536), b""))

        yield exchange


def test_requests_sent_together_are_answered_in_turn(raw: Callable[[bytes], bytes]) -> None:
    first = b"GET /sandbox/faults HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answers = raw(first + last)
    assert answers.index(b"200 OK") < answers.index(b"404 Not Found")


def test_a_client_that_asks_first_is_told_to_go_on(raw: Callable[[bytes], bytes], sandbox: Sandbox) -> None:
    head = f"POST {JOBS} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_rubbish_is_answered_and_the_connection_ended(raw: Callable[[bytes], bytes]) -> None:
    assert raw(b"rubbish\r\n\r\n").startswith(b"HTTP/1.1 400 Bad Request")


def test_a_second_sandbox_on_a_busy_port_does_not_start(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="in use"):
        Sandbox(port=sandbox.port).start()
