"""The sealer: closes ranges of the trail and signs what stands in them. It alone holds the private key.

It closes the range up to the highest number once no lower one is still to come (``closing.py``).
"""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import IntegrityError, connections, transaction

from . import keys, verifier
from .closing import closed_up_to

log = logging.getLogger(__name__)

ALIAS = "sealer"
LARGEST = 10_000  # events in one seal, so that a filtered archive needs few leaves of withheld ones
HEARTBEAT = timedelta(hours=1)  # without events an empty seal is made, so that a silent sealer shows
LONGEST_TRANSACTION = 0.25  # seconds for those who are writing
_CHUNK = 2000


class WritersBusyError(Exception):
    """A transaction that writes went on for too long, so nothing could be closed; the next round tries again."""


@dataclass(frozen=True)
class Head:
    """The newest seal: its number, where its range ends, the hash of its text, and when it was made."""

    n: int = 0
    upto: int = 0
    sha256: str = "0" * 64
    at: datetime | None = None


def seal_all(key: Ed25519PrivateKey) -> int:
    """Seals everything that is closed now; how many seals that took. What comes in meanwhile is for the next round."""
    made = 0
    while (count := seal_next(key)) is not None:
        made += 1
        if count < LARGEST:
            break
    return made


def seal_next(key: Ed25519PrivateKey) -> int | None:
    """One more seal, over how many events; None when there is nothing to seal. Raises ``WritersBusyError``."""
    head = newest()
    closed = closed_up_to(head.upto, longest=LONGEST_TRANSACTION, using=ALIAS)
    if closed is None:
        raise WritersBusyError
    now = datetime.now(UTC)
    if closed <= head.upto and head.at and now - head.at < HEARTBEAT:
        return None
    leaves, count, upto = hashlib.sha256(b"\1"), 0, head.upto
    for seq, line in _lines(head.upto, closed):
        leaves.update(verifier.leaf(line.encode()))
        count, upto = count + 1, seq
    if count < LARGEST:
        upto = max(closed, head.upto)
    text = _text(head, upto, count, leaves.hexdigest(), now)
    return count if _store(key, head, upto, count, text) else None


def newest() -> Head:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT n, upto_seq, text, at FROM audit.seal ORDER BY n DESC LIMIT 1")
        row = cursor.fetchone()
    return Head(row[0], row[1], hashlib.sha256(row[2].encode()).hexdigest(), row[3]) if row else Head()


def _lines(after: int, upto: int) -> Iterator[tuple[int, str]]:
    with transaction.atomic(using=ALIAS), connections[ALIAS].chunked_cursor() as cursor:
        cursor.execute(
            "SELECT seq, line FROM audit.event WHERE seq > %s AND seq <= %s ORDER BY seq LIMIT %s",
            [after, upto, LARGEST],
        )
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows


def _text(head: Head, upto: int, count: int, leaves: str, now: datetime) -> str:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT id FROM audit.instance")
        instance = cursor.fetchone()[0]
    values: dict[str, Any] = {
        "n": head.n + 1,
        "after": head.upto,
        "upto": upto,
        "count": count,
        "leaves": leaves,
        "prev": head.sha256,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "instance": instance,
    }
    return "\n".join([verifier.TITLE, *(f"{name} {values[name]}" for name in verifier.SEAL_FIELDS)])


def _store(key: Ed25519PrivateKey, head: Head, upto: int, count: int, text: str) -> bool:
    row: list[Any] = [head.n + 1, head.upto, upto, count, text, verifier.key_id(keys.raw(key)), key.sign(text.encode())]
    try:
        with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
            cursor.execute(
                "INSERT INTO audit.seal (n, after_seq, upto_seq, count, text, key_id, signature) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                row,
            )
    except IntegrityError:
        log.info("another sealer was faster with seal %s", head.n + 1)
        return False
    return True
