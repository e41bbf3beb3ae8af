"""``manage.py export_audit --out FILE.zip``: an archive of the trail that anybody can check offline."""

from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime

from ... import audit, packs
from ...actors import COMMAND_LINE
from ...audit import Action, export
from ...audit.search import Query
from ...errors import Invalid


class Command(BaseCommand):
    help = "Writes an archive of the audit trail with its seals and the offline verifier."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", type=Path, required=True, metavar="FILE.zip")
        parser.add_argument("--from", dest="since", type=_moment, metavar="T", help="RFC 3339; events from then on")
        parser.add_argument("--until", type=_moment, metavar="T", help="RFC 3339; events before then")
        parser.add_argument("--submission", type=UUID, metavar="ID", help="only the events of this submission")
        parser.add_argument("--query", metavar="LINE", help="only what this search finds, such as 'outcome:denied'")
        parser.add_argument("--evidence", action="store_true", help="add cover sheets, in English and in Chinese")

    def handle(self, *args: Any, **options: Any) -> None:
        query = _query(options)
        try:
            manifest = export.write(options["out"], query, sheets=packs.sheets if options["evidence"] else None)
        except OSError as error:
            raise CommandError(f"{options['out']} can't be written: {error.strerror}; give another --out.") from error
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        told = {name: manifest[name] for name in ("selection", "events", "withheld", "seals", "sealedUpToSeq")}
        audit.record(Action.TRAIL_EXPORTED, by=COMMAND_LINE, **told)
        shown = manifest["events"] - manifest["withheld"]
        self.stdout.write(f"{options['out']}: {shown} events, {manifest['seals']} seals.")
        for destination in manifest["anchorsMissing"]:
            self.stderr.write(f"The newest seal is not published yet at {destination}.")


def _query(options: dict[str, Any]) -> Query:
    filters = {"submission": (str(options["submission"]),)} if options["submission"] else {}
    query = Query(filters, options["since"], options["until"])
    if options["query"] is None:
        return query
    if not query.is_everything:
        raise CommandError("Give --query alone, not with --submission, --from or --until; a query can say the same.")
    try:
        return Query.read(options["query"])
    except Invalid as error:
        raise CommandError(" ".join(problem.detail for problem in error.problems)) from error


def _moment(text: str) -> datetime:
    moment = parse_datetime(text)
    if moment is None or moment.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} is no time; give one with its offset, such as 2027-03-01T00:00:00Z")
    return moment
