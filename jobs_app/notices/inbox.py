"""What a person sees of their notices: pages with the unread ones first, the count, and what they choose to hear of."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from ..documents import instant
from ..errors import Invalid, NotFound, Problem
from ..models import Notice, NoticeChoice, User
from . import words
from .kinds import KINDS, Kind
from .words import Words

PAGE = 50
KEPT_READ = timedelta(weeks=4)
KEPT = timedelta(weeks=26)  # of what nobody ever read
AT_ONCE = 5000  # rows that are forgotten in one go


@dataclass(frozen=True)
class Shown:
    row: Notice
    words: Words


@dataclass(frozen=True)
class Page:
    """Some notices, the unread ones first, then the newest; ``older`` is the cursor of the next page, if any."""

    rows: list[Shown]
    older: str | None


def _of(person: int) -> "QuerySet[Notice]":
    return Notice.objects.filter(person=person, in_portal=True)


def page(person: int, *, cursor: str = "", limit: int = PAGE) -> Page:
    """Those behind ``cursor``; raises ``Invalid`` when it is none of ours."""
    after = _read_cursor(cursor) if cursor else None
    found: list[Notice] = []
    for is_read in (False, True):
        rows = _of(person).filter(read_at__isnull=not is_read).order_by("-at", "-pk")
        if after and after.is_read == is_read:
            rows = rows.filter(Q(at__lt=after.at) | Q(at=after.at, pk__lt=after.pk))
        if after is None or after.is_read <= is_read:
            found += rows[: limit + 1 - len(found)]
    shown = [Shown(*each) for each in zip(found[:limit], words.of(*found[:limit]), strict=True)]
    return Page(shown, _cursor(found[limit - 1]) if len(found) > limit else None)


@dataclass(frozen=True)
class _After:
    """The last notice that was shown."""

    is_read: bool
    at: datetime
    pk: int


def _cursor(row: Notice) -> str:
    return f"{int(row.read_at is not None)}_{row.at.isoformat()}_{row.pk}"


def _read_cursor(cursor: str) -> _After:
    is_read, _, rest = cursor.partition("_")
    moment, _, pk = rest.partition("_")
    at = instant(moment.replace(" ", "+"))
    if is_read not in ("0", "1") or at is None or not (pk.isascii() and pk.isdigit() and len(pk) < 19):
        raise Invalid([Problem("cursor", "invalid", "Use a cursor as a page of notices gave it.")])
    return _After(is_read == "1", at, int(pk))


def read(person: int, pk: int) -> str:
    """Notes that the person has read it; the answer is the page that tells more. Raises ``NotFound``."""
    found = _of(person).filter(pk=pk).first()
    if found is None:
        raise NotFound
    _of(person).filter(pk=pk, read_at=None).update(read_at=Now())
    return words.of(found)[0].path


def read_all(person: int, *, upto: datetime) -> int:
    """Notes that the person has read what happened until then; says how much that was."""
    # What is just being counted is unread anyway, so nobody waits for it.
    rows = _of(person).filter(read_at=None, at__lte=upto).select_for_update(skip_locked=True)
    with transaction.atomic():
        return Notice.objects.filter(pk__in=rows.values("pk")).update(read_at=Now())


def forget_old() -> None:
    """Deletes what was read weeks ago, what was mailed alone then, and what nobody ever read, some at a time."""
    old = Q(read_at__lt=Now() - KEPT_READ) | Q(at__lt=Now() - KEPT) | Q(in_portal=False, at__lt=Now() - KEPT_READ)
    rows = Notice.objects.filter(old, at__lt=Now() - KEPT_READ).exclude(mail=Notice.Mail.WAITING)
    with transaction.atomic():
        keys = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE])
        Notice.objects.filter(pk__in=keys).delete()


def forget(person: User, *, using: str) -> None:
    """Deletes what the person was told, and what former addresses of theirs were."""
    theirs = Q(person=person.pk) | Q(person=None, key__startswith=f"{person.ref}:")
    Notice.objects.using(using).filter(theirs).delete()


# --- Choices -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Choice:
    """Where a person hears of a kind."""

    kind: Kind
    in_portal: bool
    by_mail: bool


def choices(person: User) -> list[Choice]:
    """Of every kind, in the order of the catalogue."""
    chosen = {each.kind: each for each in person.notice_choices.all()}
    return [Choice(kind, *kind.place(chosen.get(kind.name))) for kind in KINDS]


def choose(person: User, *, in_portal: Collection[str], by_mail: Collection[str]) -> None:
    """From now on the person hears of these kinds in the portal, and of those by mail; security stays in the portal."""
    rows = [
        NoticeChoice(person=person, kind=kind.name, in_portal=kind.name in in_portal, by_mail=kind.name in by_mail)
        for kind in KINDS
    ]
    NoticeChoice.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["person", "kind"],
        update_fields=["in_portal", "by_mail"],
    )
