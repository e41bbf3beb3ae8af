"""Writes an archive of the trail that proves itself: the exact lines, their seals, the names, and the verifier.

A part of the trail is exported with the bare leaves of the other events in the same seals, so that it still proves.
Nothing is held in memory but a few blocks, however long the trail is.
"""

import json
import zipfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection, connections, transaction
from psycopg import sql

from . import anchors, keys, verifier
from .copying import Progress, blocks, digest_of, one_moment
from .search import Query

VERSION = "koodrive-portal audit archive v1"
_DATE = (1980, 1, 1, 0, 0, 0)  # the same trail gives the same bytes
SECOND = "sealer"
ALL: sql.Composable = sql.SQL("true")
# Of seals that end at the same number the first holds the events; the others are empty.
_HOLDING = sql.SQL(
    "n IN (SELECT (SELECT n FROM audit.seal WHERE upto_seq >= seq ORDER BY upto_seq, n LIMIT 1) "
    "FROM audit.event WHERE {})"
)
_RUNS = sql.SQL(
    "SELECT min(n), max(n), min(after_seq), max(upto_seq) FROM "
    "(SELECT n, after_seq, upto_seq, n - row_number() OVER (ORDER BY n) AS run FROM audit.seal WHERE {}) AS wanted "
    "GROUP BY run ORDER BY 1"
)
_LINE_OR_LEAF = sql.SQL(
    "CASE WHEN {} THEN line ELSE "
    """format('{{"seq":%s,"leaf":"%s"}}', seq, encode(sha256('\\x00'::bytea || convert_to(line, 'UTF8')), 'hex')) END"""
)
_SEALED = sql.SQL("SELECT {} FROM audit.event WHERE seq > {} AND seq <= {} ORDER BY seq")
_UNSEALED = sql.SQL(
    "SELECT line FROM audit.event WHERE seq > (SELECT coalesce(max(upto_seq), 0) FROM audit.seal) AND {} ORDER BY seq"
)
_SEALS = sql.SQL(
    "SELECT json_build_object('text', text, 'keyId', key_id, 'signature', encode(signature, 'hex')) "
    "FROM audit.seal WHERE n BETWEEN {} AND {} ORDER BY n"
)


# Further members of an archive, each with its name, told from what stands in it already.
Sheets = Callable[[zipfile.ZipFile, Progress], Iterable[tuple[str, str]]]


def write(path: Path, query: Query | None = None, *, sheets: Sheets | None = None) -> dict[str, Any]:
    """Writes what the query finds to ``path``, whole or not at all; the result is its manifest. Raises OSError."""
    draft = path.with_name(f"{path.name}.part")
    try:
        with draft.open("w+b") as file:
            manifest = write_into(file, query or Query(), Progress(), sheets=sheets)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def write_into(file: IO[bytes], query: Query, progress: Progress, *, sheets: Sheets | None = None) -> dict[str, Any]:
    """Writes what the query finds into an empty file that can be read too; the result is the archive's manifest."""
    with one_moment(), zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        writer = _Writer(archive, query, progress)
        manifest = writer.write()
        writer.add(sheets(archive, progress) if sheets else [])
    _append_checksum(file)
    return manifest


@dataclass(frozen=True)
class _Range:
    """Seals that follow one another, and the numbers that their events lie between."""

    first: int
    last: int
    after: int
    upto: int


class _Writer:
    def __init__(self, archive: zipfile.ZipFile, query: Query, progress: Progress) -> None:
        self._archive, self._query, self._progress = archive, query, progress
        self._shown = query.condition()

    def write(self) -> dict[str, Any]:
        ranges = self._ranges()
        self._progress.total = sum(each.upto - each.after for each in ranges)  # gaps in the numbers included
        events = self._stream("events.ndjson", *self._events(ranges), told=True)
        seals = self._stream("seals.ndjson", *self._seals(ranges))
        self._stream("actors.ndjson", self._actors())
        manifest = self._manifest(events, seals)
        self.add(
            [
                ("manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False)),
                ("verify.py", Path(verifier.__file__).read_text(encoding="utf-8")),
                ("README.txt", README),
            ]
        )
        return manifest

    def add(self, members: Iterable[tuple[str, str]]) -> None:
        for name, text in members:
            self._archive.writestr(zipfile.ZipInfo(name, _DATE), text)

    def _stream(self, name: str, *queries: sql.Composable, told: bool = False) -> int:
        """Copies the single column of each query into a member, a line each; how many lines."""
        lines = 0
        with self._archive.open(zipfile.ZipInfo(name, _DATE), "w", force_zip64=True) as member:
            for block, count in (block for query in queries for block in blocks(query)):
                member.write(block)
                lines += count
                self._progress.wrote(count if told else 0)
        return lines

    def _ranges(self) -> list["_Range"]:
        """The seals that hold something of what is wanted, each run of neighbours as one range."""
        which = ALL if self._query.is_everything else _HOLDING.format(self._shown)
        with connection.cursor() as cursor:
            cursor.execute(_RUNS.format(which))
            return [_Range(*found) for found in cursor.fetchall()]

    def _events(self, ranges: Sequence["_Range"]) -> Iterator[sql.Composable]:
        """The events of the seals, what isn't wanted by its leaf alone; then what is wanted and not sealed yet."""
        told = sql.SQL("line") if self._query.is_everything else _LINE_OR_LEAF.format(self._shown)
        for each in ranges:
            yield _SEALED.format(told, sql.Literal(each.after), sql.Literal(each.upto))
        yield _UNSEALED.format(self._shown)

    def _seals(self, ranges: Sequence["_Range"]) -> Iterator[sql.Composable]:
        for each in ranges:
            yield _SEALS.format(sql.Literal(each.first), sql.Literal(each.last))

    def _actors(self) -> sql.Composable:
        only = sql.SQL("actor IN (SELECT actor FROM audit.event WHERE {})").format(self._shown)
        return sql.SQL(
            "SELECT json_build_object('actor', actor, 'salt', salt, 'name', name, 'hash', hash) "
            "FROM audit.actor_name WHERE {} ORDER BY actor, hash"
        ).format(ALL if self._query.is_everything else only)

    def _manifest(self, events: int, seals: int) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id::text FROM audit.instance")
            instance = cursor.fetchone()[0]
            cursor.execute(sql.SQL("SELECT count(*), min(seq), max(seq) FROM audit.event WHERE {}").format(self._shown))
            shown, first, last = cursor.fetchone()
            cursor.execute("SELECT coalesce(max(n), 0), coalesce(max(upto_seq), 0) FROM audit.seal")
            newest_seal, sealed_up_to = cursor.fetchone()
        return {
            "format": VERSION,
            "instance": instance,
            "environment": settings.PORTAL_ENV,
            "portal": settings.PORTAL_BASE_URL,
            "madeAt": datetime.now(UTC).isoformat(timespec="seconds"),
            "selection": "" if self._query.is_everything else self._query.line,
            "events": events,
            "withheld": events - shown,
            "firstSeq": first,
            "lastSeq": last,
            "seals": seals,
            "newestSeal": newest_seal,
            "sealedUpToSeq": sealed_up_to,
            "keyIds": sorted(keys.public()),
            "anchors": settings.AUDIT_ANCHORS,
            "anchorsMissing": anchors.behind(settings.AUDIT_ANCHORS),
        }


def lines() -> Generator[bytes]:
    """Every event's exact line, in order, from the database."""
    for block, _ in blocks(sql.SQL("SELECT line FROM audit.event ORDER BY seq")):
        yield from block.splitlines(keepends=True)


def newest_seal() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(n), 0) FROM audit.seal")
        return int(cursor.fetchone()[0])


def seals(upto: int) -> Generator[verifier.Seal]:
    """The seals up to this number, over a connection of their own: events may be read at the same time."""
    with transaction.atomic(using=SECOND), connections[SECOND].chunked_cursor() as cursor:
        cursor.execute("SELECT text, key_id, signature FROM audit.seal WHERE n <= %s ORDER BY n", [upto])
        while rows := cursor.fetchmany(1000):
            yield from (verifier.Seal.read(text, key_id, bytes(signature)) for text, key_id, signature in rows)


def _append_checksum(file: IO[bytes]) -> None:
    # The zip's own comment: its length stands in the last two bytes of the file, which has none yet.
    file.seek(-2, 2)
    file.write(verifier.CHECKSUM_BYTES.to_bytes(2, "little"))
    file.write(verifier.CHECKSUM % digest_of(file).encode())


README = """An archive of the audit trail of a KooDrive batch portal.

events.ndjson   the events, one line each, exactly as they were recorded; withheld ones by their hash alone
seals.ndjson    the signed statements about closed ranges of events
actors.ndjson   the names behind the actors of the events; the events hold salted hashes of them
manifest.json   what was exported, when, and how much it is
cover-*.html    in an evidence pack: what these events tell, in words, each fact with the number of its event
verify.py       checks all of it with Python 3.11 or newer, without network and without the portal

Take the sealer's public key from your own records, not from here or from who gave you this archive. Then:

    python verify.py ARCHIVE.zip --key HEX
    python verify.py ARCHIVE.zip --key HEX --anchors anchors.txt

Better still, run a verify.py that you have from elsewhere. The anchors are the lines that the portal published at the
time; only they show whether the end of the trail was cut off or the whole was signed anew by somebody with the key.
"""
