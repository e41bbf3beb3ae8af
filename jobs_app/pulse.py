"""Signs of life: each part of the portal writes when it last worked, so that its silence is noticed."""

from datetime import datetime, timedelta
from typing import Literal, get_args

from django.db import connection
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now
from django.utils import timezone

from .models import Heartbeat

# A worker that swept; a beat that rang for it; a sealer that looked for what to seal; a call that KooDrive accepted;
# the moment at which sending went on after a pause.
Part = Literal["worker", "beat", "sealer", "koodrive", "resumed"]


def beat(part: Part, *, using: str = "default") -> None:
    """Over the connection ``using``, which decides about the database role."""
    Heartbeat.objects.using(using).bulk_create(
        [Heartbeat(part=part, at=Now())], update_conflicts=True, unique_fields=["part"], update_fields=["at"]
    )


def last(part: Part) -> datetime | None:
    return Heartbeat.objects.filter(part=part).values_list("at", flat=True).first()


def ages() -> dict[str, timedelta]:
    """How long ago each part that ever beat last did, by the database's clock."""
    age = ExpressionWrapper(Now() - F("at"), output_field=DurationField())
    found = Heartbeat.objects.filter(part__in=get_args(Part)).annotate(age=age)
    return dict(found.values_list("part", "age"))


def clocks() -> tuple[datetime, timedelta]:
    """The time, by the database's clock, and how far that is ahead of this machine's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [now] = cursor.fetchone()
    return now, now - timezone.now()
