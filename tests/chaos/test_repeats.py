"""A client that repeats every call until it is answered, through something that drops one answer in five."""

import random
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from jobs_app.actors import SUBMISSION_SCOPES
from jobs_app.models import Submission
from tests.chaos.conftest import scaled
from tests.conftest import token_of
from tests.processes import Processes
from tests.rows import numbered

CALLS = 1000
DROPPED = 0.2
CLIENTS = 8
MOST_TRIES = 60


class Dropping(BaseHTTPRequestHandler):
    """Passes a call on, waits for its answer, and now and then says nothing of it."""

    upstream = ""
    chance = random.Random(7)
    dropped: list[int] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = requests.post(self.upstream + self.path, body, headers=dict(self.headers), timeout=30)
        self.close_connection = True
        if self.chance.random() < DROPPED:
            self.dropped.append(answer.status_code)
            return
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def dropping(upstream: str) -> Iterator[str]:
    handler = type("Handler", (Dropping,), {"upstream": upstream, "dropped": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
    assert handler.dropped, "no answer was dropped, so nothing was tried"
    print(f"\n{len(handler.dropped)} answers dropped, {handler.dropped.count(201)} of them of a submission just made")


def test_a_thousand_calls_make_a_thousand_submissions(own: Processes) -> None:
    upstream, calls = own.web(), scaled(CALLS)
    headers = {"Authorization": f"Bearer {token_of('payroll', *SUBMISSION_SCOPES)}"}
    with dropping(upstream) as address, ThreadPoolExecutor(CLIENTS) as clients:
        made = list(clients.map(lambda number: _until_answered(address, headers, number), range(calls)))
    assert len(set(made)) == calls
    assert {str(pk) for pk in Submission.objects.values_list("pk", flat=True)} == set(made)


def _until_answered(address: str, headers: dict[str, str], number: int) -> str:
    """The submission's id; the same key each time, as docs/rest.md has it."""
    key = {"Idempotency-Key": str(uuid.UUID(int=number))}
    for _ in range(MOST_TRIES):
        try:
            answer = requests.post(
                f"{address}/api/v1/submissions/", json=numbered(number), headers=headers | key, timeout=30
            )
        except requests.ConnectionError:
            continue
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["id"])
    raise AssertionError("never answered")
