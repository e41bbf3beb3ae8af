"""``manage.py verify_audit``: checks the live trail, or an archive. Exit code 0 whole, 1 broken, 2 could not check."""

import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from ...actors import COMMAND_LINE
from ...audit import anchors as published
from ...audit import keys, verifier, verify
from ...errors import AuditUnavailable


class Command(BaseCommand):
    help = "Checks that the audit trail is exactly what was sealed; names the first event or seal that is not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--archive", type=Path, metavar="FILE", help="check this archive; unless given, the trail")
        parser.add_argument(
            "--anchors", type=Path, metavar="FILE", help="published anchors: a line `number sha256` each"
        )

        parser.add_argument("--log", type=Path, metavar="FILE", help="the portal's log, to hold the events against")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            anchors, log = _anchors(options["anchors"]), _log(options["log"])
            if options["archive"]:
                report = verifier.check_archive(str(options["archive"]), keys.public(), anchors, log)
            else:
                report = verify.live(anchors, log=log, by=COMMAND_LINE)
        except verifier.Broken as error:
            self.stderr.write(f"broken: {error}")
            sys.exit(1)
        except (verifier.Unreadable, OSError, DatabaseError, AuditUnavailable, ImproperlyConfigured) as error:
            self.stderr.write(f"could not check: {error}")
            sys.exit(2)
        self.stdout.write(
            f"whole: {report.events} events, {report.seals} seals, sealed up to {report.last_sealed}; "
            f"{report.unsealed} not sealed yet; {report.anchored} seals agree with anchors"
            f"{'' if log is None else f'; {report.logged} events agree with the log'}."
        )


def _anchors(given: Path | None) -> dict[int, str] | None:
    """Those of the file, or else of one that the settings name, if there is any."""
    return verifier.read_anchors(given.read_text(encoding="utf-8").splitlines()) if given else published.known()


def _log(given: Path | None) -> dict[int, bytes] | None:
    if given is None:
        return None
    with given.open("rb") as lines:
        return verifier.read_log(lines)
