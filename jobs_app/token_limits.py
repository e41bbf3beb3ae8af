"""What holds a token back: where from, what, where to and how often it may be used; and the check of what is given."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as _

from .documents import FORBIDDEN, LONGEST_ID, Reader
from .models import ApiToken
from .operations import BY_NAME
from .quotas import Rate

LONGEST_NAME = 100
MOST_ITEMS = 100


@dataclass(frozen=True)
class Limits:
    """A token's name, and what holds it back; an empty list or text doesn't.

    ``addresses`` are networks (CIDR), ``spaces`` hold for source and target both, ``rate`` is such as ``100/min``.
    """

    name: str = ""
    addresses: Sequence[str] = ()
    operations: Sequence[str] = ()
    spaces: Sequence[str] = ()
    rate: str = ""

    @classmethod
    def of(cls, token: ApiToken) -> "Limits":
        return cls(token.name, token.addresses, token.operations, token.spaces, token.rate)

    def fields(self) -> dict[str, Any]:
        """As the row has them."""
        lists = {name: list(getattr(self, name)) for name in ("addresses", "operations", "spaces")}
        return {"name": self.name, **lists, "rate": self.rate}

    def told(self) -> dict[str, Any]:
        """As the trail has them, without those that don't hold back."""
        return {name: value for name, value in self.fields().items() if value}


NO_LIMITS = Limits()


def check_limits(reader: Reader, given: Limits) -> Limits:
    """The limits in one form, each item once; what is wrong goes to the reader."""
    for name in ("addresses", "operations", "spaces"):
        if len(getattr(given, name)) > MOST_ITEMS:
            reader.add(f"/{name}", "too_many", f"Give at most {MOST_ITEMS} of them.")
    return Limits(
        name=_name(reader, given.name.strip()),
        addresses=_once(_network(reader, text) for text in given.addresses),
        operations=_once(_operation(reader, text) for text in given.operations),
        spaces=_once(_space(reader, text) for text in given.spaces),
        rate=_rate(reader, given.rate.strip()),
    )


def _once(values: Any) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


def _name(reader: Reader, text: str) -> str:
    return reader.text({"name": text}, "name", "", longest=LONGEST_NAME) or "" if text else ""


def _network(reader: Reader, text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        shown = text if not FORBIDDEN.search(text) and len(text) < LONGEST_ID else "this"
        bits = _(" The address has bits beyond its mask.") if "host bits" in str(error) else ""
        detail = f"{shown} is no address or network such as 192.0.2.0/24 or 2001:db8::/32; mend it.{bits}"
        reader.add("/addresses", "wrong_format", detail)
        return ""


def _operation(reader: Reader, text: str) -> str:
    if text not in BY_NAME:
        reader.add("/operations", "unknown_value", f"Use operations of the catalogue: {', '.join(BY_NAME)}.")
        return ""
    return text


def _space(reader: Reader, text: str) -> str:
    return reader.text({"spaces": text}, "spaces", "") or ""


def _rate(reader: Reader, text: str) -> str:
    try:
        if text:
            Rate.read(text)
    except ValueError as error:
        reader.add("/rate", "wrong_format", str(error))
    return text
