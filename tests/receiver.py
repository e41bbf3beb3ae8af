"""A receiver of notices over real HTTP or HTTPS, which answers as a test tells it; and certificates of an own CA."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Received:
    """A request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Takes every notice with 204 until ``answer`` is another one; keeps what came in."""

    def __init__(self, port: int) -> None:
        self.received: list[Received] = []
        self.answer: Callable[[Any], None] = status(204)
        self.port = port
        self.scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks"


@contextmanager
def receiving(certificate: Path | None = None) -> Iterator[Receiver]:
    """A running receiver, with TLS when it has a certificate (a PEM file with its key)."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body))
            receiver.answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_address[1])
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        receiver.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        pass  # The portal hangs up on many answers on purpose.


def status(code: int, **headers: str) -> Callable[[Any], None]:
    """Answers with this status and these headers (underscores for hyphens)."""

    def answer(handler: Any) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def in_turn(*answers: Callable[[Any], None]) -> Callable[[Any], None]:
    """The first request gets the first answer, and so on; the last one again and again."""
    left = list(answers)
    return lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)


def held(may_answer: threading.Event) -> Callable[[Any], None]:
    """Answers nothing until it may."""

    def answer(handler: Any) -> None:
        may_answer.wait(30)
        status(204)(handler)

    return answer


def dripping(handler: Any) -> None:
    """Sends an answer byte by byte, without an end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(300):
        handler.wfile.write(b".")
        time.sleep(0.05)


def huge(handler: Any) -> None:
    """A good answer without an end, as fast as it can."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        handler.wfile.write(b"." * 65536)


def certificates(folder: Path, host: str) -> tuple[Path, Path]:
    """The certificate of a new authority, and one that it gave to the host, with its key."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _signed("Test CA", "Test CA", ca_key, ca_key.public_key(), x509.BasicConstraints(True, None))
    leaf = _signed(host, "Test CA", ca_key, key.public_key(), x509.SubjectAlternativeName([x509.DNSName(host)]))
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "host.pem").write_bytes(private + leaf.public_bytes(serialization.Encoding.PEM))
    return folder / "ca.pem", folder / "host.pem"


def _signed(name: str, issuer: str, key: Any, public: Any, extension: x509.ExtensionType) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(extension, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
