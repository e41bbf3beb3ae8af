"""The sandbox as a server on loopback, in a thread of its own."""

import asyncio
import socket
import threading
from pathlib import Path
from typing import Self

from .access import TOKEN_LIFE, App
from .calls import Calls
from .connection import Connection, Outcome, Reply
from .control import Control
from .http import Request, encode
from .state import State
from .views import Quirks

HOST = "127.0.0.1"
BACKLOG = 1024
PATIENCE = 10.0  # seconds for the thread to start or end


class Sandbox(State):
    """A KooDrive on loopback, from ``start`` to ``stop`` or as a context manager.

    What it received, its tasks, faults, tokens and clock are attributes that a test may use from any thread, running or
    not. Stopped and started again it has the same port and remembers everything: an outage.
    ``start`` raises OSError when the port is taken.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        token: str = "",
        token_life: float = TOKEN_LIFE,
        app: App | None = None,
        speed: float = 1.0,
        quirks: Quirks | None = None,
        record: Path | None = None,
    ) -> None:
        super().__init__(token=token, token_life=token_life, app=app, speed=speed, quirks=quirks, record=record)
        self.port = port
        self._calls, self._control = Calls(self), Control(self)
        self._connections: set[Connection] = set()
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        listener = socket.create_server((HOST, self.port), backlog=BACKLOG)
        self.port = listener.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener, started)), name="koodrive-sandbox", daemon=True
        )
        self._thread.start()
        if not started.wait(PATIENCE):
            raise RuntimeError("The sandbox's thread did not start.")
        return self

    def stop(self) -> None:
        """Ends every connection; calls under way get no answer. Does nothing when it isn't running."""
        if self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(PATIENCE)
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    async def _serve(self, listener: socket.socket, started: threading.Event) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(
            lambda: Connection(self._handle, self.clock.now, self._connections), sock=listener, backlog=BACKLOG
        )
        started.set()
        await self._ending.wait()
        server.close()
        for connection in list(self._connections):
            connection.abort()

    def _handle(self, request: Request) -> Outcome:
        if request.path == "/" or request.path.startswith("/sandbox/"):
            return Reply(encode(self._control.handle(request), now=self.clock.now()))
        return self._calls.handle(request)
