"""``manage.py create_token SERVICE --scope SCOPE``: a token for a service, printed once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ... import people
from ...actors import COMMAND_LINE, Scope

LONGEST_DAYS = 366


class Command(BaseCommand):
    help = "Makes a token of a service, and the service if it is new; prints the token, which is shown only this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("service")
        parser.add_argument(
            "--scope", action="append", required=True, choices=list(Scope), help="may be given several times"
        )
        parser.add_argument("--days", type=int, default=90, help="how long it lives; 90 unless told")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= LONGEST_DAYS:
            raise CommandError(f"--days must be between 1 and {LONGEST_DAYS}.")
        secret = people.create_token(options["service"], scopes=options["scope"], days=options["days"], by=COMMAND_LINE)
        self.stdout.write(secret)
