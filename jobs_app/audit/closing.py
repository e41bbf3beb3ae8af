"""Up to which number the trail is closed: no lower one is still to come.

Whoever writes an event shares a lock from the moment they draw its number until their transaction ends. So once all are
gone who held that lock after the highest number was read, nothing below that number is missing any more. Nobody
takes the lock alone for it: writers never wait for those who read.
"""

import time

from django.db import DEFAULT_DB_ALIAS, connections

LOCK = 7411001
_LOOK_AGAIN = 0.002  # seconds
_HOLDERS = (
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'advisory' AND (classid, objid, objsubid) = (0, %s, 1) "
    "AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def closed_up_to(after: int, *, longest: float, using: str = DEFAULT_DB_ALIAS) -> int | None:
    """The highest number up to which the trail is closed, at least ``after``.

    None when a writer goes on for longer than so many seconds, so that nothing beyond ``after`` is sure.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT coalesce(max(seq), 0) FROM audit.event")
        highest = int(cursor.fetchone()[0])
        if highest <= after:
            return after
        cursor.execute(_HOLDERS, [LOCK])
        writing = {row[0] for row in cursor.fetchall()}
        end = time.monotonic() + longest
        while writing:
            if time.monotonic() > end:
                return None
            time.sleep(_LOOK_AGAIN)
            cursor.execute(_HOLDERS, [LOCK])
            writing &= {row[0] for row in cursor.fetchall()}
    return highest
