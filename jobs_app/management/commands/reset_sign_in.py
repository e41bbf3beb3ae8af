"""``manage.py reset_sign_in PERSON``: for the administrator who lost everything; the others do it in the portal."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ... import people
from ...actors import COMMAND_LINE
from ..terminal import in_words


class Command(BaseCommand):
    help = "Takes a person's password and second factors away, and prints a link to set a password by, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="a user name, or an id such as person:7")

    def handle(self, *args: Any, **options: Any) -> None:
        with in_words():
            person = people.find(options["person"])
            self.stdout.write(people.reset_sign_in(person, by=COMMAND_LINE))
        self.stderr.write(f"{person.get_username()} is signed out everywhere; the link works once, for a day.")
