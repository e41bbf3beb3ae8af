"""Taking a queued submission for one worker alone, and saying so in the trail, before any connection is opened.

Creators take turns, so that ten thousand submissions of a service don't hold up a person's. Identical requests are sent
one after the other: one waits while another is on its way, or in doubt.
"""

import json
import logging
import secrets
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from . import audit, authority, canonical, encryption, lifecycle, pauses
from .actors import WORKER
from .audit import Action
from .errors import WrongState
from .koodrive.client import Client
from .lifecycle import Later, Move
from .models import ArchivePassword, Submission
from .models.submissions import WITHHELD
from .states import State

log = logging.getLogger(__name__)

LEASE_MARGIN = 30  # seconds beyond the client's own deadline, after which a claim's holder is taken for lost

BATCH = 32  # submissions that a process looks up at once; those it doesn't get to are looked up again
MOST_TRIES = 10 * BATCH  # after which the next sweep may try again
FRESH = 1.0  # seconds for which what was looked up may be used; whether it still holds, each claim checks by itself

_TABLE = "jobs_app_submission"
_FREE = f"""
    {_TABLE}.status = 'queued' AND {_TABLE}.due_at <= now() AND {_TABLE}.cancel_requested_at IS NULL
    AND ({_TABLE}.not_after IS NULL OR {_TABLE}.not_after > now())
    AND {pauses.FREE}
    AND NOT EXISTS (SELECT FROM {_TABLE} twin
                    WHERE twin.request_sha256 = {_TABLE}.request_sha256 AND twin.status IN ('sending', 'unknown'))
"""  # noqa: S608  (put together from constants only)
# What sending reads, in the order in which the model has it; the other columns are fetched when somebody asks for them.
_READ = (
    *("id", "operation", "request", "request_sha256", "space", "source_space", "reference"),
    *("batch_id", "status", "approvals_needed", "attempts", "request_trace"),
)
_COLUMNS = ", ".join(_READ)
# A claim waits for nobody who holds the row: an outcome may stand in the same transaction.
_UNLOCKED = f"EXISTS (SELECT FROM {_TABLE} held WHERE held.id = {_TABLE}.id FOR NO KEY UPDATE SKIP LOCKED)"  # noqa: S608
_THIS_ONE = f"SELECT {_COLUMNS} FROM {_TABLE} WHERE id = %s AND {_FREE}"  # noqa: S608  (put together from constants only)
# The creators who have something queued are found by jumping from one to the next in the index, whatever the number of
# rows. Each gives its longest waiting ones in turn; the lot moves them a few places, so that processes that look at the
# same moment don't try the same ones in the same order.
_NEXT_ONES = f"""
    WITH RECURSIVE creators AS (
        (SELECT creator FROM {_TABLE} WHERE status = 'queued' ORDER BY creator LIMIT 1)
        UNION ALL
        SELECT (SELECT s.creator FROM {_TABLE} s
                WHERE s.status = 'queued' AND s.creator > creators.creator ORDER BY s.creator LIMIT 1)
        FROM creators WHERE creators.creator IS NOT NULL
    )
    SELECT {", ".join(f"next.{name}" for name in _READ)} FROM creators CROSS JOIN LATERAL (
        SELECT {_COLUMNS}, row_number() OVER (ORDER BY due_at) AS place
        FROM {_TABLE} WHERE {_TABLE}.creator = creators.creator AND {_FREE} ORDER BY due_at LIMIT {BATCH}
    ) AS next
    ORDER BY next.place + {BATCH // 4} * random() LIMIT {BATCH}
"""  # noqa: S608  (put together from constants only)


@dataclass(frozen=True)
class Claim:
    """A submission that is this worker's, ``sending`` in the database, and the body that KooDrive is to get.

    The call must be over when ``time.monotonic()`` is ``until``, which is well before the lease is.
    """

    submission: Submission
    body: dict[str, Any]
    until: float


class _Withheld(Exception):
    """It can't be sent as it stands; the message says why."""


def take(*, client: Client, only: uuid.UUID | None = None) -> Claim | None:
    """Claims the next submission that is due, or ``only`` that one; None when there is none, or sending is paused.

    The claim and its event are committed when this returns: from here on the submission is sent once, or in doubt.
    Must not be called within a transaction.
    """
    for _ in range(MOST_TRIES):
        found = _looked_up(_THIS_ONE, [only]) if only else _ahead.next()
        if not found:
            return None
        try:
            prepared = _prepared(found[0], client)
            claim(found[0], client=client)
        except _Withheld as error:
            _withhold(found[0], str(error))
        except authority.LapsedError:
            authority.give_back(found[0])
        except (WrongState, IntegrityError):
            log.debug("another worker was faster, or an identical request is on its way; looking for another one")
        else:
            return prepared
    return None


def at_hand(*, client: Client) -> Claim | None:
    """A submission that this process looked up already and didn't try yet; it is the worker's once ``move`` is done.

    Looks nothing up. Raises what keeps this one from being sent, about which ``take`` does something at its next look.
    """
    found = _ahead.at_hand()
    return _prepared(found[0], client) if found else None


def _prepared(submission: Submission, client: Client) -> Claim:
    # Counted from before the claim: a worker that stood still after it must not send when its lease may be over.
    until = time.monotonic() + client.deadline
    body = body_of(submission)
    authority.check(submission)
    return Claim(submission, body, until)


def _looked_up(statement: str, parameters: Sequence[Any] = ()) -> list[Submission]:
    """The rows that are free to be sent, of identical requests one; another worker may take them meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = [Submission.from_db(connection.alias, _READ, row) for row in cursor.fetchall()]
    return list({row.request_sha256: row for row in reversed(rows)}.values())[::-1]


class _Ahead:
    """What this process has looked up and not tried to claim yet: one look serves many claims."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: list[Submission] = []
        self._until = 0.0

    def next(self) -> list[Submission]:
        """One submission, or none."""
        with self._lock:
            if not self._fresh():
                self._rows = _looked_up(_NEXT_ONES)[::-1]
                self._until = time.monotonic() + FRESH
            return [self._rows.pop()] if self._rows else []

    def at_hand(self) -> list[Submission]:
        """One submission without a look, or none."""
        with self._lock:
            return [self._rows.pop()] if self._fresh() else []

    def _fresh(self) -> bool:
        return bool(self._rows) and time.monotonic() < self._until


_ahead = _Ahead()


def claim(submission: Submission, *, client: Client) -> None:
    """Takes a queued submission for this worker alone, and says so in the trail.

    Raises ``WrongState`` when it isn't free, or ``IntegrityError`` when an identical one is claimed at the same moment.
    """
    lifecycle.carry_out(move(submission, client=client))


def move(submission: Submission, *, client: Client) -> Move:
    """What takes a queued submission, if it is free."""
    attempt = submission.attempts + 1
    trace_id = new_trace_id(submission.pk, attempt)
    changes = {
        "attempts": attempt,
        "claim": uuid.uuid4(),
        "trace_id": trace_id,
        "sent_at": Now(),
        "due_at": Later(lease()),
        "detail": "",
    }
    told = {
        "attempt": attempt,
        "requestSha256": submission.request_sha256,
        "traceId": trace_id,
        "credential": client.credential_id,
        "address": client.base_url,
    }
    guard = {"attempts": submission.attempts}
    return Move(
        submission,
        State.SENDING,
        WORKER,
        Action.SEND_INTENDED,
        changes,
        guard,
        condition=f"{_FREE} AND {_UNLOCKED}",
        told=told,
    )


def lease() -> timedelta:
    """How long a claim's holder may be silent: its call's deadline and a margin."""
    deadline = settings.KOODRIVE_CONNECT_TIMEOUT + settings.KOODRIVE_READ_TIMEOUT
    return timedelta(seconds=deadline + LEASE_MARGIN)


def new_trace_id(submission_id: uuid.UUID, attempt: int) -> str:
    """58 characters that KooDrive logs: the submission's id, the attempt, and 20 random ones."""
    # Drawn at once: between two draws other threads get their turn, which costs more than all else here.
    return f"{submission_id.hex}_{attempt % 10_000:04d}_{secrets.token_hex(10)}"


def body_of(submission: Submission) -> dict[str, Any]:
    """The request as KooDrive gets it, which is the one whose hash was stored and approved, or nothing at all."""
    body: dict[str, Any] = json.loads(submission.request)
    if canonical.sha256(body) != submission.request_sha256:
        raise _Withheld("The stored request is not the one that was submitted, so it is not sent; look into the trail.")
    if "password" in body:
        body["password"] = _password(submission)
    return body


def _password(submission: Submission) -> str:
    try:
        return encryption.decrypt(bytes(submission.archive_password.ciphertext))
    except ArchivePassword.DoesNotExist:
        why = "The archive's password was deleted after a day in doubt; cancel it and submit it anew."
    except ImproperlyConfigured as error:
        why = str(error)
    raise _Withheld(why)


def _withhold(submission: Submission, why: str) -> None:
    """Out of the queue's way until a person has mended or cancelled it: nothing else would ever come to its turn."""
    log.error("submission %s is withheld: %s", submission.pk, why)
    waiting = Submission.objects.filter(pk=submission.pk, status=State.QUEUED, due_at__isnull=False)
    with transaction.atomic():
        if waiting.update(hold=WITHHELD, detail=why, due_at=None):
            audit.record(Action.SUBMISSION_WITHHELD, by=WORKER, submission=submission, outcome="failed", detail=why)
