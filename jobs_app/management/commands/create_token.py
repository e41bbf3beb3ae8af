"""``manage.py create_token SERVICE --scope SCOPE``: a token for a service, printed once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ... import people
from ...actors import COMMAND_LINE, Scope
from ...errors import Invalid
from ...models import User
from ...tokens import LONGEST_DAYS, USUAL_DAYS


class Command(BaseCommand):
    help = "Makes a token of a service, and the service if it is new; prints the token, which is shown only this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("service")
        parser.add_argument(
            "--scope", action="append", required=True, choices=list(Scope), help="may be given several times"
        )
        parser.add_argument("--days", type=int, default=USUAL_DAYS, help=f"how long it lives; {USUAL_DAYS} unless told")
        parser.add_argument("--owner", default="", help="who answers for the service, if it is new")

    def handle(self, *args: Any, **options: Any) -> None:
        days, owner = options["days"], _owner(options["owner"])
        if not 1 <= days <= LONGEST_DAYS:
            raise CommandError(f"--days must be between 1 and {LONGEST_DAYS}.")
        try:
            secret = people.create_token(
                options["service"], scopes=options["scope"], days=days, owner=owner, by=COMMAND_LINE
            )
        except Invalid as error:
            raise CommandError(" ".join(problem.detail for problem in error.problems)) from error
        self.stdout.write(secret)


def _owner(name: str) -> User | None:
    if not name:
        return None
    owner = User.objects.present().filter(username=name).first()
    if owner is None:
        raise CommandError(f"Nobody who may sign in is called {name}; make that person first.")
    return owner
