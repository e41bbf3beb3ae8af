"""``manage.py changepassword PERSON``: Django's command of this name would go past the audit trail."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ... import people
from ...actors import COMMAND_LINE
from ..terminal import in_words, read_password


class Command(BaseCommand):
    help = "Gives a person another password, which is read from standard input; ends all of their sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="a user name, or an id such as person:7")

    def handle(self, *args: Any, **options: Any) -> None:
        with in_words():
            person = people.find(options["person"])
            people.change_password(person, read_password(), by=COMMAND_LINE)
        self.stderr.write(f"{person.get_username()} has another password, and is signed out everywhere.")
