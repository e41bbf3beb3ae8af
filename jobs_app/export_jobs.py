"""The worker's way with an export: take it for this worker alone, write it, keep it in parts until its time is over.

A row that is ``writing`` belongs to the worker that made the attempt whose number it shows. Who stood still for too
long loses it to the next attempt, and can't touch it any more.
"""

import logging
import tempfile
from collections.abc import Callable
from datetime import timedelta
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_noop as _
from psycopg.errors import DiskFull

from . import audit, mail, packs
from .actors import EXPORTER
from .audit import Action, export, table
from .audit.copying import digest_of
from .audit.search import Query
from .errors import AuditUnavailable, Invalid, UnreadableLine
from .export_watch import Interrupted, Watch
from .models import Export, ExportPart

log = logging.getLogger(__name__)

PART = 1 << 20  # bytes
LIFE = timedelta(days=7)
LOST = timedelta(seconds=60)  # a worker that was silent for so long is taken to be gone
MOST_ATTEMPTS = 3
_GAVE_UP = f"{MOST_ATTEMPTS} workers began to write it and ended before it was done; ask for a smaller part."
_BROKEN = "It could not be written; the administrators find the reason in the log of the workers."
_Status = Export.Status


def write_next(*, stop: Callable[[], bool]) -> bool:
    """Writes the export that has waited longest, to its end or until ``stop`` says so; False when none waits.

    Must not be called within a transaction. Nothing is left of what could not be finished.
    """
    job = _take()
    if job is None:
        return False
    try:
        with Watch(_mine(job), stop) as watch, tempfile.TemporaryFile(prefix="export-") as file:
            manifest = _write(job, file, watch)
            _keep(job, file, manifest, watch)
    except Interrupted as error:
        if error.is_wanted:
            _mine(job).update(status=_Status.WAITING, attempts=F("attempts") - 1)
    except Exception as error:
        _end_with(job, error)
    else:
        _tell(job)
    return True


def sweep() -> bool:
    """Takes exports from workers that are gone, and deletes those whose time is over; says whether any waits."""
    lost = Export.objects.filter(status=_Status.WRITING, touched_at__lt=Now() - LOST)
    spent = lost.filter(attempts__gte=MOST_ATTEMPTS)
    spent.update(status=_Status.FAILED, problem=_GAVE_UP, finished_at=Now())
    lost.update(status=_Status.WAITING)
    for over in Export.objects.filter(status=_Status.READY, expires_at__lte=Now()):
        with transaction.atomic():
            Export.objects.filter(pk=over.pk).update(status=_Status.DELETED)
            ExportPart.objects.filter(export=over).delete()
    return Export.objects.filter(status=_Status.WAITING).exists()


def _take() -> Export | None:
    """Of several workers exactly one gets each."""
    waiting = Export.objects.filter(status=_Status.WAITING)
    for pk in waiting.order_by("requested_at").values_list("pk", flat=True):
        claim = {"status": _Status.WRITING, "attempts": F("attempts") + 1, "touched_at": Now()}
        if waiting.filter(pk=pk).update(**claim, done=0, total=None):
            return Export.objects.select_related("requested_by").get(pk=pk)
    return None


def _mine(job: Export) -> "QuerySet[Export]":
    """The row, as long as it is this attempt's."""
    return Export.objects.filter(pk=job.pk, status=_Status.WRITING, attempts=job.attempts)


def _write(job: Export, file: IO[bytes], watch: Watch) -> dict[str, Any]:
    """Raises ``Invalid`` for a query or a time zone that can't be read any more."""
    query = Query.read(job.query)
    if job.kind == Export.Kind.CSV:
        return table.write_into(file, query, table.zone(job.zone), watch)
    sheets = packs.sheets if job.kind == Export.Kind.EVIDENCE else None
    return export.write_into(file, query, watch, sheets=sheets)


def _keep(job: Export, file: IO[bytes], manifest: dict[str, Any], watch: Watch) -> None:
    """Stores the file in parts, and with the last one that it is ready, and the event; or nothing of all this."""
    sha256, size = digest_of(file), file.tell()
    file.seek(0)
    with transaction.atomic():
        for number in range(-(-size // PART)):
            ExportPart.objects.create(export=job, number=number, content=file.read(PART))
            watch.wrote(0)
        events = manifest["events"]
        known = {"size": size, "sha256": sha256, "manifest": manifest, "done": events, "total": events}
        ends = {"finished_at": Now(), "expires_at": Now() + LIFE}
        if not _mine(job).update(status=_Status.READY, **known, **ends):
            raise Interrupted(is_wanted=False)
        audit.record(
            Action.TRAIL_EXPORTED,
            by=EXPORTER,
            export=str(job.pk),
            kind=job.kind,
            query=job.query,
            requestedBy=f"person:{job.requested_by_id}",
            events=events,
            withheld=manifest["withheld"],
            seals=manifest["seals"],
            sealedUpToSeq=manifest["sealedUpToSeq"],
            sha256=sha256,
            size=size,
        )


def _end_with(job: Export, error: Exception) -> None:
    """Ends an export that can't be written; what may be over soon is left to the sweep, which has it tried again."""
    if isinstance(error, Error | AuditUnavailable) and not isinstance(error.__cause__, DiskFull):
        log.exception("export %s can't be written now; it is tried again", job.pk)
        return
    log.error("export %s can't be written", job.pk, exc_info=error)
    _mine(job).update(status=_Status.FAILED, problem=_sentence(error), finished_at=Now())


def _sentence(error: Exception) -> str:
    if isinstance(error, Invalid):
        return " ".join(problem.detail for problem in error.problems)
    if isinstance(error, ImproperlyConfigured | UnreadableLine):
        return str(error)
    if isinstance(error, OSError):
        return f"The worker has no room for it ({error.strerror}); have the administrators make some, or ask for less."
    if isinstance(error.__cause__, DiskFull):
        return "The database has no room for it; have the administrators make some, or ask for less."
    return _BROKEN


def _tell(job: Export) -> None:
    """Tells who asked; the page tells it in any case."""
    text = _(f"The export of the audit trail that you asked for can be loaded: {settings.PORTAL_BASE_URL}/exports/\n")
    mail.tell(
        [job.requested_by.email] if job.requested_by.email else [], _("Your export of the audit trail is ready"), text
    )
