"""The sandbox's own calls, under /sandbox/: what KooDrive doesn't have and a test needs."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from . import magic, verify, views
from .faults import from_document
from .http import TEXT, Answer, Request, as_json
from .jobs import COMPLETED
from .state import State

PACKAGES = "/sandbox/packages/"
_HERE = {"127.0.0.1", "localhost", "::1"}


class Control:
    """Answers the sandbox's own calls on ``state``. Only programs of this machine get an answer, no web page does."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/"): self._page,
            ("GET", "/sandbox/faults"): self._faults,
            ("POST", "/sandbox/faults"): self._add_faults,
            ("DELETE", "/sandbox/faults"): self._clear_faults,
            ("GET", "/sandbox/received"): self._received,
            ("POST", "/sandbox/tokens"): self._new_token,
            ("POST", "/sandbox/expire-tokens"): self._expire_tokens,
            ("POST", "/sandbox/clock"): self._set_clock,
            ("POST", "/sandbox/quirks"): self._set_quirks,
            ("POST", "/sandbox/reset"): self._reset,
        }

    def handle(self, request: Request) -> Answer:
        if "origin" in request.headers or _host(request) not in _HERE:
            return _error(403, "The sandbox's own calls are for programs on this machine, not for web pages.")
        if request.method == "GET" and request.path.startswith(PACKAGES):
            return self._package(request)
        route = self._routes.get((request.method, request.path))
        if route is None:
            return _error(404, "The sandbox has no such call; GET / lists them.")
        try:
            return route(request)
        except (ValueError, verify.Invalid) as error:
            return _error(400, str(error) or "The query can't be understood; see docs/sandbox.md.")

    def _page(self, request: Request) -> Answer:
        calls = "\n".join(f"  {method:<6} {path}" for method, path in self._routes)
        ids = "\n".join(f"  {one.file_id}  {one.ends:<16}  {one.happens}" for one in magic.MAGIC)
        return Answer(200, _PAGE.format(calls=calls, ids=ids).encode(), TEXT)

    def _faults(self, request: Request) -> Answer:
        return as_json(200, {"faults": self._state.faults.waiting()})

    def _add_faults(self, request: Request) -> Answer:
        document = verify.parsed(request.body)
        self._state.faults.add(*map(from_document, document if isinstance(document, list) else [document]))
        return as_json(201, {"faults": self._state.faults.waiting()})

    def _clear_faults(self, request: Request) -> Answer:
        self._state.faults.clear()
        return _done()

    def _received(self, request: Request) -> Answer:
        query = request.parameters()
        after = verify.whole_number(query.get("after", "0"), least=0, most=10**12)
        limit = verify.whole_number(query.get("limit", "1000"), least=1, most=100_000)
        call = query.get("call", "")
        found = [entry for entry in self._state.received if entry.number > after and call in ("", entry.call)]
        return as_json(200, {"received": [asdict(entry) for entry in found[:limit]]})

    def _new_token(self, request: Request) -> Answer:
        return as_json(201, {"token": self._state.tokens.new()})

    def _expire_tokens(self, request: Request) -> Answer:
        self._state.tokens.expire()
        return _done()

    def _set_clock(self, request: Request) -> Answer:
        wish = _parts(request, {"speed", "advance"})
        if any(type(number) not in (int, float) for number in wish.values()):
            raise ValueError("Give speed and advance as numbers.")
        self._state.speed = wish.get("speed", self._state.speed)
        self._state.clock.advance(wish.get("advance", 0))
        return as_json(200, {"speed": self._state.speed, "now": self._state.clock.now()})

    def _set_quirks(self, request: Request) -> Answer:
        wish = _parts(request, {"code_as_text", "absent", "offset_base", "oldest_first"})
        absent = wish.pop("absent", [])
        if not isinstance(absent, list) or not all(isinstance(name, str) for name in absent):
            raise ValueError("Give absent as a list of names of fields.")
        self._state.quirks = views.Quirks(absent=frozenset(absent), **wish)
        return _done()

    def _reset(self, request: Request) -> Answer:
        self._state.reset()
        return _done()

    def _package(self, request: Request) -> Answer:
        task = self._state.jobs.get(request.path[len(PACKAGES) :].removesuffix(".zip"))
        if task is None or request.target != views.download_path(task):
            return _error(404, "There is no such package, or this is not its signature.")
        if task.status(self._state.clock.now()) != COMPLETED:
            return _error(404, "The package is not ready.")
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for file_id in dict.fromkeys(task.wanted.file_ids):
                archive.writestr(f"{views.hashed(file_id)}.txt", f"What KooDrive would have packed: {file_id}\n")
        return Answer(200, file.getvalue(), "application/zip")


def _parts(request: Request, known: set[str]) -> dict[str, Any]:
    document = verify.parsed(request.body)
    if not isinstance(document, dict) or not set(document) <= known:
        raise ValueError(f"Send a JSON object with any of {', '.join(sorted(known))}.")
    return document


def _host(request: Request) -> str | None:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return None


def _done() -> Answer:
    return as_json(200, {"done": True})


def _error(status: int, sentence: str) -> Answer:
    return as_json(status, {"error": sentence})


_PAGE = """\
KooDrive sandbox: a stand-in for KooDrive's batch task API. It keeps no files and can harm none.

KooDrive's calls, with Authorization: Bearer <token>:
  POST   /koodrive/ose/v1/jobs
  GET    /koodrive/ose/v1/jobs?offset=0&limit=100[&type=][&status=]
  GET    /koodrive/ose/v1/<task id>
  POST   /koodrive/ose/v1/cancel

The sandbox's own calls:
{calls}

Magic file ids, and the state of the portal's submission that they lead to:
{ids}
"""
