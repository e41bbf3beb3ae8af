"""Taking a queued submission for one worker alone, and saying so in the trail, before any connection is opened.

Creators take turns, so that ten thousand submissions of a service don't hold up a person's. Identical requests are sent
one after the other: one waits while another is on its way, or in doubt.
"""

import json
import logging
import secrets
import string
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from . import audit, canonical, encryption, lifecycle
from .actors import WORKER
from .audit import Action
from .koodrive.client import Client
from .models import ArchivePassword, Submission
from .states import State

log = logging.getLogger(__name__)

LEASE_MARGIN = 30  # seconds beyond the client's own deadline, after which a claim's holder is taken for lost
WITHHELD = "withheld"

_FREE = """
    s.status = 'queued' AND s.due_at <= now() AND s.cancel_requested_at IS NULL
    AND (s.not_after IS NULL OR s.not_after > now())
    AND NOT EXISTS (SELECT FROM jobs_app_submission twin
                    WHERE twin.request_sha256 = s.request_sha256 AND twin.status IN ('sending', 'unknown'))
"""
# What sending reads; the other columns are fetched when somebody asks for them.
_READ = ("id", "operation", "request", "request_sha256", "status", "attempts")
_COLUMNS = ", ".join(f"s.{name}" for name in _READ)
_THIS_ONE = f"""
    SELECT {_COLUMNS} FROM jobs_app_submission s
    WHERE s.id = %s AND {_FREE} AND NOT EXISTS (SELECT FROM jobs_app_pause)
    FOR UPDATE OF s SKIP LOCKED
"""  # noqa: S608  (put together from constants only)
# The creators who have something queued are found by jumping from one to the next in the index, whatever the number of
# rows; whose turn it is, the lot decides, which needs no memory and is fair to every one of them.
_NEXT_ONE = f"""
    WITH RECURSIVE creators AS (
        (SELECT creator FROM jobs_app_submission WHERE status = 'queued' ORDER BY creator LIMIT 1)
        UNION ALL
        SELECT (SELECT s.creator FROM jobs_app_submission s
                WHERE s.status = 'queued' AND s.creator > creators.creator ORDER BY s.creator LIMIT 1)
        FROM creators WHERE creators.creator IS NOT NULL
    )
    SELECT next.* FROM (SELECT creator FROM creators WHERE creator IS NOT NULL ORDER BY random()) AS turn
    CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM jobs_app_submission s WHERE s.creator = turn.creator AND {_FREE}
        ORDER BY s.due_at LIMIT 1 FOR UPDATE OF s SKIP LOCKED
    ) AS next
    WHERE NOT EXISTS (SELECT FROM jobs_app_pause) LIMIT 1
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
    """
    while True:
        # Counted from before the claim: a worker that stood still after it must not send when its lease may be over.
        until = time.monotonic() + client.deadline
        try:
            with transaction.atomic():
                found = _next(only)
                if found is None:
                    return None
                try:
                    body = body_of(found)
                except _Withheld as error:
                    _withhold(found, str(error))
                    continue
                claim(found, client=client)
                return Claim(found, body, until)
        except IntegrityError:
            log.info("an identical request was claimed at the same moment; looking for another one")


def _next(only: uuid.UUID | None) -> Submission | None:
    """The row whose turn it is, locked."""
    with connection.cursor() as cursor:
        cursor.execute(_THIS_ONE if only else _NEXT_ONE, [only] if only else [])
        row = cursor.fetchone()
    return Submission.from_db(connection.alias, _READ, row) if row else None


def claim(submission: Submission, *, client: Client) -> None:
    """Takes a queued submission that is due for this worker alone, and says so in the trail; raises ``WrongState``."""
    attempt = submission.attempts + 1
    trace_id = new_trace_id(submission.pk, attempt)
    lifecycle.move(
        submission,
        State.SENDING,
        by=WORKER,
        action=Action.SEND_INTENDED,
        changes={
            "attempts": attempt,
            "claim": uuid.uuid4(),
            "trace_id": trace_id,
            "sent_at": Now(),
            "due_at": Now() + lease(),
            "hold": "",
            "detail": "",
        },
        attempt=attempt,
        requestSha256=submission.request_sha256,
        traceId=trace_id,
        credential=client.credential_id,
        address=client.base_url,
    )


def lease() -> timedelta:
    """How long a claim's holder may be silent: its call's deadline and a margin."""
    deadline = settings.KOODRIVE_CONNECT_TIMEOUT + settings.KOODRIVE_READ_TIMEOUT
    return timedelta(seconds=deadline + LEASE_MARGIN)


def new_trace_id(submission_id: uuid.UUID, attempt: int) -> str:
    """58 characters that KooDrive logs: the submission's id, the attempt, and 20 random ones."""
    letters = string.ascii_letters + string.digits
    noise = "".join(secrets.choice(letters) for _ in range(20))
    return f"{submission_id.hex}_{attempt % 10_000:04d}_{noise}"


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
    Submission.objects.filter(pk=submission.pk).update(hold=WITHHELD, detail=why, due_at=None)
    audit.record(Action.SUBMISSION_WITHHELD, by=WORKER, submission=submission.pk, outcome="failed", detail=why)
