"""Notes become rows, for those who are here and want to hear of it; what happens again under one key is counted."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from ..models import Notice, NoticeChoice, User
from .kinds import BY_NAME

GATHER = timedelta(minutes=1)  # for which the mail of a digest waits for more of it
AGAIN = timedelta(hours=1)  # until what is new in a digest that was mailed is mailed again


@dataclass(frozen=True)
class Note:
    """What happened, for these people and these outside addresses.

    What has the same ``key`` is one notice: a ``digest`` counts, anything else was told already.
    """

    kind: str
    key: str
    at: datetime
    about: Mapping[str, Any] = field(default_factory=dict)
    people: Collection[int] = ()
    addresses: Collection[str] = ()
    subject: str = ""
    digest: bool = False


_Key = tuple[int | None, str, str, str]

_INSERT = """
INSERT INTO jobs_app_notice AS known (person_id, address, kind, key, subject, about, count, at, in_portal, mail, due_at,
    told, attempts, error)
SELECT person, address, kind, key, subject, about, count, at, in_portal,
    CASE WHEN by_mail THEN 'waiting' ELSE 'none' END,
    CASE WHEN by_mail THEN now() + make_interval(secs => wait) END, 0, 0, ''
FROM jsonb_to_recordset(%s::jsonb) AS new(person bigint, address text, kind text, key text, subject text, about jsonb,
    count int, at timestamptz, in_portal bool, by_mail bool, digest bool, wait float)
WHERE digest = %s
ON CONFLICT (person_id, address, kind, key) DO """
_COUNT = """UPDATE SET
    count = excluded.count + CASE WHEN known.read_at IS NULL THEN known.count ELSE 0 END,
    at = greatest(known.at, excluded.at), about = excluded.about, in_portal = excluded.in_portal, read_at = NULL,
    mail = CASE 'waiting' WHEN known.mail THEN 'waiting' WHEN excluded.mail THEN 'waiting' ELSE known.mail END,
    due_at = CASE 'waiting' WHEN known.mail THEN known.due_at
        WHEN excluded.mail THEN now() + make_interval(secs => %s) END,
    letter = CASE known.mail WHEN 'waiting' THEN known.letter END,
    attempts = CASE known.mail WHEN 'waiting' THEN known.attempts ELSE 0 END,
    first_tried_at = CASE known.mail WHEN 'waiting' THEN known.first_tried_at END,
    ended_at = CASE 'waiting' WHEN known.mail THEN NULL WHEN excluded.mail THEN NULL ELSE known.ended_at END"""


def store(notes: Iterable[Note]) -> None:
    """Stores them in the caller's transaction. Who has left gets none, and nobody gets what they chose not to."""
    gathered = _gathered(notes)
    if not gathered:
        return
    numbers = {person for person, *_ in gathered if person is not None}
    emails = dict(User.objects.present().filter(pk__in=numbers).values_list("pk", "email"))
    choices = {
        (each.person_id, each.kind): each
        for each in NoticeChoice.objects.filter(person__in=emails, kind__in={kind for _, _, kind, _ in gathered})
    }
    rows = []
    for (person, address, kind, key), found in gathered.items():
        wants_it, wants_mail = BY_NAME[kind].place(choices.get((person or 0, kind)))
        in_portal = person is not None and wants_it
        by_mail = bool(settings.HAS_MAIL and wants_mail and (address or emails.get(person or 0)))
        if (person is None or person in emails) and (in_portal or by_mail):
            row = {"person": person, "address": address, "kind": kind, "key": key, "by_mail": by_mail}
            rows.append(row | {"in_portal": in_portal} | found)
    _insert(rows)


def _gathered(notes: Iterable[Note]) -> dict[_Key, dict[str, Any]]:
    """What is to be stored, by whom it is for, kind and key; without what was told already."""
    found: dict[_Key, dict[str, Any]] = {}
    for note in notes:
        receivers = [(person, "") for person in dict.fromkeys(note.people)]
        for person, address in [*receivers, *((None, each) for each in dict.fromkeys(note.addresses) if each)]:
            key = (person, address, note.kind, note.key)
            before = found.get(key, {"count": 0})
            if before["count"] and not note.digest:
                continue
            found[key] = {
                "subject": note.subject,
                "about": note.about,
                "at": note.at,
                "count": before["count"] + 1,
                "digest": note.digest,
                "wait": GATHER.total_seconds() if note.digest else 0,
            }
    once = {key for key, row in found.items() if not row["digest"]}
    told = Notice.objects.filter(kind__in={key[2] for key in once}, key__in={key[3] for key in once})
    for key in told.values_list("person", "address", "kind", "key") if once else ():
        found.pop(key, None)
    return found


def _insert(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    text = json.dumps(rows, default=str)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT + "NOTHING", [text, False])
        cursor.execute(_INSERT + _COUNT, [text, True, AGAIN.total_seconds()])


def forget(subjects: Collection[str]) -> None:
    """Nobody needs to decide about these any more: unread notices of it count as read, and no mail goes out."""
    rows = Notice.objects.filter(kind="approval_wanted", subject__in=subjects)
    rows.filter(read_at=None).update(read_at=Now())
    rows.filter(mail=Notice.Mail.WAITING, claim=None).update(mail=Notice.Mail.NONE, due_at=None)
