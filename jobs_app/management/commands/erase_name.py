"""``manage.py erase_name PERSON --reason R``: the name behind an actor of the trail, gone for good."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ... import people
from ...actors import COMMAND_LINE
from ..terminal import in_words


class Command(BaseCommand):
    help = "Erases what names a person, in the trail and beside it, and ends their access; there is no way back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="a user name, or an id such as person:7")
        parser.add_argument("--reason", required=True, help="stands in the trail; must not hold the name")

    def handle(self, *args: Any, **options: Any) -> None:
        with in_words():
            person = people.find(options["person"])
            people.erase_name(person, reason=options["reason"], by=COMMAND_LINE)
        self.stderr.write(f"{person.ref} has no name any more. Archives and backups made before still hold it.")
