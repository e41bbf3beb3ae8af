"""Submitting many at once: every row is checked, then all that are good are stored together, or none.

What comes of it is a batch. Each of its members is a submission like any other: its own approval, its own turn, its
own events.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from . import care, idempotency, importing, lifecycle, permissions, policies, submissions, targets, tasks
from .actors import Actor
from .care import Review
from .documents import LONGEST_TEXT, Reader
from .errors import Invalid, PolicyChanged, PortalError, Problem, TooLarge
from .idempotency import Call
from .importing import Table
from .models import Batch, Submission
from .policies import InForce
from .submissions import NOWHERE, Origin, Place
from .validators import LONGEST_REFERENCE, Request

MOST_ROWS = 1000
MOST_FILES = targets.MOST_FILES


@dataclass(frozen=True)
class Row:
    """One submission that is asked for: its number in the batch, and the request, not checked yet.

    ``lines`` are the lines of its files in a table.
    """

    number: int
    values: object
    lines: Sequence[int] | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True)
class Checked:
    """The rows that can be submitted, each with its request, and for the number of each other one what is wrong.

    ``policy`` is what they were checked by.
    """

    policy: InForce
    good: list[tuple[Row, Request]]
    bad: dict[int, Invalid]


def submit(values: object, *, by: Actor, call: Call | None = None) -> Batch:
    """Stores the submissions in ``values``, a parsed JSON document, as one batch.

    Unless it says ``"atomic": false``, one bad row keeps all of them out; with it, only when no row is good.
    Raises ``NotAllowed``, ``TooLarge``, ``Invalid`` with every problem of every row, or ``AuditUnavailable``; nothing
    is stored then.
    """
    permissions.require(permissions.submit(by), by=by, to="submit")
    reader = Reader()
    rows, is_atomic = _read(reader, values)
    checked = check(rows, by=by)
    problems = [*reader.problems, *_problems(checked)]
    if reader.problems or not checked.good or (is_atomic and checked.bad):
        raise Invalid(problems)
    refused = [refusal(number, error) for number, error in checked.bad.items()]
    return store(checked, refused, source=submissions.source_of(by), by=by, call=call)


def submit_table(text: str, parameters: Mapping[str, str], *, by: Actor, call: Call | None = None) -> Batch:
    """Stores one operation on the files of a table (``importing.read``) as one batch, or nothing.

    Raises what ``submit`` raises; the problems name the lines of the table.
    """
    permissions.require(permissions.submit(by), by=by, to="submit")
    table = importing.read(text, parameters, max_files=settings.KOODRIVE_MAX_FILES)
    return store(check_table(table, by=by), [], source=Submission.Source.IMPORT, by=by, call=call)


def submit_reviewed(table: Table, *, by: Actor, as_id: uuid.UUID, review: Review) -> Batch:
    """Stores the requests of a table as one batch, or nothing, after what a person did at their review.

    The same review again (``as_id``) gives the same batch. Raises what ``submit`` raises, ``NotReviewed``, or
    ``KeyReused`` when it was submitted with other content.
    """
    if first := Batch.objects.filter(pk=as_id, person=by.key).first():
        return first
    call = idempotency.call(str(as_id), "review", [part.body for part in table.parts], by=by)

    def make() -> Batch:
        checked = check_table(table, by=by)
        seen = care.require([request for _, request in checked.good], review, by=by, as_id=None)
        good = [
            (replace(row, origin=Origin(review=review, acknowledged=told)), request)
            for told, (row, request) in zip(seen, checked.good, strict=True)
        ]
        ready = replace(checked, good=good)
        return store(ready, [], source=Submission.Source.IMPORT, by=by, call=call, as_id=as_id)

    return idempotency.once(call, make, _get)[0]


def check_table(table: Table, *, by: Actor) -> Checked:
    """The requests of a table, each with the lines of its files; stores nothing.

    Raises ``NotAllowed``, ``TooLarge``, or ``Invalid`` with every problem, by the lines of the table.
    """
    permissions.require(permissions.submit(by), by=by, to="submit")
    _refuse_too_many(len(table.parts), 0)
    checked = check((Row(number, part.body) for number, part in enumerate(table.parts)), by=by)
    if problems := table.all_problems((number, error.problems) for number, error in checked.bad.items()):
        raise Invalid(problems)
    good = [
        (Row(part.lines[0], part.body, part.lines), request)
        for part, (_, request) in zip(table.parts, checked.good, strict=True)
    ]
    return replace(checked, good=good)


def check(rows: Iterable[Row], *, by: Actor) -> Checked:
    """Every row, against the policy and what the directory says of all their spaces; stores nothing.

    Raises ``NotAllowed`` for a request that they may not make.
    """
    now, bad = timezone.now(), {}
    well_formed: list[tuple[Row, Request]] = []
    for row in rows:
        try:
            well_formed.append((row, submissions.well_formed(row.values, now=now, by=by)))
        except Invalid as error:
            bad[row.number] = error
    policy, known = policies.current_for(
        space for _, request in well_formed for space in (request.source, request.target)
    )
    good: list[tuple[Row, Request]] = []
    for row, request in well_formed:
        try:
            good.append((row, submissions.checked(request, by=by, policy=policy, known=known)))
        except Invalid as error:
            bad[row.number] = error
    return Checked(policy, good, dict(sorted(bad.items())))


def store(
    checked: Checked,
    refused: Sequence[Mapping[str, Any]],
    *,
    source: str,
    by: Actor,
    retry_of: Batch | None = None,
    call: Call | None = None,
    as_id: uuid.UUID | None = None,
) -> Batch:
    """Stores the good ones of the rows with their events and keeps what was said of the refused ones, or nothing.

    ``as_id`` is the batch's id, if it was chosen before. Raises ``AuditUnavailable``, or ``PolicyChanged``.
    """
    try:
        return _store(checked, refused, source=source, by=by, retry_of=retry_of, call=call, as_id=as_id)
    except IntegrityError as error:
        if policies.has_changed(error):
            raise PolicyChanged from error
        raise


def _store(
    checked: Checked,
    refused: Sequence[Mapping[str, Any]],
    *,
    source: str,
    by: Actor,
    retry_of: Batch | None,
    call: Call | None,
    as_id: uuid.UUID | None,
) -> Batch:
    good = checked.good
    requests = [request for _, request in good]
    batch = _batch(requests, by)
    batch.pk = as_id or batch.pk
    batch.source, batch.refused, batch.retry_of = source, list(refused), retry_of
    # What was made at the same moment is listed by its id, the highest first: so the list keeps the order of the rows.
    ids = sorted((uuid.uuid4() for _ in good), reverse=True)
    with transaction.atomic():
        # In this order, as for a single one: who counts first never waits for a key that waits for the count.
        asked = policies.applies(requests, by=by, policy=checked.policy, counting=True)
        idempotency.claim(call, batch.pk)
        new = (
            submissions.draft(
                request,
                by=by,
                as_id=id_,
                applies=applies,
                origin=row.origin,
                place=Place(batch, row.number, row.lines),
            )
            for id_, applies, (row, request) in zip(ids, asked, good, strict=True)
        )
        batch.save(force_insert=True)
        stored = lifecycle.create(new, by=by)
        transaction.on_commit(lambda: tasks.nudge(stored[0]), robust=True)
    return batch


def refusal(number: int, error: PortalError, **more: Any) -> dict[str, Any]:
    """What an answer says of a row that was not taken, or could not be dealt with."""
    if isinstance(error, Invalid):
        return {"index": number, "status": 400, "errors": [each.as_json() for each in error.problems], **more}
    said = Problem("", error.code, error.detail)
    return {"index": number, "status": 409, "errors": [said.as_json()], **more}


def _read(reader: Reader, values: object) -> tuple[list[Row], bool]:
    """The rows with the document's own reason and reference where they have none, and whether it is all or nothing."""
    document = reader.mapping(values, "", {"submissions", "atomic", "reason", "reference"}) or {}
    found = reader.sequence(document, "submissions", "", required=isinstance(values, Mapping))
    _refuse_too_many(len(found), sum(map(_files, found)))
    is_atomic = document.get("atomic", True)
    if not isinstance(is_atomic, bool):
        reader.add("/atomic", "wrong_type", "Give true or false.")
    defaults = {
        "reason": reader.text(document, "reason", "", longest=LONGEST_TEXT),
        "reference": reader.text(document, "reference", "", nullable=True, longest=LONGEST_REFERENCE),
    }
    given = {name: value for name, value in defaults.items() if value is not None}
    return [Row(n, given | row if isinstance(row, dict) else row) for n, row in enumerate(found)], bool(is_atomic)


def _files(row: object) -> int:
    """How many files a row names, as far as it can be read."""
    info = row.get("taskInfo") if isinstance(row, dict) else None
    files = info.get("fileInfo") if isinstance(info, dict) else None
    return len(files) if isinstance(files, list) else 0


def _refuse_too_many(rows: int, files: int) -> None:
    if rows > MOST_ROWS or files > MOST_FILES:
        raise TooLarge


def _problems(checked: Checked) -> list[Problem]:
    return [
        Problem(f"/submissions/{number}{problem.pointer}", problem.code, problem.detail)
        for number, error in checked.bad.items()
        for problem in error.problems
    ]


def _batch(requests: Sequence[Request], by: Actor) -> Batch:
    return Batch(
        operation=_common(request.operation.name for request in requests),
        reason=_common(request.reason for request in requests),
        reference=_common(request.reference for request in requests),
        total=len(requests),
        **submissions.creator(by),
    )


def _get(pk: uuid.UUID) -> Batch:
    return Batch.objects.get(pk=pk)


def _common(values: Iterable[str | None]) -> str | None:
    """What all have in common, None where they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else None
