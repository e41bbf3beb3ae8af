"""A change of the key for secrets at rest: all are encrypted anew with the newest one, so that the old one can go."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from . import audit, encryption
from .actors import Actor
from .audit import Action
from .models import ArchivePassword, Callback, Credential, DownloadLink

# Every column that holds something encrypted.
ENCRYPTED: tuple[tuple[type[models.Model], str], ...] = (
    (Credential, "ciphertext"),
    (ArchivePassword, "ciphertext"),
    (DownloadLink, "ciphertext"),
    (Callback, "secret"),
    (Callback, "former_secret"),
)
# What a second factor holds encrypted, within django-allauth's ``data``: of an app, and of recovery codes.
FACTORS = ("secret", "seed")
AT_ONCE = 500


@dataclass
class Rekeyed:
    """How many secrets were encrypted anew, and how many were already, by table; and which ones no key fits."""

    renewed: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)


def rotate(*, by: Actor) -> Rekeyed:
    """Encrypts with the newest key whatever isn't yet, row by row: it may be ended and run again at any time.

    Raises ImproperlyConfigured when the keys can't be used, and ``AuditUnavailable``.
    """
    encryption.require_keys()
    done = Rekeyed()
    for model, column in ENCRYPTED:
        for pk, ciphertext in _rows(model, column):
            _renew(done, model, column, pk, ciphertext)
    for row in Authenticator.objects.filter(data__has_any_keys=FACTORS).order_by("pk").iterator():
        _renew_factor(done, row)
    audit.record(
        Action.KEYS_ROTATED,
        by=by,
        outcome="failed" if done.unreadable else "ok",
        after={"renewed": dict(done.renewed), "kept": dict(done.kept), "unreadable": len(done.unreadable)},
    )
    return done


def _rows(model: type[models.Model], column: str) -> Iterator[tuple[Any, bytes]]:
    """The rows that hold something, a batch of them at a time, so that no transaction stays open."""
    rows = model._default_manager.exclude(**{column: None}).exclude(**{column: b""}).order_by("pk")
    last: Any = None
    while batch := list(
        islice((rows if last is None else rows.filter(pk__gt=last)).values_list("pk", column), AT_ONCE)
    ):
        yield from ((pk, bytes(ciphertext)) for pk, ciphertext in batch)
        last = batch[-1][0]


def _renew(done: Rekeyed, model: type[models.Model], column: str, pk: Any, ciphertext: bytes) -> None:
    table = str(model._meta.verbose_name)
    fresh = _renewed(done, table, pk, ciphertext)
    # Only what still stands there is replaced: whoever has changed it meanwhile did it with the newest key.
    if fresh and model._default_manager.filter(pk=pk, **{column: ciphertext}).update(**{column: fresh}):
        done.renewed[table] += 1


def _renew_factor(done: Rekeyed, row: Authenticator) -> None:
    [name] = [each for each in FACTORS if each in row.data]
    fresh = _renewed(done, "second factor", row.pk, row.data[name].encode())
    changed = {"data": row.data | {name: fresh.decode()}} if fresh else {}
    if changed and Authenticator.objects.filter(pk=row.pk, data=row.data).update(**changed):
        done.renewed["second factor"] += 1


def _renewed(done: Rekeyed, table: str, pk: Any, ciphertext: bytes) -> bytes | None:
    """The same, encrypted with the newest key; None, and noted, when it is so already or no key fits."""
    try:
        fresh = encryption.renewed(ciphertext)
    except ImproperlyConfigured:
        done.unreadable.append(f"{table} {pk}")
        return None
    if fresh is None:
        done.kept[table] += 1
    return fresh
