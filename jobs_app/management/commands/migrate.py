"""``manage.py migrate``: as the owner's role, followed by the grants to the application's and the sealer's."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate

from ... import database


class Command(migrate.Command):
    help = "Brings the database up to date as its owner, and gives the other roles their rights."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if not (options["plan"] or options["check_unapplied"]):
            database.grant()
