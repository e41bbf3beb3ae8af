"""Runs every measurement, or those named as arguments, and prints the table; ends with 1 when a floor is missed."""

import os
import sys
from datetime import UTC, datetime

from tests import servers  # First: it says where the servers of this run keep their data, before Django's settings ask.


def main(names: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    try:
        # With the database's own settings: what is committed is on the disk.
        with servers.Database(settings=()), servers.running_broker():
            return _measure(names)
    finally:
        servers.pytest_unconfigure()


def _measure(names: list[str]) -> int:
    from django.core.management import call_command

    from jobs_app.actors import Role
    from tests.bench import bulk, claims, creating, pages, reading, recording, sending, soak, submitting, trail
    from tests.bench.figures import table
    from tests.conftest import make_person

    call_command("migrate", verbosity=0)
    person = make_person("olga", Role.OPERATOR)
    known = {
        module.__name__.rpartition(".")[2]: module
        for module in (sending, claims, creating, reading, submitting, bulk, recording, trail, pages, soak)
    }
    figures = []
    for name in names or known:
        for figure in known[name].measure(person):
            print(f"{figure.name}: {figure.value:.2f} ({figure.told})", flush=True)
            figures.append(figure)
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"\n{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load}\n\n{table(figures)}")
    return 0 if all(figure.holds for figure in figures) else 1


sys.exit(main(sys.argv[1:]))
