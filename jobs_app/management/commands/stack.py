"""``manage.py stack``: the whole portal in one terminal, for a demo and for development."""

import logging
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from jobs_app import demo as demo_people
from portal import demo, embedded, logs, stack

PATIENCE = 10.0  # seconds for a command that runs the database for itself to end


class Command(BaseCommand):
    help = (
        "Starts database, broker, KooDrive sandbox, web, worker, beat and sealer; a part whose address is set is used."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        pass

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_DEMO:
            raise CommandError("`stack` is for a demo; in production run web, worker and beat each by itself.")
        folder, host, port = settings.DATA_DIR, settings.PORTAL_HOST, settings.PORTAL_PORT
        one_stack = embedded.Lock(folder / "stack.lock")
        if not one_stack.take():
            raise CommandError(f"A stack runs on {folder} already; stop it, or set PORTAL_DATA_DIR to another folder.")
        if stack.is_taken(host, port):
            raise CommandError(f"Port {port} of {host} is taken; stop what listens there, or set PORTAL_PORT.")
        # Held for as long as this command lasts: it tells others that the database is run here.
        self._database = embedded.server_lock(folder)
        self._keep_own_events(folder / "log" / "stack.log")
        running = stack.Stack(folder, self._say)
        running.on_signals()
        try:
            self._start(running)
            running.watch()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        finally:
            running.stop()
        self._say("stopped")

    def _start(self, running: stack.Stack) -> None:
        folder, host, port = settings.DATA_DIR, settings.PORTAL_HOST, settings.PORTAL_PORT
        given = os.environ
        if not given.get("DATABASE_URL"):
            if not self._database.take(patience=PATIENCE):
                raise ImproperlyConfigured(f"Another command runs the database of {folder}; wait for its end.")
            running.serve("database", lambda: embedded.start_postgres(folder))
        if not given.get("REDIS_URL"):
            running.serve("broker", lambda: embedded.start_valkey(folder))
        self._say("migrations …")
        call_command("migrate", verbosity=0)
        is_new = demo_people.make_demo()
        sandbox_port = None if given.get("KOODRIVE_BASE_URL") else stack.sandbox_port(folder)
        parts = stack.parts(host, port, sandbox_port=sandbox_port, folder=folder, sealer_url=self._sealer_url())
        running.run(parts, self._environment())
        if running.wait_until_answering(f"http://{host}:{port}/"):
            self._introduce(is_new)
            self._say(f"ready: http://{host}:{port}/")

    def _keep_own_events(self, path: Path) -> None:
        """The people that it makes are events too: they go to a file, as those of the parts do."""
        path.parent.mkdir(parents=True, exist_ok=True)
        logging.getLogger(logs.EVENTS).handlers = [logging.FileHandler(path, mode="w", encoding="utf-8")]

    def _environment(self) -> dict[str, str]:
        """What the parts are given: the application's role only, never the owner's or the sealer's."""
        values = demo.load(settings.DATA_DIR)
        made = {
            "DATABASE_URL": values.database_url("app"),
            "REDIS_URL": values.redis_url,
            "KOODRIVE_BASE_URL": values.sandbox_url,
            "KOODRIVE_TOKEN": values.koodrive_token,
        }
        withheld = {"DATABASE_OWNER_URL", "DATABASE_SEALER_URL"}
        given = {name: value for name, value in os.environ.items() if value and name not in withheld}
        return made | given | {"PYTHONUNBUFFERED": "1"}

    def _sealer_url(self) -> str:
        """The sealer's own role; where the database is given, the one that is given for it, or the application's."""
        given = os.environ
        if given.get("DATABASE_URL"):
            return given.get("DATABASE_SEALER_URL") or given["DATABASE_URL"]
        return demo.load(settings.DATA_DIR).database_url("sealer")

    def _introduce(self, is_new: bool) -> None:
        if not is_new:
            self._say(f"the demo's password and token are in {settings.DATA_DIR / demo.FILE}")
            return
        self._say("sign in as operator, approver, auditor or administrator")
        self._say(f"  password of all four: {settings.DEMO_PASSWORD}")
        self._say(f"  token of {demo_people.SERVICE}: {settings.DEMO_TOKEN}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
