"""Writes what a query finds as a table (CSV) that people open in a spreadsheet.

UTF-8 with a byte order mark, RFC 4180. A spreadsheet takes some texts for formulas, and of numbers with more than 15
digits it keeps the first 15. A ``'`` stands in front of all these, and of what begins with ``'`` itself, so that a text
without the ``'`` at its front is always what the trail holds.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import IO, Any
from zoneinfo import ZoneInfo

from django.db import connection
from psycopg import sql

from .. import moments
from ..errors import Invalid, Problem
from . import size
from .copying import Progress, one_moment
from .read import Line
from .search import Query

COLUMNS = (
    *("action", "outcome", "actor", "name", "auth", "channel", "ip", "request", "submission", "operation", "space"),
    *("task", "reference", "reason", "detail", "hash"),
)
AT_ONCE = 1000  # events; together with their names they are all that is held in memory
_PLAIN = ("action", "outcome", "auth", "channel", "ip", "submission", "operation", "space", "task", "reference")
_MISREAD = re.compile(r"[=+\-@\t\r\n\0＝＋－＠']|\d{16,}\Z|\d+[eE]\d+\Z")
_EVENTS = sql.SQL("SELECT line FROM audit.event WHERE {} ORDER BY seq")

Names = dict[tuple[str, str], str | None]


def zone(name: str) -> ZoneInfo:
    """The time zone with this IANA name; raises ``Invalid``."""
    found = moments.zone(name)
    if found is None:
        detail = f"There is no time zone {name[:40]!r}; name one, such as UTC, Europe/Berlin or Asia/Shanghai."
        raise Invalid([Problem("/zone", "invalid", detail)])
    return found


def write_into(file: IO[bytes], query: Query, zone: ZoneInfo, progress: Progress) -> dict[str, Any]:
    """Writes the table into an empty file; the result says how much it is and how far the trail is sealed."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    table = csv.writer(text)
    try:
        with one_moment():
            progress.total = size.about(query)
            table.writerow(["seq", "time (UTC)", f"time ({zone.key})", *COLUMNS])
            for events in _events(query):
                names = _names([document for _, document in events])
                table.writerows([_row(*event, zone, names) for event in events])
                progress.wrote(len(events))
            sealed_up_to = _sealed_up_to()
    finally:
        text.detach()
    whole = {"withheld": 0, "seals": 0, "sealedUpToSeq": sealed_up_to}
    return {"selection": query.line, "zone": zone.key, "events": progress.done, **whole}


def _events(query: Query) -> Iterator[list[tuple[Line, dict[str, Any]]]]:
    """What it finds, in portions; each event as its line and the same parsed."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_EVENTS.format(query.condition()))
        while rows := cursor.fetchmany(AT_ONCE):
            yield [(line, line.parsed) for line in (Line(row[0]) for row in rows)]


def _names(documents: Sequence[dict[str, Any]]) -> Names:
    """The names behind the actors of these events."""
    actors = {document["event"]["actor"]["id"] for document in documents}
    with connection.cursor() as cursor:
        cursor.execute("SELECT actor, hash, name FROM audit.actor_name WHERE actor = ANY(%s)", [list(actors)])
        return {(actor, hash_): name for actor, hash_, name in cursor.fetchall()}


def _row(line: Line, document: dict[str, Any], zone: ZoneInfo, names: Names) -> list[Any]:
    event, actor = document["event"], document["event"]["actor"]
    local = datetime.fromisoformat(document["at"]).astimezone(zone).isoformat(timespec="microseconds")
    told = {name: event.get(name) for name in _PLAIN} | {
        "actor": actor["id"],
        "name": names.get((actor["id"], actor["name"])),
        "request": event.get("requestId"),
        "reason": event.get("reason"),
        "detail": event.get("detail"),
        "hash": line.hash,
    }
    return [document["seq"], document["at"], local, *(_safe(told[name]) for name in COLUMNS)]


def _safe(value: Any) -> str:
    """The text of a cell, which no spreadsheet takes for something else."""
    text = "" if value is None else str(value)
    return f"'{text}" if _MISREAD.match(text) else text


def _sealed_up_to() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(upto_seq), 0) FROM audit.seal")
        return int(cursor.fetchone()[0])
