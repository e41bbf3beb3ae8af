"""Calls that are to go: every answer of theirs says so, and the description marks them.

A call is announced here, with the method and address as the description has them, such as
``"GET /api/v1/me/"``, at least ``NOTICE`` before its sunset; docs/rest.md promises that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.http import http_date

NOTICE = timedelta(days=183)


@dataclass(frozen=True)
class Deprecation:
    """Since when a call is deprecated, when it goes, and an address that says what to call instead."""

    since: datetime
    sunset: datetime
    link: str

    @property
    def headers(self) -> Mapping[str, str]:
        """``Deprecation`` (RFC 9745), ``Sunset`` (RFC 8594) and the ``Link`` that belongs to both."""
        return {
            "Deprecation": f"@{int(self.since.timestamp())}",
            "Sunset": http_date(self.sunset.timestamp()),
            "Link": f'<{self.link}>; rel="deprecation"; type="text/html"',
        }


DEPRECATED: dict[str, Deprecation] = {}


def of(method: str, path: str) -> Deprecation | None:
    """What is announced of this call; ``path`` as the description or as Django's routes have it."""
    return DEPRECATED.get(f"{method.upper()} /{path.lstrip('/').replace('<uuid:pk>', '{id}')}")
