"""Servers on loopback that behave on the wire exactly as a test says, down to the byte and the reset."""

import gzip
import ipaddress
import json
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Behaviour = Callable[["Server", socket.socket], None]


class Server:
    """Treats every connection as ``behave`` says, and keeps each whole request; counts what was opened and closed."""

    def __init__(self, behave: Behaviour, *, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[bytes] = []
        self.connections = self.closed = 0
        self.over = threading.Event()  # what drips or hangs ends with the test
        self._behave = behave
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def read(self, connection: socket.socket) -> bytes:
        """One request, head and body; empty when the other side closed."""
        request = b""
        while b"\r\n\r\n" not in request:
            part = connection.recv(65536)
            if not part:
                return b""
            request += part
        head, _, body = request.partition(b"\r\n\r\n")
        while len(body) < _content_length(head):
            part = connection.recv(1 << 20)
            if not part:
                return b""
            body += part
        self.received.append(head + b"\r\n\r\n" + body)
        return self.received[-1]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self._tls:
                with self._tls.wrap_socket(connection, server_side=True) as wrapped:
                    self._behave(self, wrapped)
            else:
                self._behave(self, connection)
        self.closed += 1


def _content_length(head: bytes) -> int:
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lengths[0]) if lengths else 0


def http(status: int, body: Any = b"", **headers: str) -> bytes:
    """A whole answer; underscores in the names of headers stand for hyphens."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Content-Length": str(len(content))} | {name.replace("_", "-"): text for name, text in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + content


def replying(answer: bytes) -> Behaviour:
    """Answers every request of a connection with these bytes, and closes it after the last."""

    def behave(server: Server, connection: socket.socket) -> None:
        while server.read(connection):
            connection.sendall(answer)

    return behave


def replying_once(answer: bytes) -> Behaviour:
    def behave(server: Server, connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(answer)

    return behave


def dripping(beginning: bytes, drop: bytes) -> Behaviour:
    """After the request the beginning, then a drop every 20 ms for as long as the other side takes them."""

    def behave(server: Server, connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(beginning)
        while not server.over.wait(0.02):
            connection.sendall(drop)

    return behave


def silent(server: Server, connection: socket.socket) -> None:
    server.read(connection)
    server.over.wait(30)


def closing(server: Server, connection: socket.socket) -> None:
    server.read(connection)


def resetting(server: Server, connection: socket.socket) -> None:
    """Resets the connection after it read the request."""
    server.read(connection)
    reset(connection)


def resetting_at_once(server: Server, connection: socket.socket) -> None:
    reset(connection)


def resetting_unread(server: Server, connection: socket.socket) -> None:
    """Resets once the request has begun to arrive; a reset before that may meet the connecting itself."""
    select.select([connection], [], [], 10)
    reset(connection)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def zeros_compressed(size: int) -> bytes:
    return gzip.compress(b"0" * size)


def certificate(folder: Path, *, address: str = "127.0.0.1") -> tuple[ssl.SSLContext, str]:
    """A server's TLS with a certificate signed by itself for ``address``, and the file that makes it trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path, key_path = folder / "certificate.pem", folder / "key.pem"
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key_path)
    return context, str(path)
