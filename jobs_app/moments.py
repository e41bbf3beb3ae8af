"""Times as people read and write them: in the zone that is active, which is the reader's own on a page, else UTC."""

import re
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.utils import timezone

UTC_NAME = "UTC"
_AREAS = frozenset(
    ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
)
# As the portal's own sentences tell them, to the minute or to the second.
_IN_UTC = re.compile(r"\b(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?) UTC(?![A-Za-z0-9+-])")


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def zone(name: str) -> ZoneInfo | None:
    """The zone of this name in the IANA database; None where there is none."""
    return ZoneInfo(name) if name in _known() else None


@cache
def choices() -> tuple[str, ...]:
    """The zones to choose from: UTC, then those that are named after places."""
    return (UTC_NAME, *sorted(name for name in _known() if name.partition("/")[0] in _AREAS))


def zone_name() -> str:
    """What the active zone is called."""
    return str(timezone.get_current_timezone())


def in_zone(text: str) -> str:
    """The text with the times in UTC that it tells in the active zone; what names no time stays as it is."""
    return text if zone_name() == UTC_NAME else _IN_UTC.sub(_moved, text)


def _moved(found: re.Match[str]) -> str:
    try:
        here = local(datetime.fromisoformat(f"{found[1]}+00:00"))
    except (ValueError, OverflowError):  # no day of the calendar, or none of the zone's
        return found[0]
    return f"{here[: len(found[1])]} {zone_name()}"


def local(moment: datetime) -> str:
    """To the second, without the zone: for a column whose head names it."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}"


def shown(moment: datetime) -> str:
    """To the second, with the name of the zone."""
    return f"{local(moment)} {zone_name()}"
