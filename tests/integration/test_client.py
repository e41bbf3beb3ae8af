"""The client on the wire: what it sends, that it sends it once, and what it says of every way a call can break."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from jobs_app.koodrive.client import MAX_ANSWER, Answer, Client, Failure, from_settings, new_trace_id
from jobs_app.koodrive.credentials import AppSigning, Bearer
from tests.examples import TASK, VENDOR_EXAMPLE
from tests.integration import wire
from tests.integration.wire import Server, http
from tests.processes import eventually

TOKEN = "6ebb6266dd5cdefa1d7126af2eb6173ce0a054d8ba4295be"
TRACE = "0123456789abcdef0123456789abcdef_0001_ABCDEFGHIJKLMNOPQRST"
CONNECT, READ = 0.3, 0.5
SHORT = {"connect_timeout": CONNECT, "read_timeout": READ}  # for calls that are meant to run out of time
ACCEPTED = http(200, {"data": TASK, "code": 0, "msg": "success"})
SEVERAL_DROPS = 60  # the shortest time, in ms, in which a dripping server gets anywhere

Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as servers:
        yield lambda behave, **options: servers.enter_context(Server(behave, **options))


def client(url: str, **options: Any) -> Client:
    given = {"credentials": Bearer(TOKEN), "connect_timeout": 5.0, "read_timeout": 10.0} | options
    return Client(base_url=url, **given)


def create(url: str, **options: Any) -> Answer:
    return client(url, **options).create(VENDOR_EXAMPLE, trace_id=TRACE)


def fields(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


def ended_at_the_deadline(answer: Answer) -> bool:
    return (CONNECT + READ) * 1000 - SEVERAL_DROPS <= answer.milliseconds < (CONNECT + READ) * 1000 + 1500


# --- What is sent ----------------------------------------------------------------------------------------------------


def test_create_sends_the_vendors_example_as_it_is(serve: Serve) -> None:
    server = serve(wire.replying(ACCEPTED))
    answer = create(server.url)
    (request,) = server.received
    assert request.startswith(b"POST /koodrive/ose/v1/jobs HTTP/1.1\r\n")
    assert json.loads(request.partition(b"\r\n\r\n")[2]) == VENDOR_EXAMPLE
    sent = fields(request)
    assert sent["authorization"] == f"Bearer {TOKEN}"
    assert sent["x-traceid"] == TRACE
    assert sent["language"] == "en-US"
    assert sent["content-type"] == "application/json"
    assert sent["host"] == f"127.0.0.1:{server.port}"
    assert "x-user-id" not in sent
    assert (answer.status, answer.failure, answer.detail) == (200, None, "")
    assert json.loads(answer.body)["data"] == TASK


def test_the_body_is_utf_8(serve: Serve) -> None:
    server = serve(wire.replying(ACCEPTED))
    client(server.url).create({"password": "Zażółć 🎉"}, trace_id=TRACE)
    assert server.received[0].endswith('{"password": "Zażółć 🎉"}'.encode())


def test_a_signed_request_carries_what_was_signed(serve: Serve) -> None:
    server = serve(wire.replying(ACCEPTED))
    client(server.url, credentials=AppSigning("app", "secret", "77")).job_detail(TASK)
    sent = fields(server.received[0])
    assert sent["host"] == f"127.0.0.1:{server.port}"
    assert sent["x-user-id"] == "77"
    assert len(sent["x-date"]) == 16
    assert sent["authorization"].startswith("HMAC-SHA256 AppId=app,SignedHeaders=host;x-date;x-user-id,Signature=")


def test_the_other_calls_reach_their_addresses(serve: Serve) -> None:
    server = serve(wire.replying(http(200, {"code": 0})))
    caller = client(server.url)
    caller.list_jobs(offset=0, limit=100)
    caller.list_jobs(offset=100, limit=50, task_type=2, status=0)
    caller.job_detail(TASK)
    caller.cancel(TASK)
    assert [request.split(b" HTTP/1.1")[0].decode() for request in server.received] == [
        "GET /koodrive/ose/v1/jobs?offset=0&limit=100",
        "GET /koodrive/ose/v1/jobs?offset=100&limit=50&type=2&status=0",
        f"GET /koodrive/ose/v1/{TASK}",
        "POST /koodrive/ose/v1/cancel",
    ]
    assert server.received[3].endswith(b'{"jobId": "1309243162258308352"}')
    assert len({fields(request)["x-traceid"] for request in server.received}) == 4
    assert all(len(fields(request)["x-traceid"]) == 58 for request in server.received)


def test_a_trace_id_has_58_plain_characters() -> None:
    caller = client("http://127.0.0.1:9")
    for wrong in ("", TRACE[:-1], TRACE + "A", TRACE[:-1] + "-", TRACE[:-1] + "\n", TRACE[:-1] + "é"):
        with pytest.raises(ValueError, match="58"):
            caller.create({}, trace_id=wrong)
    assert new_trace_id() != new_trace_id()


@pytest.mark.parametrize("task_id", ["", "jobs", "1/../jobs", "1" * 20, "1\n", "١", "-1"])
def test_a_task_id_is_digits_only(task_id: str) -> None:
    caller = client("http://127.0.0.1:9")
    for call in (caller.job_detail, caller.cancel):
        with pytest.raises(ValueError, match="digits"):
            call(task_id)


# --- Connections -----------------------------------------------------------------------------------------------------


def test_reads_share_a_connection_and_every_create_has_its_own(serve: Serve) -> None:
    server = serve(wire.replying(http(200, {"code": 0}, Set_Cookie="Authorization=other")))
    caller = client(server.url)
    for _ in range(3):
        caller.job_detail(TASK)
    assert server.connections == 1
    caller.create({}, trace_id=TRACE)
    caller.create({}, trace_id=TRACE)
    assert server.connections == 3
    assert not any("cookie" in fields(request) for request in server.received)


def test_a_kept_connection_that_died_is_replaced_before_the_next_read(serve: Serve) -> None:
    server = serve(wire.replying_once(http(200, {"code": 0})))
    caller = client(server.url)
    for number in (1, 2, 3):
        assert caller.job_detail(TASK).status == 200
        eventually(lambda: server.closed == number, what="its end of the connection")  # noqa: B023
    assert server.connections == 3


def test_the_deadline_of_one_read_does_not_end_the_next_on_the_same_connection(serve: Serve) -> None:
    server = serve(wire.replying(http(200, {"code": 0})))
    caller = client(server.url, **SHORT)
    ended = threading.Event()
    statuses = [caller.job_detail(TASK).status]
    threading.Timer(CONNECT + READ + 0.1, ended.set).start()
    while not ended.is_set():
        statuses.append(caller.job_detail(TASK).status)
    assert set(statuses) == {200}
    assert server.connections == 1


def test_a_call_that_ended_leaves_no_timer_behind(serve: Serve) -> None:
    assert create(serve(wire.replying(ACCEPTED)).url).status == 200
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    for timer in timers:
        timer.join(5)
    assert not any(timer.is_alive() for timer in timers)


def test_threads_may_share_a_client(serve: Serve) -> None:
    server = serve(wire.replying(http(200, {"code": 0})))
    caller = client(server.url)
    statuses: list[int | None] = []
    threads = [
        threading.Thread(target=lambda: statuses.extend(caller.job_detail(TASK).status for _ in range(20)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 160


def test_a_redirect_is_an_answer_and_not_followed(serve: Serve) -> None:
    elsewhere = serve(wire.replying(ACCEPTED))
    server = serve(wire.replying(http(307, b"", Location=f"{elsewhere.url}/koodrive/ose/v1/jobs")))
    assert create(server.url).status == 307
    assert len(server.received) == 1
    assert elsewhere.connections == 0


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_an_error_is_an_answer_and_nothing_is_sent_again(serve: Serve, status: int) -> None:
    server = serve(wire.replying(http(status, b"{}", retry_after="0")))
    answer = create(server.url)
    assert (answer.status, answer.headers.get("Retry-After"), answer.body) == (status, "0", b"{}")
    assert len(server.received) == 1


def test_the_proxies_of_the_environment_are_not_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(wire.replying(ACCEPTED))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert create(server.url).status == 200


# --- Nothing was sent ------------------------------------------------------------------------------------------------


def test_a_refused_connection(free_port: int) -> None:
    answer = create(f"http://127.0.0.1:{free_port}")
    assert (answer.status, answer.failure) == (None, Failure.NOT_CONNECTED)
    assert answer.detail == "No connection to KooDrive, so nothing was sent: it was refused."


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    answer = create("https://host.invalid")
    assert answer.failure is Failure.NOT_CONNECTED
    assert "host name" in answer.detail


def test_a_name_server_that_hangs_ends_at_the_deadline_and_nothing_is_sent_later(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def behave(server: Server, connection: socket.socket) -> None:
        server.read(connection)
        ended.set()

    server, answered, look_up = serve(behave), threading.Event(), socket.getaddrinfo

    def hanging(*args: Any, **kwargs: Any) -> Any:
        answered.wait(30)
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    answer = create(server.url.replace("127.0.0.1", "localhost"), **SHORT)
    assert answer.failure is Failure.NOT_CONNECTED
    assert "in time" in answer.detail
    assert ended_at_the_deadline(answer)
    answered.set()
    assert ended.wait(10)
    assert server.received == []


def test_a_connection_that_does_not_come_about() -> None:
    with socket.socket() as listener, ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):  # fills the queue of a server that accepts nobody
            other = waiting.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
        answer = create(f"http://127.0.0.1:{listener.getsockname()[1]}", connect_timeout=CONNECT)
    assert answer.failure is Failure.NOT_CONNECTED
    assert "in time" in answer.detail
    assert CONNECT * 1000 <= answer.milliseconds < 5000


def test_tls_with_the_given_authority(serve: Serve, tmp_path: Path) -> None:
    tls, trusted = wire.certificate(tmp_path)
    server = serve(wire.replying(ACCEPTED), tls=tls)
    assert create(server.url, ca_file=trusted).status == 200
    caller = client(server.url, ca_file=trusted)
    assert [caller.job_detail(TASK).status for _ in range(2)] == [200, 200]
    assert server.connections == 2


def test_a_certificate_that_nobody_vouches_for(serve: Serve, tmp_path: Path) -> None:
    tls, _ = wire.certificate(tmp_path)
    server = serve(wire.replying(ACCEPTED), tls=tls)
    answer = create(server.url)
    assert answer.failure is Failure.CERTIFICATE
    assert "self-signed" in answer.detail
    assert server.received == []


def test_a_certificate_of_another_host(serve: Serve, tmp_path: Path) -> None:
    tls, trusted = wire.certificate(tmp_path, address="127.0.0.2")
    server = serve(wire.replying(ACCEPTED), tls=tls)
    assert create(server.url, ca_file=trusted).failure is Failure.CERTIFICATE
    assert server.received == []


def test_plain_http_where_tls_is_expected(serve: Serve) -> None:
    server = serve(lambda _, connection: connection.sendall(ACCEPTED))
    answer = create(server.url.replace("http:", "https:"))
    assert answer.failure is Failure.CERTIFICATE


@pytest.mark.parametrize("behave", [wire.resetting_at_once, lambda _, connection: connection.close()])
def test_a_handshake_that_breaks_off_is_no_connection(serve: Serve, behave: wire.Behaviour) -> None:
    answer = create(serve(behave).url.replace("http:", "https:"))
    assert answer.failure is Failure.NOT_CONNECTED
    assert answer.detail.endswith(": it failed.")


def test_a_silent_handshake_is_no_connection(serve: Serve) -> None:
    answer = create(serve(wire.silent).url.replace("http:", "https:"), connect_timeout=CONNECT)
    assert answer.failure is Failure.NOT_CONNECTED
    assert "in time" in answer.detail


def test_a_dripping_handshake_has_the_time_of_a_connection(serve: Serve) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        connection.sendall(b"\x16\x03\x03\x20\x00")  # a handshake record of 8 KiB
        while not server.over.wait(0.02):
            connection.sendall(b"\x02")

    answer = create(serve(behave).url.replace("http:", "https:"), connect_timeout=CONNECT)
    assert answer.failure is Failure.NOT_CONNECTED
    assert answer.milliseconds < 5000


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_an_authority_file_that_can_not_be_read_is_refused_at_once(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_bytes(content)
    with pytest.raises(ValueError, match="KOODRIVE_CA_FILE"):
        client("https://127.0.0.1:9", ca_file=str(path))


# --- Through a proxy -------------------------------------------------------------------------------------------------


def test_the_proxy_gets_its_password_and_the_request(serve: Serve) -> None:
    proxy = serve(wire.replying(ACCEPTED))
    address = proxy.url.replace("://", "://us%40er:pass@")
    assert create("http://127.0.0.1:9", proxy=address).status == 200
    assert proxy.received[0].startswith(b"POST http://127.0.0.1:9/koodrive/ose/v1/jobs ")
    assert fields(proxy.received[0])["proxy-authorization"] == "Basic dXNAZXI6cGFzcw=="


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_can_not_be_reached(free_port: int, scheme: str) -> None:
    answer = create(f"{scheme}://127.0.0.1:9", proxy=f"http://user:canary@127.0.0.1:{free_port}")
    assert answer.failure is Failure.NOT_CONNECTED
    assert answer.detail == "No connection to KooDrive through the proxy, so nothing was sent: it was refused."


@pytest.mark.parametrize(
    "behave", [wire.replying_once(http(502)), wire.replying_once(http(407)), wire.closing, wire.resetting, wire.silent]
)
def test_a_proxy_that_opens_no_tunnel(serve: Serve, behave: wire.Behaviour) -> None:
    proxy = serve(behave)
    assert create("https://127.0.0.1:9", proxy=proxy.url, **SHORT).failure is Failure.NOT_CONNECTED
    (request,) = proxy.received
    assert request.startswith(b"CONNECT 127.0.0.1:9 ")
    assert TOKEN.encode() not in request


def test_a_proxy_that_opens_its_tunnel_drop_by_drop_ends_at_the_deadline(serve: Serve) -> None:
    proxy = serve(wire.dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"))
    answer = create("https://127.0.0.1:9", proxy=proxy.url, **SHORT)
    assert answer.failure is Failure.NOT_CONNECTED
    assert ended_at_the_deadline(answer)


def test_a_proxy_that_breaks_after_it_got_the_request(serve: Serve) -> None:
    assert create("http://127.0.0.1:9", proxy=serve(wire.resetting).url).failure is Failure.NO_ANSWER


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "ftp://127.0.0.1", "http://"])
def test_a_proxy_that_can_not_be_used_is_refused_at_once(proxy: str) -> None:
    with pytest.raises(ValueError, match="KOODRIVE_PROXY"):
        client("https://127.0.0.1:9", proxy=proxy)


# --- It may have been sent -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behave",
    [
        wire.resetting_unread,
        wire.resetting,
        wire.closing,
        wire.replying_once(b"\x00\x01garbage\r\n\r\n"),
        wire.replying_once(b"HTTP/1.1 2"),
        wire.replying_once(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n"),
    ],
    ids=["reset unread", "reset after reading", "closed", "garbage", "cut in the status", "too many headers"],
)
def test_no_answer_after_the_request_began_to_leave(serve: Serve, behave: wire.Behaviour) -> None:
    server = serve(behave)
    answer = create(server.url)
    assert (answer.status, answer.failure, answer.body) == (None, Failure.NO_ANSWER, b"")
    assert server.connections == 1
    assert len(server.received) <= 1


def test_a_reset_that_may_come_before_the_first_byte_is_never_taken_for_an_answer(serve: Serve) -> None:
    """Which of the two it is, the network's timing decides: nothing left yet, or something may have arrived."""
    server = serve(wire.resetting_at_once)
    answer = create(server.url)
    assert answer.failure in (Failure.NOT_CONNECTED, Failure.NO_ANSWER)
    assert (answer.status, server.connections, server.received) == (None, 1, [])


def test_a_server_that_says_nothing_is_given_up_after_the_read_timeout(serve: Serve) -> None:
    server = serve(wire.silent)
    answer = create(server.url, read_timeout=READ)
    assert answer.failure is Failure.NO_ANSWER
    assert answer.detail == "KooDrive was silent for 0.5 seconds."
    assert READ * 1000 <= answer.milliseconds < 5000
    assert len(server.received) == 1


@pytest.mark.parametrize("over_tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(
    ("beginning", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"{"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"data":"1309243162258308352","code":0}', b" "),
    ],
    ids=["status", "headers", "body", "chunks", "body without a length"],
)
def test_a_dripping_answer_ends_at_the_deadline(
    serve: Serve, tmp_path: Path, beginning: bytes, drop: bytes, over_tls: bool
) -> None:
    tls, trusted = wire.certificate(tmp_path) if over_tls else (None, "")
    server = serve(wire.dripping(beginning, drop), tls=tls)
    answer = create(server.url, ca_file=trusted, **SHORT)
    assert (answer.status, answer.failure) == (None, Failure.NO_ANSWER)
    assert answer.detail == "KooDrive gave no whole answer within 0.8 seconds."
    assert ended_at_the_deadline(answer)
    assert len(server.received) == 1


def test_a_dripping_answer_on_a_kept_connection_ends_at_the_deadline_too(serve: Serve) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(http(200, {"code": 0}))
        wire.dripping(b"HTTP/1.1 200 OK\r\nX: ", b"a")(server, connection)

    server = serve(behave)
    caller = client(server.url, **SHORT)
    assert caller.job_detail(TASK).status == 200
    answer = caller.job_detail(TASK)
    assert answer.failure is Failure.NO_ANSWER
    assert ended_at_the_deadline(answer)
    assert server.connections == 1


def test_a_server_that_takes_the_request_too_slowly(serve: Serve) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        while not server.over.wait(0.02):
            connection.recv(1)

    server = serve(behave)
    answer = client(server.url, **SHORT).create({"filler": "x" * 30_000_000}, trace_id=TRACE)
    assert answer.failure is Failure.NO_ANSWER
    assert answer.milliseconds < (CONNECT + READ) * 1000 + 1500


def test_sending_may_take_longer_than_connecting(serve: Serve) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.over.wait(3 * CONNECT)
        server.read(connection)
        connection.sendall(ACCEPTED)

    server = serve(behave)
    answer = client(server.url, connect_timeout=CONNECT).create({"filler": "x" * 10_000_000}, trace_id=TRACE)
    assert answer.status == 200


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"data":"1309243162258308352","code":0}',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}   \r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        http(200, b"x" * (MAX_ANSWER + 1)),
        http(200, wire.zeros_compressed(MAX_ANSWER + 1), content_encoding="gzip"),
    ],
    ids=["too short", "no last chunk", "not gzip", "too long", "too long when unpacked"],
)
def test_an_answer_that_is_cut_off_or_too_long(serve: Serve, answer: bytes) -> None:
    server = serve(wire.replying_once(answer))
    got = create(server.url)
    assert (got.status, got.failure, got.body) == (None, Failure.CUT_OFF, b"")
    assert len(server.received) == 1


def test_the_longest_answer_is_read_whole(serve: Serve) -> None:
    server = serve(wire.replying_once(http(200, b"x" * MAX_ANSWER)))
    assert len(create(server.url).body) == MAX_ANSWER


def test_an_error_of_our_own_after_the_request_left_is_doubt_and_not_an_exception(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("unforeseen")

    server = serve(wire.replying(ACCEPTED))
    monkeypatch.setattr("urllib3.connection.HTTPConnection.getresponse", broken)
    assert create(server.url).failure is Failure.NO_ANSWER


# --- Settings --------------------------------------------------------------------------------------------------------


def test_the_settings_make_the_client(serve: Serve, settings: Any) -> None:
    server = serve(wire.replying(http(200, {"code": 0, "data": []})))
    settings.KOODRIVE_BASE_URL = server.url
    settings.KOODRIVE_AUTH = "bearer"
    settings.KOODRIVE_TOKEN = TOKEN
    settings.KOODRIVE_SCHEME = "Bearer+"
    settings.KOODRIVE_USER_ID = "77"
    settings.KOODRIVE_CONNECT_TIMEOUT, settings.KOODRIVE_READ_TIMEOUT = 1.0, 2.0
    settings.KOODRIVE_OFFSET_BASE = 1
    made = from_settings()
    assert (made.base_url, made.deadline, made.offset_base) == (server.url, 3.0, 1)
    assert made.credential_id == Bearer(TOKEN).id
    assert made.list_jobs(offset=made.offset_base, limit=1).status == 200
    sent = fields(server.received[0])
    assert (sent["authorization"], sent["x-user-id"]) == (f"Bearer+{TOKEN}", "77")


def test_the_settings_may_ask_for_signing(settings: Any) -> None:
    settings.KOODRIVE_AUTH = "app"
    settings.KOODRIVE_APP_ID, settings.KOODRIVE_APP_SECRET, settings.KOODRIVE_USER_ID = "app", "secret", "77"
    assert from_settings().credential_id == AppSigning("app", "secret", "77").id
    settings.KOODRIVE_APP_SECRET = ""
    with pytest.raises(ValueError, match="set all three"):
        from_settings()
