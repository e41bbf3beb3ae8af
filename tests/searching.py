"""Everything that the portal keeps or shows, as bytes to search: tables, broker, files, archives, pages and answers."""

import base64
import logging
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.db import connections
from django.test import Client
from psycopg import sql

from jobs_app.audit import export
from portal import logs

Place = tuple[str, bytes]
_READERS = {
    b"string": lambda broker, key: broker.get(key),
    b"list": lambda broker, key: broker.lrange(key, 0, -1),
    b"set": lambda broker, key: broker.smembers(key),
    b"zset": lambda broker, key: broker.zrange(key, 0, -1),
    b"hash": lambda broker, key: broker.hgetall(key),
}


def places_of(places: Iterable[Place], *texts: str) -> dict[str, set[str]]:
    """Where each text stands in clear: as it is, or in a form that anybody can read back."""
    forms = {text: _forms(text.encode()) for text in texts}
    found: dict[str, set[str]] = {text: set() for text in texts}
    for name, content in places:
        for text in texts:
            if any(form in content for form in forms[text]):
                found[text].add(name)
    return found


def _forms(text: bytes) -> list[bytes]:
    """Plain, hexadecimal, in two bytes a character, and in base64 wherever it begins."""
    shifted = [base64.b64encode(b"x" * n + text)[4 if n else 0 :] for n in range(3)]
    # The ends depend on what stands beside it.
    return [text, text.hex().encode(), text.decode().encode("utf-16-le"), *(form[:-4] for form in shifted)]


def tables() -> Iterator[Place]:
    """Every table of the database, read by its owner, as text and as the bytes that it holds."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
            "AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        for schema, name in cursor.fetchall():
            for form in ("text", "binary"):
                whole = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT (FORMAT {})")
                with cursor.copy(whole.format(sql.Identifier(schema, name), sql.SQL(form))) as copy:
                    yield f"{schema}.{name} as {form}", b"".join(bytes(row) for row in copy)


def broker() -> Iterator[Place]:
    """Every key of the broker and what it holds."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter():
            yield f"broker, {key.decode()}", repr(_READERS[client.type(key)](client, key)).encode()


def files(folder: Path) -> Iterator[Place]:
    """Every file below a folder: logs, mail, what the servers write."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield f"file {path.relative_to(folder)}", path.read_bytes()


def archive(folder: Path) -> Iterator[Place]:
    """An archive of the whole trail."""
    path = folder / "trail.zip"
    export.write(path)
    with zipfile.ZipFile(path) as opened:
        for name in opened.namelist():
            yield f"archive, {name}", opened.read(name)


def logged(records: Iterable[logging.LogRecord]) -> Iterator[Place]:
    """What this process logged, with the tracebacks, in both of its formats."""
    told, known = logging.Formatter("%(name)s %(message)s"), list(records)
    yield "log", "\n".join(f"{told.format(record)} {record.args!r}" for record in known).encode()
    yield "log as JSON", "\n".join(map(logs.Objects().format, known)).encode()


def answers(who: str, client: Client, addresses: Iterable[str], **headers: Any) -> Iterator[Place]:
    """What somebody gets to see at each address."""
    for address in addresses:
        answer = client.get(address, headers=headers)
        content = b"".join(answer) if answer.streaming else answer.content
        yield f"{who} at {address}", repr(answer.headers).encode() + content
