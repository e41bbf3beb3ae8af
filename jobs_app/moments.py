"""Times as people read and write them: in the zone that is active, which is the reader's own on a page, else UTC."""

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.utils import timezone

UTC_NAME = "UTC"
_AREAS = frozenset(
    ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
)


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


def local(moment: datetime) -> str:
    """To the second, without the zone: for a column whose head names it."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}"


def shown(moment: datetime) -> str:
    """To the second, with the name of the zone."""
    return f"{local(moment)} {zone_name()}"
