"""``manage.py compare_tasks``: looks now for tasks in KooDrive that the portal did not send."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from ... import connection, reconciling
from ...actors import COMMAND_LINE
from ...errors import AuditUnavailable


class Command(BaseCommand):
    help = "Holds KooDrive's list of tasks against the submissions, as every night; exit code 1 when it can't."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = reconciling.compare(client=connection.client(), by=COMMAND_LINE)
        except (ImproperlyConfigured, DatabaseError, AuditUnavailable) as error:
            raise CommandError(f"KooDrive's tasks could not be compared: {error}") from error
        if result.trouble:
            raise CommandError(f"{result.trouble} {result.new} new foreign tasks were found all the same.")
        self.stdout.write(
            f"{result.seen} tasks seen in KooDrive, {result.foreign} of them not sent by the portal, {result.new} new; "
            f"compared from {result.since:%Y-%m-%d %H:%M} to {result.until:%Y-%m-%d %H:%M} UTC."
        )
