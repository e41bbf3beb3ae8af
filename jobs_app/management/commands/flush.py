"""``manage.py flush`` is refused: Django's command of this name empties every table past the audit trail."""

from typing import Any, NoReturn

from django.core.management.base import CommandError
from django.core.management.commands import flush


class Command(flush.Command):
    help = "Refused: it would empty the tables past the audit trail; start anew with an empty database."
    requires_system_checks = []
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        raise CommandError(self.help)
