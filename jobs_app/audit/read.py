"""Reads the trail: the events of a submission, and the newest of several as their receipts."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from ..errors import UnreadableLine
from ..models import Event
from .actions import Action
from .record import Receipt


@dataclass(frozen=True)
class Line:
    """An event as it is shown: its exact text, the same parsed, and the hash that proves it."""

    text: str

    @property
    def seq(self) -> int:
        return int(self.text[len('{"seq":') : self.text.index(",")])

    @property
    def hash(self) -> str:
        return hashlib.sha256(b"\0" + self.text.encode()).hexdigest()

    @property
    def parsed(self) -> dict[str, Any]:
        """Raises ``UnreadableLine`` when somebody has changed it so that it is no event any more."""
        try:
            document: dict[str, Any] = json.loads(self.text)
            event = document["event"]
            _ = event["action"], event["outcome"], event["channel"], event["actor"]["id"], event["actor"]["name"]
        except (ValueError, LookupError, TypeError) as error:
            raise UnreadableLine from error
        return document


def of_submission(submission: UUID) -> list[Line]:
    """Its events, oldest first."""
    return [
        Line(text)
        for text in Event.objects.filter(submission=submission).order_by("seq").values_list("line", flat=True)
    ]


def receipts(submissions: Collection[UUID]) -> dict[UUID, Receipt]:
    """The newest event of each submission."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT wanted.id, newest.seq, encode(sha256('\\x00'::bytea || convert_to(newest.line, 'UTF8')), 'hex') "
            "FROM unnest(%s::uuid[]) AS wanted(id), LATERAL (SELECT seq, line FROM audit.event "
            "WHERE submission = wanted.id ORDER BY seq DESC LIMIT 1) AS newest",
            [list(submissions)],
        )
        return {submission: Receipt(seq, hash_) for submission, seq, hash_ in cursor.fetchall()}


def line(seq: int) -> Line | None:
    """The event with this number."""
    text = Event.objects.filter(seq=seq).values_list("line", flat=True).first()
    return Line(text) if text else None


@dataclass(frozen=True)
class SealOfEvent:
    """The seal that an event stands in; ``published`` are the places that have its head, or a later one."""

    n: int
    text: str
    key_id: str
    at: datetime
    published: list[str]

    @property
    def head(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def seals(seqs: Collection[int]) -> dict[int, int]:
    """The number of the seal of each event; one that isn't sealed yet is left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT wanted.seq, holding.n FROM unnest(%s::bigint[]) AS wanted(seq), LATERAL ("
            "SELECT n FROM audit.seal WHERE upto_seq >= wanted.seq ORDER BY upto_seq, n LIMIT 1) AS holding",
            [list(seqs)],
        )
        return dict(cursor.fetchall())


def seal_of(seq: int) -> SealOfEvent | None:
    """None as long as the event isn't sealed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n, text, key_id, at, ARRAY(SELECT destination FROM audit.anchored a WHERE a.n >= s.n ORDER BY 1) "
            "FROM audit.seal s WHERE upto_seq >= %s ORDER BY upto_seq, n LIMIT 1",
            [seq],
        )
        row = cursor.fetchone()
    return SealOfEvent(*row) if row else None


@dataclass(frozen=True)
class Extent:
    """How far the trail goes and is sealed, and since when the next seal is wanted; None where there is nothing."""

    first_at: datetime | None
    newest: int | None
    sealed_up_to: int | None
    seal: int | None
    sealed_at: datetime | None
    unsealed_since: datetime | None


def extent() -> Extent:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT at FROM audit.event ORDER BY seq LIMIT 1), (SELECT max(seq) FROM audit.event), "
            "upto_seq, n, at, (SELECT at FROM audit.event WHERE seq > coalesce(upto_seq, 0) ORDER BY seq LIMIT 1) "
            "FROM (SELECT 1) AS one LEFT JOIN "
            "(SELECT upto_seq, n, at FROM audit.seal ORDER BY n DESC LIMIT 1) AS newest ON true"
        )
        return Extent(*cursor.fetchone())


@dataclass(frozen=True)
class Proof:
    """The last time that the whole trail was checked: when, up to which number it is proved, or what is broken."""

    at: datetime
    upto: int
    trouble: str = ""


def last_proof() -> Proof | None:
    """None when it was never checked."""
    found = newest(Action.TRAIL_VERIFIED)
    if found is None:
        return None
    trouble = found.said.get("detail", "The check failed.") if found.outcome == "failed" else ""
    return Proof(found.at, found.said.get("sealedUpToSeq", 0), trouble)


@dataclass(frozen=True)
class Told:
    """An event of the trail: when, how it came out, and its fields as they stand in the line."""

    at: datetime
    outcome: str
    said: Mapping[str, Any]


def newest(action: Action, *, outcome: str | None = None) -> Told | None:
    """The newest event of this kind, with ``outcome`` the newest that came out so; None when there is none."""
    events = Event.objects.filter(action=action)
    if outcome:
        events = events.filter(outcome=outcome)
    found = events.order_by("-seq").first()
    return Told(found.at, found.outcome or "", json.loads(found.line)["event"]) if found else None


def made_at() -> datetime:
    """When this trail was made: the portal has done nothing before it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT made_at FROM audit.instance")
        found: datetime = cursor.fetchone()[0]
    return found


def age_of(action: Action) -> timedelta:
    """How long ago this last went well, or the trail was made if it never did, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp() - coalesce((SELECT at FROM audit.event WHERE action = %s AND outcome = 'ok' "
            "ORDER BY seq DESC LIMIT 1), (SELECT made_at FROM audit.instance))",
            [action],
        )
        age: timedelta = cursor.fetchone()[0]
    return age


def names(actors: Collection[str]) -> dict[str, str]:
    """A name of each actor that has one; none of those whose name was erased."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT actor, name FROM audit.actor_name WHERE actor = ANY(%s) AND name IS NOT NULL", [list(actors)]
        )
        return dict(cursor.fetchall())
