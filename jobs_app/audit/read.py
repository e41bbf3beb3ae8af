"""Reads the trail: the events of a submission, and the newest of several as their receipts."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from ..models import Event
from .actions import Action
from .record import Receipt


@dataclass(frozen=True)
class Line:
    """An event as it is shown: its exact text, the same parsed, and the hash that proves it."""

    text: str

    @property
    def hash(self) -> str:
        return hashlib.sha256(b"\0" + self.text.encode()).hexdigest()

    @property
    def parsed(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.text)
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


@dataclass(frozen=True)
class Proof:
    """The last time that the whole trail was checked: when, up to which number it is proved, or what is broken."""

    at: datetime
    upto: int
    trouble: str = ""


def last_proof() -> Proof | None:
    """None when it was never checked."""
    found = Event.objects.filter(action=Action.TRAIL_VERIFIED).order_by("-seq").first()
    if found is None:
        return None
    said = json.loads(found.line)["event"]
    trouble = said.get("detail", "The check failed.") if found.outcome == "failed" else ""
    return Proof(found.at, said.get("sealedUpToSeq", 0), trouble)


def names(actors: Collection[str]) -> dict[str, str]:
    """A name of each actor that has one; none of those whose name was erased."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT actor, name FROM audit.actor_name WHERE actor = ANY(%s) AND name IS NOT NULL", [list(actors)]
        )
        return dict(cursor.fetchall())
