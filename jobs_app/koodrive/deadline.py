"""Connections that a call's deadline can end at any moment: while they are made, during TLS, and while data drips in.

Time limits of sockets begin anew with every byte, so they bound no call; a timer that shuts the socket down does.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar, Token
from typing import Any, Self

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError


class Deadline:
    """The end of one call, which this thread makes inside the ``with`` block.

    ``sent`` turns true before the first byte of the request may leave, and nothing leaves after the end. ``reached``
    tells that the timer shut the connection down, so that an end of data is not the end of an answer.
    """

    def __init__(self, seconds: float) -> None:
        self.sent = False
        self.reached = False
        self._end = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        self._outer: Token[Deadline] = _current.set(self)
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        _current.reset(self._outer)
        with self._lock:
            self._let_go()

    def left(self) -> float:
        """Seconds until the end, never below 0."""
        return max(0.0, self._end - time.monotonic())

    def watch(self, sock: Any) -> None:
        """From now on the end of time shuts ``sock`` down, and everything that is built on top of it."""
        with self._lock:
            self._let_go()
            # A duplicate survives the wrapping in TLS, which detaches the original, and can't be reused for another.
            self._socket = socket.socket(fileno=os.dup(sock.fileno()))
            if self.reached:
                _shut_down(self._socket)

    def _cut(self) -> None:
        with self._lock:
            self.reached = True
            if self._socket:
                _shut_down(self._socket)

    def _let_go(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None


_current: ContextVar[Deadline] = ContextVar("deadline")


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        """Connects in another thread: looking a name up has no time limit and can't be interrupted."""
        deadline = _current.get()
        connecting = _in_thread(super()._new_conn)
        try:
            sock = connecting.result(timeout=deadline.left())
        except TimeoutError as error:
            connecting.add_done_callback(_close_unused)
            raise ConnectTimeoutError(self, "no connection before the end of the call") from error
        deadline.watch(sock)
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        deadline = _current.get()
        if self.is_closed:
            self.connect()
        assert self.sock is not None
        deadline.watch(self.sock)
        if not deadline.left():
            raise ConnectTimeoutError(self, "the call was over before the request was sent")
        self.timeout = deadline.left()  # Sending may take longer than connecting did.
        deadline.sent = True
        super().request(*args, **kwargs)


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


POOLS = {"http": _Pool, "https": _TLSPool}  # for a PoolManager's pool_classes_by_scheme


def _in_thread(connect: Callable[[], socket.socket]) -> "Future[socket.socket]":
    future: Future[socket.socket] = Future()

    def run() -> None:
        try:
            future.set_result(connect())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def _close_unused(connecting: "Future[socket.socket]") -> None:
    if not connecting.exception():
        connecting.result().close()


def _shut_down(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # The other side was faster.
