"""``manage.py doctor``: checks every part and says what to mend."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from ... import checks, connection, health, probing
from ...health import Sign


class Command(BaseCommand):
    help = "Checks every part and says what to mend; exit code 1 when there is something."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--koodrive", action="store_true", help="also asks KooDrive, by harmless reads alone")

    def handle(self, *args: Any, **options: Any) -> None:
        signs = [*health.look(), _mail(), _role()]
        if options["koodrive"]:
            signs += _koodrive()
        for sign in signs:
            self.stdout.write(f"{'✕' if sign.trouble else '✓'} {sign.name}: {sign.value}")
            if sign.trouble:
                self.stdout.write(f"    {sign.trouble}")
        if troubles := sum(bool(sign.trouble) for sign in signs):
            raise CommandError(f"Parts that need something: {troubles} of {len(signs)}; each says what.")
        self.stderr.write("All is well.")


def _mail() -> Sign:
    if not settings.HAS_MAIL:
        trouble = "Nobody hears of proposals, of ends and of pauses by mail; set PORTAL_MAIL_URL."
        return Sign("Mail", "not set", trouble)
    try:
        with get_connection():
            return Sign("Mail", "can be sent")
    except (OSError, ValueError) as error:
        return Sign("Mail", type(error).__name__, f"The mail server can't be used: {error}. See PORTAL_MAIL_URL.")


def _role() -> Sign:
    """What a production's start would refuse."""
    try:
        checks.refuse_a_careless_start()
    except ImproperlyConfigured as error:
        return Sign("Production", "would not start", str(error))
    except DatabaseError:
        return Sign("Production", "can't be told without the database")
    return Sign("Production", "a demo, nothing to ask" if settings.IS_DEMO else "may start")


def _koodrive() -> list[Sign]:
    try:
        return probing.probe(connection.client(fresh=True))
    except (ImproperlyConfigured, DatabaseError) as error:
        return [Sign("KooDrive", "was not asked", str(error))]
