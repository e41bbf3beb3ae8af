"""Another host: a network namespace on a wire of its own, which a test cuts and joins again. Takes root and ``ip``."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

HERE, THERE = "10.77.0.1", "10.77.0.2"
_BLOCK = 65536


class Host:
    """``inside`` is the beginning of a command that runs on it. Cut off, its packets vanish: nothing is refused."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.inside = ("ip", "netns", "exec", name)

    def cut(self) -> None:
        _ip("link", "set", f"{self.name}-here", "nomaster")

    def heal(self) -> None:
        _ip("link", "set", f"{self.name}-here", "master", f"{self.name}-wire")


def why_none() -> str:
    """Why there can be no other host here; empty when there can."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        return "Another host takes root and the command ip (iproute2)."
    tried = subprocess.run(
        ["unshare", "--net", "ip", "link", "add", "type", "bridge"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else "This kernel makes no network namespaces or bridges."


@contextmanager
def another(*ports: int, local: int) -> Iterator[Host]:
    """A host that reaches these ports of this one's loopback at ``HERE``, and ``local`` at its own loopback too."""
    host = Host(f"kd{os.getpid()}")
    wire, near, far = f"{host.name}-wire", f"{host.name}-here", f"{host.name}-far"
    with ExitStack() as stack:
        stack.callback(_gone, "link", "delete", wire)
        stack.callback(_gone, "netns", "delete", host.name)
        _ip("link", "add", wire, "type", "bridge")
        _ip("address", "add", f"{HERE}/24", "dev", wire)
        _ip("link", "set", wire, "up")
        _ip("netns", "add", host.name)
        _ip("link", "add", near, "type", "veth", "peer", "name", far)
        _ip("link", "set", far, "netns", host.name)
        _ip("link", "set", near, "master", wire, "up")
        _ip("-n", host.name, "address", "add", f"{THERE}/24", "dev", far)
        _ip("-n", host.name, "link", "set", far, "up")
        _ip("-n", host.name, "link", "set", "lo", "up")
        for port in {*ports, local}:
            server = stack.enter_context(socket.create_server((HERE, port)))
            stack.callback(server.shutdown, socket.SHUT_RDWR)
            threading.Thread(target=forward, args=(server, ("127.0.0.1", port)), daemon=True).start()
        command = [*host.inside, sys.executable, "-m", "tests.chaos.hosts", str(local)]
        forwarder = subprocess.Popen(command, cwd=Path(__file__).parents[2])
        stack.callback(forwarder.wait)
        stack.callback(forwarder.kill)
        yield host


def forward(server: socket.socket, target: tuple[str, int]) -> None:
    """Passes on whatever comes in, until the server is shut down."""
    with suppress(OSError):
        while True:
            near, _ = server.accept()
            threading.Thread(target=_join, args=(near, target), daemon=True).start()


def _join(near: socket.socket, target: tuple[str, int]) -> None:
    with near, suppress(OSError), socket.create_connection(target) as far:
        back = threading.Thread(target=_pass_on, args=(far, near), daemon=True)
        back.start()
        _pass_on(near, far)
        back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(_BLOCK):
            sink.sendall(block)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _gone(*arguments: str) -> None:
    with suppress(subprocess.CalledProcessError):
        _ip(*arguments)


def _ip(*arguments: str) -> None:
    command: Sequence[str] = ("ip", *arguments)
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    port = int(sys.argv[1])
    forward(socket.create_server(("127.0.0.1", port)), (HERE, port))
