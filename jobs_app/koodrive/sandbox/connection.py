"""One connection: bytes in, bytes out, and every rude way in which a server can end it."""

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, cast

from .http import Reader, Request, Unreadable, encode


class Ending(StrEnum):
    """What becomes of the connection behind the bytes of a reply."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"


@dataclass(slots=True)
class Reply:
    """Bytes for the client; with ``drip``, one at a time with so many seconds between them."""

    data: bytes = b""
    ending: Ending = Ending.KEEP
    drip: float = 0.0


@dataclass(slots=True)
class Wait:
    """Nothing for so many seconds; ``then`` is called whether or not the client is still there."""

    seconds: float
    then: Callable[[], "Outcome"]


Outcome: TypeAlias = Reply | Wait
Handler: TypeAlias = Callable[[Request], Outcome]


class Connection(asyncio.Protocol):
    """Gives requests to ``handle`` one by one and does what its outcome says; is in ``among`` while it lives."""

    def __init__(self, handle: Handler, now: Callable[[], float], among: set["Connection"]) -> None:
        self._handle, self._now, self._among = handle, now, among
        self._reader = Reader()
        self._busy = False
        self._keeps_alive = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # asyncio does this only for sockets that it made itself.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._among.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._among.discard(self)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        self._go_on()

    def abort(self) -> None:
        self._transport.abort()

    @property
    def _socket(self) -> socket.socket:
        return cast(socket.socket, self._transport.get_extra_info("socket"))

    def _go_on(self) -> None:
        while not self._busy and not self._transport.is_closing():
            request = self._next()
            if request is None:
                return
            self._busy, self._keeps_alive = True, request.keeps_alive
            self._follow(self._handle(request))

    def _next(self) -> Request | None:
        try:
            request = self._reader.next()
        except Unreadable as error:
            self._send(Reply(encode(error.answer, now=self._now()), Ending.CLOSE))
            return None
        if request is None and self._reader.expects_continue:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return request

    def _follow(self, outcome: Outcome) -> None:
        if isinstance(outcome, Wait):
            then = outcome.then
            asyncio.get_running_loop().call_later(outcome.seconds, lambda: self._resume(then()))
        else:
            self._send(outcome)

    def _resume(self, outcome: Outcome) -> None:
        self._follow(outcome)
        self._go_on()

    def _send(self, reply: Reply) -> None:
        if self._transport.is_closing():
            return
        if reply.drip and reply.data:
            self._transport.write(reply.data[:1])
            rest = Reply(reply.data[1:], reply.ending, reply.drip)
            asyncio.get_running_loop().call_later(reply.drip, self._resume, rest)
            return
        if reply.data:
            self._transport.write(reply.data)
        self._end(reply.ending)

    def _end(self, ending: Ending) -> None:
        if ending is Ending.HANG:
            return
        self._busy = False
        if ending is Ending.RESET:
            # Without lingering the kernel sends a reset instead of the usual end of stream.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        elif ending is Ending.CLOSE or not self._keeps_alive:
            self._transport.close()
