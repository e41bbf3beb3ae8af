"""How the portal signs in to KooDrive just now: the client with the credentials in use, and where they came from.

With app signing they are the environment's. A bearer token is a row: from the environment when a worker starts, or from
an administrator; the newest row is the one in use.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.utils.translation import gettext_noop as _

from . import audit, encryption, pauses, pulse
from .actors import WORKER, Actor
from .audit import Action
from .koodrive.client import Client, credentials_from_settings, from_settings
from .models import Credential, Pause, User

log = logging.getLogger(__name__)

FRESH = 1.0  # seconds for which a worker doesn't ask again which token is in use
_LOCK = 7411010  # PostgreSQL's, for whoever stores a token
_NO_TOKEN = _(
    "none is set; an administrator sets one on the credentials page, or KOODRIVE_TOKEN does at a worker's start."
)


@dataclass(frozen=True)
class InUse:
    """What people may know of the credentials in use.

    ``fingerprint`` is their name in the trail, empty when there are none or this process doesn't know them;
    ``accepted_at`` is when KooDrive last accepted them.
    """

    is_signing: bool
    fingerprint: str
    origin: str = Credential.Origin.ENVIRONMENT
    set_at: datetime | None = None
    set_by: User | None = None
    accepted_at: datetime | None = None


def client(*, fresh: bool = False) -> Client:
    """The client with the credentials in use; another token is noticed within a second, with ``fresh`` at once.

    Where there is no token, or none that can be read, it pauses all sending and the client signs in with nothing, so
    that KooDrive itself refuses. Raises ImproperlyConfigured for settings that can't be used.
    """
    return _held.client(fresh=fresh)


def is_in_use(client: Client) -> bool:
    """Whether ``client`` would give this one now without asking."""
    return _held.is_in_use(client)


def adopt_environment() -> None:
    """Puts the environment's token to use if it isn't the one adopted last; what a person has set since then stays.

    Safe again and again, and in several workers at once. Raises ImproperlyConfigured for settings that can't be used.
    """
    with _settings_that_can_be_used():
        fingerprint = credentials_from_settings().id
    if settings.KOODRIVE_AUTH == "bearer" and settings.KOODRIVE_TOKEN:
        _adopt(fingerprint)
    _held.begin_anew()


def store(token: str, *, origin: Credential.Origin, by: Actor, reason: str | None = None) -> None:
    """Puts the token to use and forgets the older ones, with its event, in the caller's transaction.

    Raises ValueError when no header can carry it.
    """
    fingerprint = credentials_from_settings(token=token).id
    _wait_for_others()
    before = Credential.objects.last()
    made = Credential.objects.create(
        ciphertext=encryption.encrypt(token), fingerprint=fingerprint, origin=origin, set_by_id=by.key or None
    )
    Credential.objects.exclude(pk=made.pk).exclude(ciphertext=b"").update(ciphertext=b"")
    audit.record(
        Action.CREDENTIALS_CHANGED,
        by=by,
        reason=reason,
        origin=origin,
        before={"credential": before.fingerprint} if before else None,
        after={"credential": fingerprint},
    )


def in_use() -> InUse:
    accepted_at = pulse.last("koodrive")
    if settings.KOODRIVE_AUTH == "app":
        try:
            return InUse(True, credentials_from_settings().id, accepted_at=accepted_at)
        except ValueError:
            return InUse(True, "", accepted_at=accepted_at)  # A web server may do without the secret.
    row = Credential.objects.select_related("set_by").last()
    if row is None:
        return InUse(False, "")
    is_proven = accepted_at and accepted_at > row.set_at
    return InUse(False, row.fingerprint, row.origin, row.set_at, row.set_by, accepted_at if is_proven else None)


def _adopt(fingerprint: str) -> None:
    with transaction.atomic():
        _wait_for_others()
        last = Credential.objects.filter(origin=Credential.Origin.ENVIRONMENT).last()
        if last is None or last.fingerprint != fingerprint:
            store(settings.KOODRIVE_TOKEN, origin=Credential.Origin.ENVIRONMENT, by=WORKER)


def _wait_for_others() -> None:
    """Until this transaction's end nobody else stores a token."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


class _Held:
    """One client for all threads of this process, made anew when another token is in use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._row: int | None = None
        self._looked = 0.0
        self._has_adopted = False

    def begin_anew(self) -> None:
        """Once the environment's token is adopted: until then the process must not fall back on an older one."""
        self._has_adopted, self._client = True, None

    def client(self, *, fresh: bool) -> Client:
        with self._lock:
            if self._client is None or fresh or not self._is_fresh():
                self._client = self._newest()
                self._looked = time.monotonic()
            return self._client

    def is_in_use(self, client: Client) -> bool:
        return client is self._client and self._is_fresh()

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._looked <= FRESH

    def _newest(self) -> Client:
        row = Credential.objects.last() if self._has_adopted else None
        if row is None:
            adopt_environment()
            row = Credential.objects.last()
        if self._client and row and row.pk == self._row:
            return self._client
        self._row = row.pk if row else None
        with _settings_that_can_be_used():
            return from_settings() if settings.KOODRIVE_AUTH == "app" else from_settings(token=_token(row))


_held = _Held()


def _token(row: Credential | None) -> str:
    """The token in the row; an empty one, and all sending paused, when there is none or it can't be read."""
    try:
        if row is None:
            raise ImproperlyConfigured(_NO_TOKEN)
        return encryption.decrypt(bytes(row.ciphertext))
    except ImproperlyConfigured as error:
        detail = f"KooDrive's token can't be read: {error}"
        log.error(detail)
        pauses.begin(Pause.Cause.CREDENTIALS, detail, by=WORKER)
        return ""


@contextmanager
def _settings_that_can_be_used() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from error
