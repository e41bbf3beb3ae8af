"""One key, one effect: a call that is repeated with its ``Idempotency-Key`` gives what the first one made.

A key belongs to the service or person, not to the token, so that changing the token doubles nothing. It is stored in
the transaction that makes something: an attempt that failed has used nothing up. Who comes with the same key meanwhile
waits for that transaction.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.conf import settings
from django.db import OperationalError
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from . import statements
from .actors import Actor, Kind
from .errors import AuditUnavailable, Invalid, KeyBusy, KeyReused, PortalError, Problem
from .models import IdempotencyKey

KEPT = timedelta(days=8)
AT_ONCE = 1000
LONGEST = 255
LONGEST_WAIT = timedelta(seconds=3)
_WELL_FORMED = re.compile(rf"[\x21-\x7e]{{1,{LONGEST}}}")
_CLAIM = f"""
    INSERT INTO jobs_app_idempotencykey (owner, key, digest, made) SELECT %s, %s, %s, %s
    FROM set_config('lock_timeout', '{LONGEST_WAIT.total_seconds():g}s', TRUE)
    ON CONFLICT DO NOTHING RETURNING TRUE
"""  # noqa: S608  (put together from constants only)
_NO_CLAIM = "SELECT TRUE"
_LOOK = "SELECT made, digest FROM jobs_app_idempotencykey WHERE owner = %s AND key = %s"

Made = TypeVar("Made")


class _TakenError(Exception):
    """Another call with the same key was faster, and is committed now."""


@dataclass(frozen=True)
class Call:
    """A call that its caller may repeat. ``digests`` are its body's, by the newest secret key first."""

    owner: int
    key: str
    digests: tuple[str, ...]


def new_key() -> str:
    """A key for a form, so that sending it twice does its work once."""
    return str(uuid4())


def call(key: str | None, what: str, body: Any, *, by: Actor) -> Call | None:
    """The call with this key, None without one; ``what`` names the operation. Raises ``Invalid`` for a bad key."""
    if key is None:
        return None
    if not _WELL_FORMED.fullmatch(key):
        detail = "Give an Idempotency-Key of 1 to 255 printable ASCII characters without spaces, such as a UUID."
        raise Invalid([Problem("Idempotency-Key", "invalid", detail)])
    text = json.dumps([what, body], sort_keys=True, separators=(",", ":"))
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    digests = (salted_hmac("jobs_app.idempotency", text, each, algorithm="sha256").hexdigest() for each in secrets)
    return Call(by.key if by.kind is Kind.SERVICE else -by.key, key, tuple(digests))


def once(repeatable: Call | None, make: Callable[[], Made], get: Callable[[UUID], Made]) -> tuple[Made, bool]:
    """What ``make`` makes, or what it made the first time, and whether that is so.

    ``make`` claims the key in its transaction. Raises what it raises unless the key was used before, ``KeyReused`` when
    that was for another request, or ``KeyBusy`` when the first call doesn't end soon.
    """
    if repeatable is None:
        return make(), False
    try:
        # Nearly every call is a first one, so none is looked for before it is known to be a repeated one.
        return make(), False
    except (AuditUnavailable, KeyBusy):
        raise
    except (PortalError, _TakenError):
        # What forbids it now may have come, or been done by the first call itself, since that one was taken.
        made = _made(repeatable)
        if made is None:
            raise
        return get(made), True


def claim(repeatable: Call | None, made: UUID) -> None:
    """Takes the key for what this transaction makes; waits for another transaction that is about to use it."""
    if repeatable:
        claim_with(repeatable, made, lambda statement, parameters: bool(statements.rows(statement, parameters)))


def claim_with(repeatable: Call | None, made: UUID, carry_out: Callable[[str, list[Any]], bool]) -> None:
    """The same in a statement of the caller's: ``carry_out`` says whether the one that it is given gave a row."""
    statement, parameters = _NO_CLAIM, []
    if repeatable:
        statement, parameters = _CLAIM, [repeatable.owner, repeatable.key, repeatable.digests[0], made]
    try:
        is_mine = carry_out(statement, parameters)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "55P03":  # lock_not_available
            raise
        raise KeyBusy from error
    if not is_mine:
        raise _TakenError


def forget_old() -> None:
    """Deletes keys that nobody repeats any more, some at a time."""
    old = IdempotencyKey.objects.filter(created_at__lt=Now() - KEPT).order_by("created_at")
    IdempotencyKey.objects.filter(pk__in=old.values("pk")[:AT_ONCE]).delete()


def _made(repeatable: Call) -> UUID | None:
    for made, digest in statements.rows(_LOOK, [repeatable.owner, repeatable.key]):
        if digest not in repeatable.digests:
            raise KeyReused
        found: UUID = made
        return found
    return None
