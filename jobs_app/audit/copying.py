"""Reads long stretches of the trail at one moment, block by block, and tells how far it is."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from django.db import connection, transaction
from psycopg import sql

BLOCK = 1 << 20  # bytes written at once
_COPY = "COPY ({}) TO STDOUT"


class Progress:
    """How many lines are written, and about how many there will be; whoever wants to hear of it overrides ``wrote``."""

    done = 0
    total: int | None = None

    def wrote(self, lines: int) -> None:
        """Called after each block, also for none; what it raises ends the writing."""
        self.done += lines


@contextmanager
def one_moment() -> Iterator[None]:
    """A transaction that only reads, and all of it at one moment: seals and events belong together.

    The database's limits on the time that something takes don't hold in it: a long trail takes long.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


def blocks(query: sql.Composable) -> Iterator[tuple[bytes, int]]:
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


def digest_of(file: IO[bytes]) -> str:
    """SHA-256 of all that is in the file, whose position is at its end afterwards."""
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()
