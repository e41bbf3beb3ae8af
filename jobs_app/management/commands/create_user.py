"""``manage.py create_user NAME --role ROLE``: a new person; the password comes from standard input."""

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ... import people
from ...actors import COMMAND_LINE, Role
from ...errors import Invalid


class Command(BaseCommand):
    help = "Makes a person who may sign in. The password is read from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--role", action="append", required=True, choices=list(Role), help="may be given several times"
        )
        parser.add_argument("--email", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
        try:
            people.create_person(
                options["name"], password, roles=options["role"], email=options["email"], by=COMMAND_LINE
            )
        except Invalid as error:
            raise CommandError(" ".join(problem.detail for problem in error.problems)) from error
        self.stderr.write(f"{options['name']} may sign in now, as {', '.join(options['role'])}.")
