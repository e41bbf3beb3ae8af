import pytest

from jobs_app.koodrive.sandbox.http import Reader, Unreadable, as_json, encode

POST = b"POST /a?b=1&c= HTTP/1.1\r\nHost: here\r\nX-Name:  value \r\nContent-Length: 3\r\n\r\nabc"


def read(data: bytes) -> Reader:
    reader = Reader()
    reader.feed(data)
    return reader


def test_a_request_is_whole_only_with_its_last_byte() -> None:
    reader = Reader()
    for byte in POST[:-1]:
        reader.feed(bytes([byte]))
        assert reader.next() is None
    reader.feed(POST[-1:])
    request = reader.next()
    assert request is not None
    assert (request.method, request.path, request.target) == ("POST", "/a", "/a?b=1&c=")
    assert request.parameters() == {"b": "1", "c": ""}
    assert request.headers["x-name"] == "value"
    assert request.body == b"abc"


def test_requests_that_come_together_are_taken_one_by_one() -> None:
    reader = read(POST + POST.replace(b"abc", b"xyz"))
    assert [request.body for request in iter(reader.next, None)] == [b"abc", b"xyz"]


@pytest.mark.parametrize(
    ("head", "keeps_alive"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
    ],
)
def test_whether_the_connection_stays(head: bytes, keeps_alive: bool) -> None:
    request = read(head).next()
    assert request is not None
    assert request.keeps_alive is keeps_alive


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"rubbish\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: 12582913\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 33_000, 431),
    ],
)
def test_what_is_no_request_is_answered_and_ended(data: bytes, status: int) -> None:
    with pytest.raises(Unreadable) as caught:
        read(data).next()
    assert caught.value.answer.status == status
    assert caught.value.answer.headers == {"Connection": "close"}


def test_a_client_that_waits_to_send_its_body_is_seen() -> None:
    reader = read(POST.replace(b"Host: here", b"Expect: 100-continue")[:-3])
    assert reader.next() is None
    assert reader.expects_continue
    reader.feed(b"a")
    assert not reader.expects_continue


def test_an_answer_has_length_date_and_its_own_headers() -> None:
    data = encode(as_json(429, {"名": 1}, {"Retry-After": "2"}), now=1_704_067_200.9)
    head, _, body = data.partition(b"\r\n\r\n")
    assert body == '{"名": 1}'.encode()
    assert head.decode().split("\r\n") == [
        "HTTP/1.1 429 Too Many Requests",
        "Server: koodrive-sandbox",
        "Date: Mon, 01 Jan 2024 00:00:00 GMT",
        "Content-Type: application/json;charset=UTF-8",
        "Content-Length: 10",
        "Retry-After: 2",
    ]
