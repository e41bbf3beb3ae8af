"""What no event tells: what time brings, and what lasts. It is found from the rows, and told once, or once a day."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from .. import pulse
from ..actors import Role
from ..models import ApiToken, NoticeState, Submission, User
from ..models.services import ENDS_SOON
from ..states import State
from . import reading, storing
from .audience import Audience, submitter
from .storing import Note

STILL_UNKNOWN = timedelta(days=1)
TOKEN_DAYS = (3, ENDS_SOON.days)  # before the end of a token; the nearest first, so that one found late is told once
LEAVING_DAYS = (3, 14)  # before somebody's last day
_UNSEALED = timedelta(minutes=15)
_BLIND = timedelta(minutes=10)  # nobody looked for so long: the portal has just been started, its parts one by one


def look() -> None:
    """Tells what is due; two at the same time tell nobody twice."""
    state, now = reading.state(), timezone.now()
    audience = Audience()
    notes = [*_still_unknown(audience, now), *_tokens(now), *_leaving(audience, now)]
    if now - state.looked_at < _BLIND:
        notes += _unsealed(audience, now)
    with transaction.atomic():
        # The state's row is locked before any notice, here as everywhere.
        NoticeState.objects.update(looked_at=now)
        storing.store(notes)


def _still_unknown(audience: Audience, now: datetime) -> Iterator[Note]:
    """Once a day: who submitted it hears of their own, operators of all."""
    rows = list(
        Submission.objects.filter(status=State.UNKNOWN, sent_at__lt=now - STILL_UNKNOWN)
        .select_related("service")
        .only("person", "service__owner", "status")
    )
    if not rows:
        return
    key, operators = f"day:{now:%Y-%m-%d}", audience.having(Role.OPERATOR)
    yield Note("still_unknown", key, now, {"n": len(rows)}, operators)
    for person, count in Counter(map(submitter, rows)).items():
        if person and person not in operators:
            yield Note("still_unknown", key, now, {"n": count}, [person])


def _unsealed(audience: Audience, now: datetime) -> Iterator[Note]:
    """Once a day, as long as it lasts."""
    age = pulse.ages().get("sealer")
    if age is not None and age > max(_UNSEALED, timedelta(seconds=3 * settings.SEAL_SECONDS)):
        yield Note("seal_overdue", f"day:{now:%Y-%m-%d}", now, {"since": (now - age).isoformat()}, audience.overseers)


def _tokens(now: datetime) -> Iterator[Note]:
    for token in ApiToken.objects.ending(now, timedelta(days=TOKEN_DAYS[-1])).select_related("service__owner"):
        days = next(days for days in TOKEN_DAYS if token.ends_at <= now + timedelta(days=days))
        about = {"token": token.pk, "service": token.service.name, "ends": token.ends_at.isoformat()}
        owner, contact = token.service.owner, token.service.contact
        is_owners = owner is not None and owner.email == contact
        yield Note(
            "token_ending",
            f"{token.ref}:{days}",
            now,
            about,
            [owner.pk] if owner else [],
            [contact] if contact and not is_owners else [],
        )


def _leaving(audience: Audience, now: datetime) -> Iterator[Note]:
    today = now.date()
    leaving = User.objects.present().filter(last_day__lte=today + timedelta(days=LEAVING_DAYS[-1]))
    for person in leaving.prefetch_related("services"):
        assert person.last_day
        days = next(days for days in LEAVING_DAYS if person.last_day <= today + timedelta(days=days))
        about = {
            "person": person.pk,
            "name": person.ref,
            "day": person.last_day.isoformat(),
            "services": sorted(service.name for service in person.services.all()),
        }
        key = f"{person.ref}:{person.last_day}:{days}"
        yield Note("last_day", key, now, about, audience.overseers)
