"""The qualifiers of a search: what each takes, and the conditions on the trail's indexed columns that answer it."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import sql

from ..documents import FORBIDDEN, instant
from ..operations import BY_NAME
from .actions import Action

OUTCOMES = ("ok", "denied", "failed")
MOST_SUBMISSIONS = 1000  # of a file's history
LISTS = ("action", "operation", "outcome")  # the qualifiers whose values never hold a comma
_ACTOR = re.compile(r"(person|service|token):\d+|system:[a-z-]+")

Condition = sql.Composable


class Filter:
    """A qualifier that an indexed column answers."""

    def __init__(self, column: str) -> None:
        self._column = column

    def check(self, value: str) -> str:
        """The value in its one form; raises ValueError with a sentence that says what it must be."""
        if FORBIDDEN.search(value):
            raise ValueError("Remove control characters from this text.")
        return value

    def conditions(self, values: Sequence[str]) -> list[Condition]:
        """Of the values one must fit; no event fulfils two of these conditions."""
        return [self._equals(value) for value in values]

    def _equals(self, value: Any) -> Condition:
        return sql.SQL("{} = {}").format(sql.Identifier(self._column), sql.Literal(value))


class _Known(Filter):
    """One of a closed list."""

    def __init__(self, column: str, known: Sequence[str]) -> None:
        super().__init__(column)
        self._known = known

    def check(self, value: str) -> str:
        if value.lower() not in self._known:
            raise ValueError(f"{value[:40]!r} is not one of {', '.join(self._known)}.")
        return value.lower()


class _Uuid(Filter):
    def check(self, value: str) -> str:
        try:
            return str(UUID(value))
        except ValueError:
            raise ValueError(f"{value[:40]!r} is no id; copy it as the portal shows it.") from None

    def conditions(self, values: Sequence[str]) -> list[Condition]:
        return [self._equals(UUID(value)) for value in values]


class _Actor(Filter):
    """By id, or by a name that somebody has or had."""

    def conditions(self, values: Sequence[str]) -> list[Condition]:
        ids = [each for value in values for each in ([value] if _ACTOR.fullmatch(value) else _called(value))]
        return [self._equals(each) for each in dict.fromkeys(ids)]


class _Outcome(_Known):
    def _equals(self, value: Any) -> Condition:
        # The index holds only what didn't go well; said so that it is used.
        return super()._equals(value) + sql.SQL("" if value == "ok" else " AND outcome <> 'ok'")


class _Space(Filter):
    """The space that something comes from, or goes to."""

    def conditions(self, values: Sequence[str]) -> list[Condition]:
        source = sql.SQL("source = {} AND space <> ALL({})")
        targets = [self._equals(value) for value in values]
        return targets + [source.format(sql.Literal(value), sql.Literal(list(values))) for value in values]


class _File(Filter):
    """The submissions that a file went through, under its own id and those that copies and moves gave it."""

    def conditions(self, values: Sequence[str]) -> list[Condition]:
        found = {each for value in values for each in submissions_of(value)}
        return [sql.SQL("submission = ANY({})").format(sql.Literal(list(found)))] if found else []


class _Token(Filter):
    def check(self, value: str) -> str:
        number = value.removeprefix("token:")
        if not (number.isascii() and number.isdigit()):
            raise ValueError("Give the number of a token, such as token:12.")
        return number

    def _equals(self, value: Any) -> Condition:
        return super()._equals(f"token:{value}")


class _Address(Filter):
    def check(self, value: str) -> str:
        try:
            return str(ip_address(value))
        except ValueError:
            raise ValueError(f"{value[:40]!r} is no IP address.") from None


FILTERS: dict[str, Filter] = {
    "submission": _Uuid("submission"),
    "request": Filter("request"),
    "task": Filter("task"),
    "reference": Filter("reference"),
    "batch": _Uuid("batch"),
    "file": _File("submission"),
    "token": _Token("token"),
    "ip": _Address("ip"),
    "actor": _Actor("actor"),
    "space": _Space("space"),
    "operation": _Known("operation", list(BY_NAME)),
    "action": _Known("action", list(Action)),
    "outcome": _Outcome("outcome", OUTCOMES),
}


def submissions_of(file_id: str) -> list[UUID]:
    """The newest submissions that the file went through, at most so many, forwards and backwards along its ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE known(id) AS (
                SELECT %s::text
                UNION
                SELECT other.id FROM known, LATERAL (
                    SELECT new_file_id AS id FROM jobs_app_submissionfile WHERE file_id = known.id
                    UNION ALL
                    SELECT file_id FROM jobs_app_submissionfile WHERE new_file_id = known.id
                ) AS other WHERE other.id IS NOT NULL
            )
            SELECT DISTINCT s.id, s.created_at FROM (SELECT id FROM known LIMIT %s) AS known
            JOIN jobs_app_submissionfile f ON f.file_id = known.id OR f.new_file_id = known.id
            JOIN jobs_app_submission s ON s.id = f.submission_id
            ORDER BY s.created_at DESC LIMIT %s
            """,
            [file_id, MOST_SUBMISSIONS, MOST_SUBMISSIONS],
        )
        return [row[0] for row in cursor.fetchall()]


def _called(name: str) -> list[str]:
    """The actors that have or had this name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT actor FROM audit.actor_name WHERE lower(name) = lower(%s)", [name])
        return [row[0] for row in cursor.fetchall()]


def moment(text: str, *, is_end: bool) -> datetime:
    """A time with its offset, or a day in UTC: as an end, the day is part of what is wanted."""
    try:
        if len(text) == len("2027-03-01"):
            day = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return day + timedelta(days=1) if is_end else day
    except (ValueError, OverflowError):
        pass
    moment = instant(text.replace(" ", "+"))
    if moment is None:
        raise ValueError("Give a day, such as 2027-03-31, or a time with its offset, such as 2027-03-31T12:00:00Z.")
    return moment


def yes(text: str) -> bool:
    if text.lower() not in ("yes", "true", "no", "false"):
        raise ValueError("Give yes or no.")
    return text.lower() in ("yes", "true")
