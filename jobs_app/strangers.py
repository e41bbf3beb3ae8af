"""Refused strangers: counted by address and minute, so that nobody can fill the trail, and told in it afterwards."""

import ipaddress
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction

from . import audit
from .actors import STRANGER, Channel
from .audit import Action, Entry
from .models import RefusedAttempt, User

log = logging.getLogger(__name__)

Kind = RefusedAttempt.Kind
AT_ONCE = 500  # rows of one sweep; the rest waits for the next one
_MINUTE = timedelta(minutes=1)
_TOLD_AS: dict[RefusedAttempt.Kind, tuple[Action, Channel, str | None]] = {
    Kind.SIGN_IN: (Action.SESSION_REFUSED, Channel.WEB, None),
    Kind.FACTOR: (Action.SESSION_REFUSED, Channel.WEB, "second factor"),
    Kind.THROTTLED: (Action.SESSION_THROTTLED, Channel.WEB, None),
    Kind.TOKEN: (Action.ACCESS_REFUSED, Channel.API, None),
}
_COUNT = """
INSERT INTO jobs_app_refusedattempt (kind, address, minute, person_id, count)
VALUES (%s, %s, date_trunc('minute', statement_timestamp()), %s, 1)
ON CONFLICT ON CONSTRAINT one_row_per_minute DO UPDATE SET count = jobs_app_refusedattempt.count + 1
"""
# A minute of margin: an attempt may still be on its way to the row when its minute is over.
_TAKE = """
DELETE FROM jobs_app_refusedattempt WHERE id IN (
  SELECT id FROM jobs_app_refusedattempt WHERE minute <= statement_timestamp() - interval '2 minutes'
  ORDER BY minute, id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING kind, address, minute, person_id, count
"""


def note(kind: RefusedAttempt.Kind, ip: str | None, person: User | None = None) -> None:
    """Counts an attempt from this address on this person's account. Never raises: the refusal stands without it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [kind, _network(ip), person.pk if person else None])
    except DatabaseError:
        log.exception("a refused attempt can't be counted")


def tell() -> int:
    """Makes an event of each row whose minute is over; how many. Raises ``AuditUnavailable``, and the rows stay."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, [AT_ONCE])
            rows = sorted(cursor.fetchall(), key=lambda row: row[2])
        if rows:
            audit.record_all([_entry(*row) for row in rows])
    return len(rows)


def _network(ip: str | None) -> str:
    """One customer's addresses count as one: a single IPv4 address, the /64 network of an IPv6 one."""
    if not ip:
        return ""
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.IPv6Network((int(address), 64), strict=False))
    return str(address)


def _entry(kind: str, address: str, minute: datetime, person: int | None, count: int) -> Entry:
    action, channel, step = _TOLD_AS[Kind(kind)]
    details: dict[str, Any] = {
        "step": step,
        "person": f"person:{person}" if person else None,
        "count": count,
        "from": minute.isoformat(),
        "until": (minute + _MINUTE).isoformat(),
    }
    by = replace(STRANGER, channel=channel, ip=address or None)
    return Entry(action, by, outcome="denied", details=details)
