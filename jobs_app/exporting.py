"""Exports that a worker writes: what auditors take out of the trail, and what people take out of the list."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from . import audit, list_table, permissions, tasks
from .actors import Actor
from .audit import Action, Entry, table
from .audit.search import Query
from .documents import LONGEST_TEXT
from .errors import Gone, Invalid, NotFound, Problem, TooManyOpen, WrongState
from .export_jobs import PART
from .models import Export, ExportPart, Submission, User

MOST_OPEN = 3  # of one person's
OPEN = (Export.Status.WAITING, Export.Status.WRITING)
OF_THE_TRAIL = tuple(kind for kind in Export.Kind.values if kind != Export.Kind.LIST)
_GONE = "This export was deleted when its time was over; ask for it again."


def request(kind: str, query: str, zone: str = "UTC", *, by: Actor) -> Export:
    """Has the workers write what the query finds; ``zone`` is that of a table's second column of times.

    Raises ``NotAllowed``, ``Invalid``, ``TooManyOpen`` or ``AuditUnavailable``; nothing is stored then.
    """
    permissions.require(permissions.export(by), by=by, to="export")
    if kind not in OF_THE_TRAIL:
        raise Invalid([Problem("/kind", "invalid", f"Choose one of {', '.join(OF_THE_TRAIL)}.")])
    wanted, told = read(query), table.zone(zone.strip() or "UTC").key
    return _store(kind, "" if wanted.is_everything else wanted.line, told, by)


def request_list(query: str, *, by: Actor) -> Export:
    """Has the workers write what these filters of the list find, for this person alone.

    Raises what ``request`` raises.
    """
    permissions.require(permissions.read_submissions(by), by=by, to="export the list")
    if len(query) > LONGEST_TEXT:
        raise Invalid([Problem("/query", "too_long", f"Give filters of at most {LONGEST_TEXT} characters.")])
    list_table.found(query, by=by)
    return _store(Export.Kind.LIST, query, "UTC", by)


def _store(kind: str, query: str, zone: str, by: Actor) -> Export:
    with transaction.atomic():
        # One after the other, so that nobody gets past the limit by asking twice at once.
        User.objects.select_for_update().get(pk=by.key)
        if Export.objects.filter(requested_by=by.key, status__in=OPEN).count() >= MOST_OPEN:
            raise TooManyOpen
        made = Export.objects.create(kind=kind, query=query, zone=zone, requested_by_id=by.key)
        _tell(Action.EXPORT_REQUESTED, made, by)
        transaction.on_commit(tasks.nudge_exports, robust=True)
    return made


def read(line: str) -> Query:
    """The query of an export; raises ``Invalid``."""
    if len(line) > LONGEST_TEXT:
        raise Invalid([Problem("/query", "too_long", f"Give a query of at most {LONGEST_TEXT} characters.")])
    return Query.read(line)


def hand_out(export_id: UUID, *, by: Actor) -> tuple[Export, Iterator[bytes]]:
    """The export and what is in it, part by part, once the trail says who got it.

    Raises ``NotAllowed``, ``NotFound``, ``WrongState`` until it is ready, ``Gone`` when its time is over, or
    ``AuditUnavailable``.
    """
    found = Export.objects.filter(pk=export_id).first()
    if found and found.kind == Export.Kind.LIST:
        if found.requested_by_id != by.key:
            raise NotFound
        permissions.require(permissions.read_submissions(by), by=by, to="export the list")
    else:
        permissions.require(permissions.export(by), by=by, to="export")
    if found is None:
        raise NotFound
    if found.expires_at and found.expires_at <= timezone.now():
        raise Gone(_GONE)
    if found.status != Export.Status.READY:
        raise WrongState("This export isn't ready; the list of exports tells how far it is, or why it failed.")
    with transaction.atomic():
        _tell(Action.EXPORT_HANDED_OUT, found, by, sha256=found.sha256, size=found.size)
    return found, _parts(found)


def _parts(export: Export) -> Iterator[bytes]:
    """One at a time; raises ``Gone`` when it is deleted meanwhile."""
    for number in range(-(-(export.size or 0) // PART)):
        part = ExportPart.objects.filter(export=export, number=number).first()
        if part is None:
            raise Gone(_GONE)
        yield bytes(part.content)


def _tell(action: Action, export: Export, by: Actor, **more: Any) -> None:
    """One that is about a single submission stands among that submission's events."""
    told = {"export": str(export.pk), "kind": export.kind, "query": export.query, **more}
    audit.record_all(
        [Entry(action, by, None if export.kind == Export.Kind.LIST else _about(export.query), details=told)]
    )


def _about(line: str) -> Submission | None:
    """The one submission that is wanted of the trail, if it is one."""
    try:
        wanted = Query.read(line).single_submission
    except Invalid:
        return None  # What can be asked for has changed since; what was written then can be loaded all the same.
    return Submission.objects.filter(pk=wanted).first() if wanted else None
