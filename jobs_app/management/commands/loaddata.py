"""``manage.py loaddata`` is refused: Django's command of this name writes any row past the audit trail."""

from typing import Any, NoReturn

from django.core.management.base import CommandError
from django.core.management.commands import loaddata


class Command(loaddata.Command):
    help = "Refused: it would write rows past the audit trail; use create_user, create_token and the pages."
    requires_system_checks = []
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        raise CommandError(self.help)
