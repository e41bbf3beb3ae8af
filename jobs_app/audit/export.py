"""Writes an archive of the trail that proves itself: the exact lines, their seals, the names, and the verifier.

A part of the trail is exported with the bare leaves of the other events in the same seals, so that it still proves.
Nothing is held in memory but a few blocks, however long the trail is.
"""

import hashlib
import json
import zipfile
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, connections, transaction
from psycopg import sql

from . import anchors, keys, verifier

VERSION = "koodrive-portal audit archive v1"
BLOCK = 1 << 20  # bytes written at once
_DATE = (1980, 1, 1, 0, 0, 0)  # the same trail gives the same bytes
SECOND = "sealer"
_COPY = "COPY ({}) TO STDOUT"


@dataclass(frozen=True)
class Selection:
    """What is wanted of the trail; everything, unless told."""

    since: datetime | None = None
    until: datetime | None = None
    submission: UUID | None = None

    @property
    def is_everything(self) -> bool:
        return self == Selection()

    @property
    def condition(self) -> sql.Composable:
        """Which events are shown; the others of their seals are withheld."""
        parts: list[sql.Composable] = [sql.SQL("true")]
        parts += [sql.SQL("at >= {}").format(sql.Literal(self.since))] if self.since else []
        parts += [sql.SQL("at < {}").format(sql.Literal(self.until))] if self.until else []
        parts += [sql.SQL("submission = {}").format(sql.Literal(self.submission))] if self.submission else []
        return sql.SQL(" AND ").join(parts)


def write(path: Path, selection: Selection | None = None) -> dict[str, Any]:
    """Writes the archive to ``path``, whole or not at all; the result is its manifest. Raises OSError."""
    draft = path.with_name(f"{path.name}.part")
    try:
        with transaction.atomic(), zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            with connection.cursor() as cursor:
                # One moment for all that is read, so that seals and events belong together.
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            manifest = _Writer(archive, selection or Selection()).write()
        _append_checksum(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


class _Writer:
    def __init__(self, archive: zipfile.ZipFile, selection: Selection) -> None:
        self._archive, self._selection = archive, selection

    def write(self) -> dict[str, Any]:
        events = self._stream("events.ndjson", self._events())
        seals = self._stream("seals.ndjson", self._seals())
        self._stream("actors.ndjson", self._actors())
        manifest = self._manifest(events, seals)
        self._put("manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False))
        self._put("verify.py", Path(verifier.__file__).read_text(encoding="utf-8"))
        self._put("README.txt", README)
        return manifest

    def _put(self, name: str, text: str) -> None:
        self._archive.writestr(zipfile.ZipInfo(name, _DATE), text)

    def _stream(self, name: str, query: sql.Composable) -> int:
        """Copies the single column of a query into a member, a line each; how many lines."""
        lines = 0
        with self._archive.open(zipfile.ZipInfo(name, _DATE), "w", force_zip64=True) as member:
            for block, count in _blocks(query):
                member.write(block)
                lines += count
        return lines

    @property
    def _in_seals(self) -> sql.Composable:
        """The numbers of the seals that hold something of the selection."""
        if self._selection.is_everything:
            return sql.SQL("SELECT n FROM audit.seal")
        return sql.SQL(
            "SELECT n FROM audit.seal s WHERE EXISTS (SELECT FROM audit.event "
            "WHERE seq > s.after_seq AND seq <= s.upto_seq AND {shown})"
        ).format(shown=self._selection.condition)

    def _events(self) -> sql.Composable:
        if self._selection.is_everything:
            return sql.SQL("SELECT line FROM audit.event ORDER BY seq")
        return sql.SQL(
            "WITH sealed AS MATERIALIZED (SELECT after_seq, upto_seq FROM audit.seal WHERE n IN ({numbers})) "
            'SELECT CASE WHEN {shown} THEN line ELSE format(\'{{"seq":%s,"leaf":"%s"}}\', seq, '
            "encode(sha256('\\x00'::bytea || convert_to(line, 'UTF8')), 'hex')) END FROM audit.event "
            "WHERE EXISTS (SELECT FROM sealed WHERE seq > after_seq AND seq <= upto_seq) "
            "OR (seq > (SELECT coalesce(max(upto_seq), 0) FROM audit.seal) AND {shown}) ORDER BY seq"
        ).format(numbers=self._in_seals, shown=self._selection.condition)

    def _seals(self) -> sql.Composable:
        return sql.SQL(
            "SELECT json_build_object('text', text, 'keyId', key_id, 'signature', encode(signature, 'hex')) "
            "FROM audit.seal WHERE n IN ({numbers}) ORDER BY n"
        ).format(numbers=self._in_seals)

    def _actors(self) -> sql.Composable:
        return sql.SQL(
            "SELECT json_build_object('actor', actor, 'salt', salt, 'name', name, 'hash', hash) "
            "FROM audit.actor_name {only} ORDER BY actor, hash"
        ).format(only=sql.SQL("") if self._selection.is_everything else self._shown_actors())

    def _shown_actors(self) -> sql.Composable:
        return sql.SQL("WHERE actor IN (SELECT actor FROM audit.event WHERE {shown})").format(
            shown=self._selection.condition
        )

    def _manifest(self, events: int, seals: int) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id::text FROM audit.instance")
            instance = cursor.fetchone()[0]
            cursor.execute(
                sql.SQL("SELECT count(*), min(seq), max(seq) FROM audit.event WHERE {}").format(
                    self._selection.condition
                )
            )
            shown, first, last = cursor.fetchone()
            cursor.execute("SELECT coalesce(max(n), 0), coalesce(max(upto_seq), 0) FROM audit.seal")
            newest_seal, sealed_up_to = cursor.fetchone()
        wanted = {name: str(value) for name, value in asdict(self._selection).items() if value}
        return {
            "format": VERSION,
            "instance": instance,
            "environment": settings.PORTAL_ENV,
            "portal": settings.PORTAL_BASE_URL,
            "madeAt": datetime.now(UTC).isoformat(timespec="seconds"),
            "selection": wanted,
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
    for block, _ in _blocks(sql.SQL("SELECT line FROM audit.event ORDER BY seq")):
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


def _blocks(query: sql.Composable) -> Iterator[tuple[bytes, int]]:
    """What a query of one text column gives, in blocks of lines, each with the number of its lines."""
    with connection.cursor() as cursor, cursor.copy(sql.SQL(_COPY).format(query)) as copy:
        block: list[bytes] = []
        size = 0
        for row in copy:
            block.append(bytes(row))
            size += len(row)
            if size >= BLOCK:
                yield _unescaped(block), len(block)
                block, size = [], 0
        if block:
            yield _unescaped(block), len(block)


def _unescaped(rows: list[bytes]) -> bytes:
    """COPY doubles backslashes; of its other escapes, for control characters, none can stand in a line of JSON."""
    return b"".join(rows).replace(b"\\\\", b"\\")


def _append_checksum(path: Path) -> None:
    with path.open("r+b") as file:
        # The zip's own comment: its length stands in the last two bytes of the file, which has none yet.
        file.seek(-2, 2)
        file.write(verifier.CHECKSUM_BYTES.to_bytes(2, "little"))
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256")
        file.seek(0, 2)
        file.write(verifier.CHECKSUM % digest.hexdigest().encode())


README = """An archive of the audit trail of a KooDrive batch portal.

events.ndjson   the events, one line each, exactly as they were recorded; withheld ones by their hash alone
seals.ndjson    the signed statements about closed ranges of events
actors.ndjson   the names behind the actors of the events; the events hold salted hashes of them
manifest.json   what was exported, when, and how much it is
verify.py       checks all of it with Python 3.11 or newer, without network and without the portal

Take the sealer's public key from your own records, not from here or from who gave you this archive. Then:

    python verify.py ARCHIVE.zip --key HEX
    python verify.py ARCHIVE.zip --key HEX --anchors anchors.txt

Better still, run a verify.py that you have from elsewhere. The anchors are the lines that the portal published at the
time; only they show whether the end of the trail was cut off or the whole was signed anew by somebody with the key.
"""
