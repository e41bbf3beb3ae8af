"""``manage.py koodrive_sandbox``: the stand-in for KooDrive's jobs API, until it is stopped."""

import signal
import threading
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.env import is_loopback

from ...koodrive.sandbox import App, Sandbox


class Command(BaseCommand):
    help = (
        "Runs the stand-in for KooDrive's jobs API on this machine's loopback address; docs/sandbox.md tells the rest."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=_port, help="where to listen; unless given, the port of KOODRIVE_BASE_URL")
        parser.add_argument("--token", help="the bearer token to accept; unless given, KOODRIVE_TOKEN")
        parser.add_argument("--speed", type=float, default=1.0, help="how many times faster tasks run; 1 unless given")
        parser.add_argument(
            "--record", type=Path, metavar="FILE", help="append every call to FILE, a line of JSON each"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_DEMO:
            raise CommandError("The sandbox is not for production; unset PORTAL_ENV, or set it to demo.")
        port = _port_of_settings() if options["port"] is None else options["port"]
        token = settings.KOODRIVE_TOKEN if options["token"] is None else options["token"]
        try:
            sandbox = Sandbox(port=port, token=token, app=_app(), speed=options["speed"], record=options["record"])
            sandbox.start()
        except ValueError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            what = (
                f"The record {options['record']} can't be written" if error.filename else f"Port {port} can't be used"
            )
            raise CommandError(f"{what}: {error.strerror}; give another one.") from error
        ending = _ending()
        self.stdout.write(f"listening: {sandbox.url}")
        self.stdout.flush()
        ending.wait()
        sandbox.stop()
        sandbox.received.close()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise ArgumentTypeError("give a number from 0 (any free port) to 65535")
    return int(text)


def _port_of_settings() -> int:
    address = urlsplit(settings.KOODRIVE_BASE_URL)
    if address.scheme != "http" or not is_loopback(address.hostname):
        raise CommandError("KOODRIVE_BASE_URL names no port of this machine; give one with --port.")
    return address.port or 80


def _app() -> App | None:
    if not (settings.KOODRIVE_APP_ID and settings.KOODRIVE_APP_SECRET):
        return None
    return App(settings.KOODRIVE_APP_ID, settings.KOODRIVE_APP_SECRET)


def _ending() -> threading.Event:
    """Set as soon as SIGINT or SIGTERM comes."""
    event = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: event.set())
    return event
