"""What an archive proves and what it doesn't, and how to check it."""

from collections.abc import Iterator
from typing import Any

from .reading import Event
from .telling import Section, Table, Teller

_COMMAND = "python verify.py PACK.zip --key HEX --anchors anchors.txt"


class Proof:
    """Takes the events that are shown; the manifest tells how far the trail was sealed."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self._manifest = manifest
        self._shown = self._sealed = 0

    def add(self, event: Event) -> None:
        self._shown += 1
        self._sealed += event.seq <= self._manifest["sealedUpToSeq"]

    def sections(self, say: Teller, events_sha256: str) -> Iterator[Section]:
        yield Section(say("proof"), list(self._sentences(say)))
        rows = [
            [say("events_sha"), events_sha256],
            [say("key_ids"), ", ".join(self._manifest["keyIds"])],
        ]
        sentences = [say("check_how")]
        table = Table(say.heads("what", "value"), rows, say("key_compare"))
        yield Section(say("check"), sentences, [table], _COMMAND)

    def _sentences(self, say: Teller) -> Iterator[str]:
        known = self._manifest
        counts = {"shown": self._shown, "sealed": self._sealed, "open": self._shown - self._sealed}
        yield say("sealed", upto=known["sealedUpToSeq"], n=known["newestSeal"], **counts)
        if known["withheld"]:
            yield say("withheld", n=known["withheld"])
        yield say("seal_means")
        if known["selection"]:
            yield say("part_means")
        missing = ", ".join(known["anchorsMissing"])
        yield say("anchors_behind", places=missing) if missing else say("anchors_ok")
        for key in ("anchors_mean", "names_mean", "times_mean"):
            yield say(key)
