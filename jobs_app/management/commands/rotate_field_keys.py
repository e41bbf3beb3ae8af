"""``manage.py rotate_field_keys``: encrypts all secrets at rest with the newest key, so that older ones can go."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from ... import rekeying
from ...actors import COMMAND_LINE
from ...errors import AuditUnavailable

_SHOWN = 5


class Command(BaseCommand):
    help = "Encrypts all secrets at rest with the first key of PORTAL_FIELD_KEYS; may be interrupted and repeated."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = rekeying.rotate(by=COMMAND_LINE)
        except (ImproperlyConfigured, DatabaseError, AuditUnavailable) as error:
            raise CommandError(f"The secrets could not be encrypted anew: {error} Run it again.") from error
        self.stdout.write(
            f"{done.renewed.total()} secrets encrypted anew{_by_table(done.renewed)}, {done.kept.total()} were already."
        )
        if done.unreadable:
            named = ", ".join(done.unreadable[:_SHOWN])
            raise CommandError(
                f"No key of PORTAL_FIELD_KEYS fits {len(done.unreadable)} of them ({named}"
                f"{', …' if len(done.unreadable) > _SHOWN else ''}): "
                "add the older key behind the newest, and run it again."
            )


def _by_table(counts: "dict[str, int]") -> str:
    said = ", ".join(f"{table}: {count}" for table, count in counts.items())
    return f" ({said})" if said else ""
