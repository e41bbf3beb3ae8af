"""The record of every call that reached the sandbox: what a test counts, and what a checker reads after a kill."""

import hashlib
import json
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from .http import Request

KEPT = 200_000
MASK = "********"


@dataclass
class Entry:
    """One call. ``task_id`` and ``made`` are filled in when a task is made, which may be later than the arrival."""

    number: int
    at: float  # seconds since 1970, by the sandbox's clock
    call: str
    method: str
    target: str
    headers: dict[str, str]
    body: Any  # the JSON with its password masked; None when it is none
    has_password: bool
    sha256: str  # of the body's bytes as they came
    faults: list[str] = field(default_factory=list)
    task_id: str | None = None

    @property
    def file_ids(self) -> list[str]:
        return file_ids(self.body)


class Received:
    """The calls, oldest first; the last 200,000 of them. With a file each is appended to it as a line of JSON."""

    def __init__(self, file: Path | None = None) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._number = 0
        self._file: TextIO | None = file.open("a", encoding="utf-8") if file else None

    def add(self, call: str, request: Request, document: Any, *, at: float) -> Entry:
        self._number += 1
        has_password = isinstance(document, dict) and document.get("password") is not None
        entry = Entry(
            number=self._number,
            at=at,
            call=call,
            method=request.method,
            target=request.target,
            headers=_masked(request.headers),
            body=document | {"password": MASK} if has_password else document,
            has_password=has_password,
            sha256=hashlib.sha256(request.body).hexdigest(),
        )
        self._entries.append(entry)
        return entry

    def keep(self, entry: Entry) -> None:
        """Writes the entry to the file, if there is one, so that it outlives this process."""
        if self._file:
            self._file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
            self._file.flush()

    def of(self, call: str) -> list[Entry]:
        return [entry for entry in self if entry.call == call]

    def creates_by_file(self) -> Counter[str]:
        """How many create calls named each file."""
        return Counter(file_id for entry in self.of("create") for file_id in entry.file_ids)

    def tasks_by_file(self) -> Counter[str]:
        """How many tasks were made for each file."""
        made = (entry for entry in self.of("create") if entry.task_id)
        return Counter(file_id for entry in made for file_id in entry.file_ids)

    def clear(self) -> None:
        self._entries.clear()

    def close(self) -> None:
        if self._file:
            self._file.close()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries))  # a copy: calls arrive meanwhile


def file_ids(document: Any) -> list[str]:
    """The files that a body names, as far as it can be understood."""
    try:
        return [file["fileId"] for file in document["taskInfo"]["fileInfo"] if isinstance(file["fileId"], str)]
    except (KeyError, TypeError):
        return []


def _masked(headers: dict[str, str]) -> dict[str, str]:
    """The headers, of the credentials only their kind."""
    if "authorization" not in headers:
        return dict(headers)
    scheme, space, _ = headers["authorization"].partition(" ")
    return headers | {"authorization": f"{scheme} {MASK}" if space else MASK}
