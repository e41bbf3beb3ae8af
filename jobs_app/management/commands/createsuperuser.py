"""``manage.py createsuperuser`` is refused: Django's command of this name makes a person past the audit trail."""

from typing import Any, NoReturn

from django.contrib.auth.management.commands import createsuperuser
from django.core.management.base import CommandError


class Command(createsuperuser.Command):
    help = "Refused: a superuser would be made past the audit trail and has no rights here; use create_user."
    requires_system_checks = []
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        raise CommandError(self.help)
