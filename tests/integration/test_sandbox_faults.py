"""What a test can make the sandbox do over real HTTP: faults, its record, its own calls."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from jobs_app.koodrive.sandbox import Fault, Kind, Sandbox, When, magic

from .sandbox_caller import INVALID, JOBS, TOKEN, Caller, copy_of


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(token=TOKEN) as sandbox:
        yield sandbox


@pytest.fixture
def call(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)


class TestFaults:
    @pytest.mark.parametrize(
        ("keyword", "error", "made"),
        [
            ("lost", requests.ConnectionError, 1),
            ("dropped", requests.ConnectionError, 0),
            ("silent", requests.ReadTimeout, 1),
            ("cut", requests.exceptions.ChunkedEncodingError, 1),
        ],
    )
    def test_calls_that_get_no_whole_answer(
        self, call: Caller, keyword: str, error: type[Exception], made: int
    ) -> None:
        file_id = magic.file_id(keyword)
        with pytest.raises(error):
            call.session.post(call.sandbox.url + JOBS, json=copy_of(file_id), timeout=0.5)
        assert call.sandbox.received.creates_by_file()[file_id] == 1
        assert call.sandbox.received.tasks_by_file()[file_id] == made

    @pytest.mark.parametrize(
        ("fault", "status", "made"),
        [
            (Fault(Kind.STATUS, status=502), 502, 0),
            (Fault(Kind.STATUS, status=504, when=When.AFTER), 504, 1),
            (Fault(Kind.CODE, code=13000302), 400, 0),
            (Fault(Kind.CODE, code=13000302, status=200), 200, 0),
            (Fault(Kind.GARBAGE), 200, 1),
            (Fault(Kind.NO_DATA), 200, 1),
            (Fault(Kind.OVERSIZED), 200, 1),
            (Fault(Kind.DRIP, seconds=0.001), 200, 1),
            (Fault(Kind.REDIRECT), 307, 0),
        ],
    )
    def test_calls_that_get_a_strange_answer(self, call: Caller, fault: Fault, status: int, made: int) -> None:
        call.sandbox.faults.add(fault)
        assert call.create(copy_of("Fa"), allow_redirects=False).status_code == status
        assert len(call.sandbox.jobs) == made
        assert call.create(copy_of("Fa")).json()["msg"] == "success"

    def test_bodies_of_faults(self, call: Caller) -> None:
        def answer(**parts: Any) -> requests.Response:
            call.sandbox.faults.add(Fault(**parts))
            return call.create(copy_of("Fa"))

        assert answer(kind=Kind.CODE, code=13000302).json()["msg"] == "File is not in the specified space."
        assert answer(kind=Kind.STATUS, status=403).json()["error_code"] == "APIGW.0302"
        assert answer(kind=Kind.STATUS, status=500).json()["code"] == 13000201
        assert answer(kind=Kind.STATUS, status=200, body='{"data": "1"}').json() == {"data": "1"}
        assert "Retry-After" not in answer(kind=Kind.STATUS, status=503).headers
        assert answer(kind=Kind.STATUS, status=429, retry_after=7).headers["Retry-After"] == "7"
        assert len(answer(kind=Kind.OVERSIZED).content) == 2 * 1024 * 1024

    def test_a_busy_koodrive_takes_the_second_call(self, call: Caller) -> None:
        statuses = [call.create(copy_of(magic.file_id("busy"))).status_code for _ in range(2)]
        assert statuses == [429, 200]

    def test_a_call_that_waits_holds_up_no_other(self, call: Caller) -> None:
        call.sandbox.faults.add(Fault(Kind.LATENCY, seconds=60, file_id="Fslow"))
        with pytest.raises(requests.ReadTimeout):
            call.session.post(call.sandbox.url + JOBS, json=copy_of("Fslow"), timeout=0.2)
        assert call.made("Fa")
        assert call.sandbox.received.creates_by_file()["Fslow"] == 1
        assert call.sandbox.received.tasks_by_file()["Fslow"] == 0

    def test_an_invalid_call_is_refused_before_magic(self, call: Caller) -> None:
        answer = call.create(copy_of(magic.file_id("lost")) | {"taskType": 9})
        assert answer.json() == INVALID

    def test_an_outage_keeps_port_and_tasks(self, call: Caller) -> None:
        task_id, url = call.made(), call.sandbox.url
        call.sandbox.stop()
        with pytest.raises(requests.ConnectionError):
            call.made()
        call.sandbox.start()
        assert call.sandbox.url == url
        assert call.detail(task_id)["jobInfo"]["taskId"] == task_id


class TestRecord:
    def test_secrets_are_masked_and_what_was_sent_can_be_proved(self, call: Caller, tmp_path: Path) -> None:
        body = copy_of("Fa", taskType=5, actionType=502, password="s3cr3t-word")
        record = tmp_path / "record.ndjson"
        with Sandbox(token=TOKEN, record=record) as sandbox:
            answer = Caller(sandbox).create(body)
            (line,) = map(json.loads, record.read_text(encoding="utf-8").splitlines())
        assert line["task_id"] == answer.json()["data"]
        assert line["has_password"] is True
        assert line["sha256"] == hashlib.sha256(answer.request.body or b"").hexdigest()
        assert line["headers"]["authorization"] == "Bearer ********"
        assert "s3cr3t" not in json.dumps(line)
        assert TOKEN not in json.dumps(line)

    @pytest.mark.parametrize("fault", [Fault(Kind.RESET), Fault(Kind.RESET, when=When.AFTER), None])
    def test_every_call_is_in_the_file_before_its_answer(self, tmp_path: Path, fault: Fault | None) -> None:
        record = tmp_path / "record.ndjson"
        with Sandbox(token=TOKEN, record=record) as sandbox:
            sandbox.faults.add(*[fault] if fault else [])
            try:
                Caller(sandbox).made()
            except requests.ConnectionError:
                assert fault is not None
            (line,) = map(json.loads, record.read_text(encoding="utf-8").splitlines())
            assert line["task_id"] == next((task.task_id for task in sandbox.jobs), None)
        assert line["faults"] == ([f"{fault.kind} {fault.when}"] if fault else [])


class TestControl:
    def post(self, call: Caller, path: str, body: Any = None) -> requests.Response:
        return requests.post(f"{call.sandbox.url}/sandbox/{path}", json=body, timeout=10)

    def test_the_front_page_says_what_it_is_and_lists_the_magic_ids(self, call: Caller) -> None:
        page = requests.get(call.sandbox.url, timeout=10)
        assert page.headers["Content-Type"].startswith("text/plain")
        assert page.text.startswith("KooDrive sandbox")
        assert all(one.file_id in page.text for one in magic.MAGIC)

    def test_faults_are_scripted_told_and_cleared(self, call: Caller) -> None:
        answer = self.post(call, "faults", [{"kind": "status", "status": 500}, {"kind": "close", "times": None}])
        assert answer.status_code == 201
        assert call.create(copy_of("Fa")).status_code == 500
        url = f"{call.sandbox.url}/sandbox/faults"
        assert [one["kind"] for one in requests.get(url, timeout=10).json()["faults"]] == ["close"]
        assert requests.delete(url, timeout=10).status_code == 200
        assert call.made()

    def test_tokens_are_made_and_expire(self, call: Caller) -> None:
        self.post(call, "expire-tokens")
        assert call.create(copy_of("Fa")).status_code == 401
        call.session.headers["Authorization"] = "Bearer " + self.post(call, "tokens").json()["token"]
        assert call.made()

    def test_the_clock_goes_forward_and_tasks_faster(self, call: Caller) -> None:
        slow = call.made(magic.file_id("slow"))
        self.post(call, "clock", {"advance": 61})
        assert call.detail(slow)["jobInfo"]["status"] == 2
        self.post(call, "clock", {"speed": 1000})
        fast = call.made(magic.file_id("slow"))
        self.post(call, "clock", {"advance": 0.1})
        assert call.detail(fast)["jobInfo"]["status"] == 2

    def test_quirks_are_set(self, call: Caller) -> None:
        self.post(call, "quirks", {"code_as_text": True, "absent": ["createTime"]})
        answer = call("GET", f"/koodrive/ose/v1/{call.made()}").json()
        assert answer["code"] == "0"
        assert "createTime" not in answer["data"]["jobInfo"]

    def test_what_was_received_is_told_by_call_and_number(self, call: Caller) -> None:
        call.made("Fa"), call.listed("offset=0&limit=1"), call.made("Fb")
        url = f"{call.sandbox.url}/sandbox/received?call=create&after="
        received = requests.get(url + "1", timeout=10).json()["received"]
        assert [(one["number"], one["body"]["taskInfo"]["fileInfo"]) for one in received] == [(3, [{"fileId": "Fb"}])]

    def test_reset_is_a_new_beginning(self, call: Caller) -> None:
        call.made()
        self.post(call, "faults", {"kind": "reset"})
        self.post(call, "expire-tokens")
        self.post(call, "reset")
        assert call.listed("offset=0&limit=1") == []
        assert call.made()
        assert len(call.sandbox.received) == 2

    @pytest.mark.parametrize(
        ("path", "body", "sentence"),
        [
            ("faults", {"kind": "bang"}, "bang"),
            ("clock", {"speed": 0}, "above 0"),
            ("clock", {"advance": "1"}, "numbers"),
            ("clock", {"fast": 1}, "advance, speed"),
            ("quirks", {"offset_base": 2}, "0 or 1"),
            ("quirks", {"absent": "tenantId"}, "list"),
            ("nothing", {}, "no such call"),
        ],
    )
    def test_a_mistake_is_told_in_a_sentence(self, call: Caller, path: str, body: Any, sentence: str) -> None:
        answer = self.post(call, path, body)
        assert answer.status_code in (400, 404)
        assert sentence in answer.json()["error"]

    @pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
    def test_web_pages_get_nothing(self, call: Caller, headers: dict[str, str]) -> None:
        url = f"{call.sandbox.url}/sandbox/received"
        assert requests.get(url, headers=headers, timeout=10).status_code == 403
