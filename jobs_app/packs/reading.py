"""Reads an archive that is being written: nothing that stands elsewhere gets into a cover sheet."""

import hashlib
import json
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from ..audit.copying import Progress

_TICK = 1000  # events between two chances to stop

ActorKey = tuple[str, str]  # id, and the hash that stands for the name


@dataclass(frozen=True)
class Event:
    """An event of the archive: its number, its time by the database's clock, and what was recorded."""

    seq: int
    at: str
    body: dict[str, Any]

    @property
    def action(self) -> str:
        return str(self.body["action"])

    @property
    def actor(self) -> ActorKey:
        return self.body["actor"]["id"], self.body["actor"]["name"]

    @property
    def submission(self) -> str | None:
        return self.body.get("submission")

    @property
    def operation(self) -> str:
        return str(self.body.get("operation", "–"))

    @property
    def status(self) -> str | None:
        """The state that the submission came to."""
        status: str | None = self.body.get("after", {}).get("status")
        return status


class Archive:
    """``events_sha256`` is known once all events were read."""

    def __init__(self, archive: zipfile.ZipFile, progress: Progress) -> None:
        self._archive, self._progress = archive, progress
        self.manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
        self.events_sha256 = ""

    def events(self) -> Iterator[Event]:
        """Those that are shown, in order; the withheld ones say nothing but their hash."""
        digest = hashlib.sha256()
        with self._archive.open("events.ndjson") as lines:
            for number, line in enumerate(lines):
                digest.update(line)
                document = json.loads(line)
                if "event" in document:
                    yield Event(document["seq"], document["at"], document["event"])
                if number % _TICK == 0:
                    self._progress.wrote(0)
        self.events_sha256 = digest.hexdigest()

    def names(self, wanted: Collection[ActorKey]) -> dict[ActorKey, str]:
        """The names of these actors; one that was erased is missing."""
        found = {}
        with self._archive.open("actors.ndjson") as lines:
            for each in map(json.loads, lines):
                if (each["actor"], each["hash"]) in wanted and each["name"] is not None:
                    found[each["actor"], each["hash"]] = each["name"]
        return found
