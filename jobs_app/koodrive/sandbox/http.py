"""HTTP/1.1 as bytes: cuts a stream into requests, makes the bytes of an answer. Knows neither sockets nor KooDrive."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

MAX_HEAD = 32 * 1024
MAX_BODY = 12 * 1024 * 1024  # Above it KooDrive's gateway answers 413.

JSON = "application/json;charset=UTF-8"
TEXT = "text/plain;charset=UTF-8"
HTML = "text/html"

_STATUSES = frozenset(HTTPStatus)


@dataclass(slots=True)
class Request:
    """One request; names of headers are in lower case, ``query`` is the raw text behind the question mark."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    keeps_alive: bool = True

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(slots=True)
class Answer:
    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(content, ensure_ascii=False).encode(), JSON, headers or {})


def encode(answer: Answer, *, now: float) -> bytes:
    """The bytes of the answer, with ``Content-Length`` and with ``Date`` from ``now`` (seconds since 1970)."""
    more = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    head = (
        f"HTTP/1.1 {answer.status} {_reason(answer.status)}\r\nServer: koodrive-sandbox\r\nDate: {_date(int(now))}\r\n"
        f"Content-Type: {answer.content_type}\r\nContent-Length: {len(answer.body)}\r\n{more}\r\n"
    )
    return head.encode("latin-1") + answer.body


class Unreadable(Exception):
    """The stream is no HTTP/1.1 request with a Content-Length; ``answer`` says so, and the connection has to end."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        content = {"error_code": "APIGW.0201", "error_msg": message}
        self.answer = as_json(status, content, {"Connection": "close"})


class Reader:
    """Collects the bytes of one connection and gives back whole requests, one after the other."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._request: Request | None = None
        self._length = 0

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> Request | None:
        """The next whole request, or None until more bytes came. Raises ``Unreadable``."""
        if self._request is None and not self._read_head():
            return None
        if len(self._buffer) < self._length:
            return None
        request, self._request = self._request, None
        assert request is not None
        request.body = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        return request

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for ``100 Continue`` before it sends the body."""
        waiting = self._request is not None and not self._buffer
        return waiting and self._request.headers.get("expect", "").lower() == "100-continue"  # type: ignore[union-attr]

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end > MAX_HEAD or (end < 0 and len(self._buffer) > MAX_HEAD):
            raise Unreadable(431, "The request's header is too large.")
        if end < 0:
            return False
        self._request = _request(self._buffer[:end].decode("latin-1"))
        self._length = _length(self._request.headers)
        del self._buffer[: end + 4]
        return True


def _request(head: str) -> Request:
    first, *lines = head.split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise Unreadable(400, "The request line can't be read.")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise Unreadable(400, "A header can't be read.")
        headers[name.strip().lower()] = value.strip()
    path, _, query = words[1].partition("?")
    keeps_alive = words[2] == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    return Request(words[0], path, query, headers, keeps_alive=keeps_alive)


def _length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise Unreadable(411, "The body needs a Content-Length.")
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise Unreadable(400, "The Content-Length can't be read.")
    if int(text) > MAX_BODY:
        raise Unreadable(413, "The request's body is too large.")
    return int(text)


@lru_cache(maxsize=8)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


@lru_cache
def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in _STATUSES else "Unknown"
