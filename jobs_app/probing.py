"""Asks KooDrive harmless questions: as whom it lets the portal in, its clock, and what of its unknowns shows."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from .health import Sign
from .koodrive import answers, times
from .koodrive.answers import Job, ReadFailed
from .koodrive.client import Client

LOOKED_AT = 20  # tasks
_FAR = timedelta(minutes=1)  # a clock that is further off spoils times and signatures
_CANNOT_TELL = "can't be told: too few tasks in KooDrive's list, or it moved"


def probe(client: Client) -> list[Sign]:
    """What reading the list of tasks tells; a single sign when KooDrive can't be read."""
    answer = client.list_jobs(offset=client.offset_base, limit=LOOKED_AT)
    try:
        found = answers.jobs(answer)
    except ReadFailed as error:
        return [Sign("KooDrive", settings.KOODRIVE_BASE_URL, error.detail)]
    scheme = "not used with signed requests" if settings.KOODRIVE_AUTH == "app" else repr(settings.KOODRIVE_SCHEME)
    return [
        Sign("KooDrive", f"{settings.KOODRIVE_BASE_URL} lets the portal in with credential {client.credential_id}"),
        Sign("Account", _account(found)),
        _clock(times.clock_difference(answer, now=timezone.now())),
        Sign("KOODRIVE_SCHEME", f"{scheme}: settled, KooDrive takes it" if settings.KOODRIVE_AUTH != "app" else scheme),
        _offset_base(client),
        _zone(found),
    ]


def _account(found: list[Job]) -> str:
    """KooDrive has no call that says who one is; the tasks that it shows do."""
    users = sorted({job.user_id for job in found if job.user_id})
    tenants = sorted({job.tenant_id for job in found if job.tenant_id})
    told = f"tasks of the users {', '.join(users)}" if users else "no task tells its user"
    given = f"KOODRIVE_USER_ID is {settings.KOODRIVE_USER_ID}; " if settings.KOODRIVE_USER_ID else ""
    return f"{given}{told}{', tenant ' + ', '.join(tenants) if tenants else ''}"


def _clock(difference: timedelta | None) -> Sign:
    if difference is None:
        return Sign("Clock", "can't be told: KooDrive's answer has no date")
    seconds = difference.total_seconds()
    trouble = "Set the clock of this machine, or have KooDrive's set." if abs(difference) > _FAR else ""
    return Sign("Clock", f"KooDrive's is {abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}", trouble)


def _offset_base(client: Client) -> Sign:
    """Where the list begins: the second place from 0 on is the first from 1 on, or both show the same."""
    name, first, second = "KOODRIVE_OFFSET_BASE", _ids(client, 0), _ids(client, 1)
    if not second or len(second) < 2:
        return Sign(name, _CANNOT_TELL)
    if first is None or first[:1] == second[:1]:
        base = 1
    elif first[1:2] == second[:1]:
        base = 0
    else:
        return Sign(name, _CANNOT_TELL)
    trouble = "" if base == client.offset_base else f"It is {client.offset_base}; set it to {base}."
    return Sign(name, f"{base}: settled, the list begins there", trouble)


def _ids(client: Client, offset: int) -> list[str] | None:
    """None when KooDrive refuses that offset."""
    try:
        return [job.task_id for job in answers.jobs(client.list_jobs(offset=offset, limit=LOOKED_AT))]
    except ReadFailed:
        return None


def _zone(found: list[Job]) -> Sign:
    """The zone of the 14 digits: ids tell the same time in UTC."""
    name, now = "KOODRIVE_TIME_ZONE", timezone.now()
    for job in found:
        told, digits = times.by_id(job, now=now), times.of_digits(job.create_time)
        if told and digits and job.create_time:
            as_utc = datetime.strptime(job.create_time, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            hours = round((as_utc - told) / timedelta(minutes=15)) / 4
            agrees = abs(digits - told) <= timedelta(minutes=5)
            trouble = "" if agrees else f"It is {settings.KOODRIVE_TIME_ZONE}; set it to a zone of that distance."
            return Sign(name, f"UTC{hours:+g} h: settled by the id of task {job.task_id}", trouble)
    return Sign(name, _CANNOT_TELL)
