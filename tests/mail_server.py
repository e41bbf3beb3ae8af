"""A mail server that answers as it is told: it speaks as much SMTP as Django's backend needs."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


@dataclass
class MailServer:
    """``refuses`` are answers to MAIL, RCPT and DATA in place of the good ones."""

    port: int = 0
    refuses: dict[str, str] = field(default_factory=dict)
    received: list[EmailMessage] = field(default_factory=list)
    holds: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.holds.set()


@contextmanager
def mail_server() -> Iterator[MailServer]:
    server = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            _converse(server, self.rfile, self.wfile)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        server.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()


def _converse(server: MailServer, lines: Any, answers: Any) -> None:
    answers.write(b"220 here\r\n")
    while command := lines.readline().decode().strip():
        word = command.split()[0].upper()
        if word == "DATA" and "DATA" not in server.refuses:
            answers.write(b"354 go on\r\n")
            content = b""
            while (line := lines.readline()) != b".\r\n":
                content += line
            server.holds.wait(30)
            server.received.append(message_from_bytes(content, policy=policy.default))  # type: ignore[arg-type]
        if word == "QUIT":
            answers.write(b"221 bye\r\n")
            return
        answers.write(server.refuses.get(word, "250 well").encode() + b"\r\n")
