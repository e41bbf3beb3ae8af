"""Connections that a call's deadline can end at any moment: while they are made, during TLS, and while data drips in.

Time limits of sockets begin anew with every byte, so they bound no call; a watchdog that shuts the socket down does.
"""

import heapq
import ipaddress
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar, Token
from functools import cache
from itertools import count
from typing import Any, Self, TypeVar

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError

Result = TypeVar("Result")


class Deadline:
    """The end of one call, which this thread makes inside the ``with`` block.

    ``sent`` turns true before the first byte of the request may leave, and nothing leaves after the end. ``reached``
    tells that the watchdog shut the connection down, so that an end of data is not the end of an answer.
    """

    def __init__(self, seconds: float) -> None:
        self.sent = False
        self.reached = False
        self.over = False
        self.end = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        self._outer: Token[Deadline] = _current.set(self)
        _watchdog.add(self)
        return self

    def __exit__(self, *error: object) -> None:
        _current.reset(self._outer)
        with self._lock:
            self.over = True
            self._let_go()

    def left(self) -> float:
        """Seconds until the end, never below 0."""
        return max(0.0, self.end - time.monotonic())

    @property
    def watches(self) -> bool:
        """Whether this call has a connection; one that is made for it is watched from its beginning."""
        return self._socket is not None

    def watch(self, sock: Any) -> None:
        """From now on the end of time shuts ``sock`` down, and everything that is built on top of it."""
        with self._lock:
            self._let_go()
            # A duplicate survives the wrapping in TLS, which detaches the original, and can't be reused for another.
            self._socket = socket.socket(fileno=os.dup(sock.fileno()))
            if self.reached:
                _shut_down(self._socket)

    def cut(self) -> None:
        """Time is over: shuts the connection down, unless the call has ended."""
        with self._lock:
            self.reached = not self.over
            if self._socket:
                _shut_down(self._socket)

    def _let_go(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None


class _Watchdog:
    """One thread that cuts every call at its end: starting a timer for each would cost as much as the call itself."""

    def __init__(self) -> None:
        self._calls: list[tuple[float, int, Deadline]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, deadline: Deadline) -> None:
        with self._changed:
            while self._calls and self._calls[0][2].over:
                heapq.heappop(self._calls)
            heapq.heappush(self._calls, (deadline.end, next(self._numbers), deadline))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            if self._calls[0][2] is deadline:
                self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while True:
                while self._calls and (self._calls[0][2].over or not self._calls[0][2].left()):
                    heapq.heappop(self._calls)[2].cut()
                self._changed.wait(self._calls[0][2].left() if self._calls else None)


_watchdog = _Watchdog()
_current: ContextVar[Deadline] = ContextVar("deadline")


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        """Connects, in another thread if the host has a name: looking it up has no limit and can't be interrupted."""
        deadline = _current.get()
        if _is_address(self.host):
            sock = self._connected_directly(deadline)
            deadline.watch(sock)
            return sock
        connecting = in_thread(super()._new_conn)
        try:
            sock = connecting.result(timeout=deadline.left())
        except TimeoutError as error:
            connecting.add_done_callback(_close_unused)
            raise ConnectTimeoutError(self, "no connection before the end of the call") from error
        deadline.watch(sock)
        return sock

    def _connected_directly(self, deadline: Deadline) -> socket.socket:
        if not deadline.left():
            raise ConnectTimeoutError(self, "the call was over before it connected")
        assert isinstance(self.timeout, float | int)
        self.timeout = min(self.timeout, deadline.left())
        return super()._new_conn()

    def request(self, *args: Any, **kwargs: Any) -> None:
        deadline = _current.get()
        if self.is_closed:
            self.connect()
        assert self.sock is not None
        if not deadline.watches:
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


class _Once:
    """A pool that keeps no connection: each request has one of its own."""

    def _put_conn(self, conn: Any) -> None:
        if conn:
            conn.close()


class _OncePool(_Once, _Pool):
    pass


class _OnceTLSPool(_Once, _TLSPool):
    pass


# For a PoolManager's pool_classes_by_scheme.
KEEPING = {"http": _Pool, "https": _TLSPool}
FRESH = {"http": _OncePool, "https": _OnceTLSPool}


@cache
def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def in_thread(work: Callable[[], Result]) -> "Future[Result]":
    """Begins ``work``, which nothing can interrupt, in a thread of its own that nobody has to wait for."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
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
