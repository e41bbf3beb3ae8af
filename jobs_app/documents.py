"""Reads a parsed JSON document field by field and collects everything that is wrong with it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.utils.dateparse import parse_datetime

from .errors import Problem

LONGEST_ID = 256
LONGEST_PATH = 4096
LONGEST_TEXT = 1000
FURTHEST_DAYS = 30
ABSENT = object()

# Control characters, lone surrogates, and the marks that turn the direction of writing: the latter could show an
# approver another name than the one that is stored.
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


@lru_cache(maxsize=1024)
def escape(token: str) -> str:
    """One part of a JSON pointer (RFC 6901); characters that may not stand in an answer are shown by their number."""
    plain = FORBIDDEN.sub(lambda match: f"\\u{ord(match.group()):04x}", token)
    return plain.replace("~", "~0").replace("/", "~1")


def instant(text: str) -> datetime | None:
    """The moment that a text with its offset names, in UTC; None where it names none that the calendar holds."""
    try:
        moment = parse_datetime(text)
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


class Reader:
    """Takes values out of a parsed document and collects what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, pointer: str, code: str, detail: str) -> None:
        self.problems.append(Problem(pointer, code, detail))

    def mapping(self, value: object, pointer: str, known: set[str]) -> Mapping[str, Any] | None:
        if value is ABSENT:
            self.add(pointer, "required", f"Give {pointer.rpartition('/')[2]}.")
            return None
        if not isinstance(value, Mapping):
            self.add(pointer, "wrong_type", "Give an object here.")
            return None
        for name in value:
            if name not in known:
                self.add(
                    f"{pointer}/{escape(name)}",
                    "unknown_field",
                    f"Leave this out; known here: {', '.join(sorted(known))}.",
                )
        return value

    def integer(self, parent: Mapping[str, Any], name: str, *, required: bool = False) -> int | None:
        value = parent.get(name, ABSENT)
        if type(value) is int:
            return value
        if value is not ABSENT:
            self.add(f"/{name}", "wrong_type", f"Give {name} as a whole number, without quotes or a decimal point.")
        elif required:
            self.add(f"/{name}", "required", f"Give {name}.")
        return None

    def text(
        self,
        parent: Mapping[str, Any],
        name: str,
        path: str,
        *,
        required: bool = False,
        nullable: bool = False,
        longest: int = LONGEST_ID,
    ) -> str | None:
        """The text of a field, not blank; None when it is absent or wrong."""
        value = parent.get(name, ABSENT)
        here = f"{path}/{escape(name)}"
        if value is ABSENT or (value is None and nullable):
            if required:
                self.add(here, "required", f"Give {name}.")
            return None
        return self._good(value, here, longest)

    def texts(self, parent: Mapping[str, Any], name: str, path: str) -> list[str]:
        values = self.sequence(parent, name, path)
        found = [self._good(value, f"{path}/{name}/{index}", LONGEST_PATH) for index, value in enumerate(values)]
        return [text for text in found if text]

    def sequence(self, parent: Mapping[str, Any], name: str, path: str, *, required: bool = False) -> list[Any]:
        value = parent.get(name, ABSENT)
        if value is ABSENT:
            if required:
                self.add(f"{path}/{name}", "required", f"Give {name}.")
        elif not isinstance(value, list):
            self.add(f"{path}/{name}", "wrong_type", "Give a list here.")
        elif not value:
            self.add(f"{path}/{name}", "empty", f"Put at least one item into {name}.")
        else:
            return value
        return []

    def moment(self, parent: Mapping[str, Any], name: str, now: datetime) -> datetime | None:
        value = self.text(parent, name, "", nullable=True)
        if value is None:
            return None
        moment = instant(value)
        if moment is None:
            self.add(
                f"/{name}", "wrong_format", "Give a time as RFC 3339 with its offset, such as 2030-01-31T12:00:00Z."
            )
            return None
        if moment > now + timedelta(days=FURTHEST_DAYS):
            self.add(f"/{name}", "too_late", f"Give a time at most {FURTHEST_DAYS} days ahead.")
        return moment

    def _good(self, value: object, pointer: str, longest: int) -> str | None:
        if not isinstance(value, str):
            self.add(pointer, "wrong_type", "Give a text here, in quotes.")
        elif not value.strip():
            self.add(pointer, "empty", "Put something here, or leave the field out.")
        elif FORBIDDEN.search(value):
            self.add(pointer, "forbidden_character", "Remove control characters from this text.")
        elif len(value) > longest:
            self.add(pointer, "too_long", f"Use at most {longest} characters here.")
        else:
            return value
        return None
