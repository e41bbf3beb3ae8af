"""``manage.py revoke_token NUMBER --reason R``: ends a token for good."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ... import tokens
from ...actors import COMMAND_LINE
from ...errors import Invalid, WrongState
from ...models import ApiToken


class Command(BaseCommand):
    help = "Revokes a token, named by its number, as the page of the tokens and the audit trail have it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", type=int)
        parser.add_argument("--reason", required=True, help="kept in the audit trail")

    def handle(self, *args: Any, **options: Any) -> None:
        token = ApiToken.objects.filter(pk=options["number"]).first()
        if token is None:
            raise CommandError(f"There is no token {options['number']}; /tokens/ lists them all.")
        try:
            tokens.revoke(token, reason=options["reason"], by=COMMAND_LINE)
        except Invalid as error:
            raise CommandError(" ".join(problem.detail for problem in error.problems)) from error
        except WrongState as error:
            raise CommandError(error.detail) from error
        self.stderr.write(f"{token} is revoked.")
