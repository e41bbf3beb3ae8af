"""``manage.py create_user NAME --role ROLE``: a new person; the password comes from standard input."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ... import people
from ...actors import COMMAND_LINE, Role
from ..terminal import in_words, read_password


class Command(BaseCommand):
    help = "Makes a person who may sign in. The password is read from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--role", action="append", required=True, choices=list(Role), help="may be given several times"
        )
        parser.add_argument("--email", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        name, email, roles = options["name"], options["email"], options["role"]
        with in_words():
            people.create_person(name, read_password(), roles=roles, email=email, by=COMMAND_LINE)
        self.stderr.write(f"{options['name']} may sign in now, as {', '.join(options['role'])}.")
