"""What people and services do with a batch: see how it stands, decide about it, cancel it, try the rest again."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max, Min, Q, Sum

from . import approvals, bulk, cancelling, care, permissions, states, submissions
from .actors import Actor
from .approvals import Decision
from .bulk import Row, refusal
from .errors import Invalid, PortalError, Problem, RequestDiffers, WrongState
from .idempotency import Call
from .models import Approval, Batch, Submission, User
from .operations import BY_NAME
from .states import State
from .submissions import Origin

MOST_RULES = 20  # different sets of rules of a batch's members that are shown


@dataclass(frozen=True)
class Consent:
    """One person's approval of every member that needs one; the comment only if it is the same everywhere."""

    by: User
    at: datetime
    comment: str


@dataclass(frozen=True)
class Standing:
    """How a batch stands. ``counts`` are its members by state, the files' those of all members together.

    ``sha256`` is the hash by which a decision names it. ``needed`` is how many approvals its members need, None where
    they differ, 0 where none needs one, and ``why`` the rules that ask for them; ``expires_at`` is when the first that
    still waits for one gives up.
    """

    counts: dict[str, int]
    files: dict[str, int]
    sha256: str
    needed: int | None
    why: list[str]
    given: list[Consent]
    expires_at: datetime | None

    @property
    def is_final(self) -> bool:
        return self.counts.keys() <= states.FINAL

    @property
    def can_be_retried(self) -> bool:
        return not permissions.RETRIED.isdisjoint(self.counts)

    @property
    def waiting(self) -> int:
        return self.counts.get(State.AWAITING_APPROVAL, 0)


def get(pk: UUID) -> Batch:
    return Batch.objects.select_related("person", "service").get(pk=pk)


def standing(batch: Batch) -> Standing:
    rows = batch.members.values("status").annotate(
        members=Count("pk"), total=Sum("files_total"), succeeded=Sum("files_succeeded"), failed=Sum("files_failed")
    )
    files = {name: sum(row[name] for row in rows) for name in ("total", "succeeded", "failed")}
    wanted = batch.members.aggregate(
        most=Max("approvals_needed"),
        least=Min("approvals_needed"),
        until=Min("approval_expires_at", filter=Q(status=State.AWAITING_APPROVAL)),
    )
    return Standing(
        counts={row["status"]: row["members"] for row in rows},
        files=files | {"pending": files["total"] - files["succeeded"] - files["failed"]},
        sha256=sha256(batch.members.values_list("request_sha256", flat=True)),
        needed=wanted["most"] if wanted["most"] == wanted["least"] else None,
        why=_why(batch),
        given=_given(batch),
        expires_at=wanted["until"],
    )


def sha256(hashes: Iterable[str]) -> str:
    """64 hexadecimal digits over the members' ``requestSha256``, sorted, with a line feed between two of them."""
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()


def approve(batch: Batch, *, by: Actor, request_sha256: str, comment: str = "") -> Batch:
    """Counts one approval for every member that waits for one, or for none of them.

    ``request_sha256`` is the batch's hash (``sha256``). Raises ``NotAllowed`` (also for one's own), ``RequestDiffers``
    or ``WrongState``.
    """
    return _decide(batch, Decision.APPROVED, by, request_sha256, comment)


def reject(batch: Batch, *, by: Actor, request_sha256: str, comment: str = "") -> Batch:
    """Ends every member that waits for approval. Raises what ``approve`` raises, and ``Invalid`` without a comment."""
    return _decide(batch, Decision.REJECTED, by, request_sha256, comment)


def cancel(batch: Batch, *, by: Actor) -> list[dict[str, Any]]:
    """Cancels every member that can be, as ``cancelling.cancel`` does; says for each what happened.

    Raises ``NotAllowed``, or ``WrongState`` when nothing of it can be cancelled.
    """
    permissions.require(permissions.change(by, batch), by=by, to="cancel", batch=str(batch.pk))
    with transaction.atomic():
        members = _locked(batch)
        refused = {row.pk: error for row in members if (error := permissions.cancel(by, row))}
        if len(refused) == len(members):
            raise WrongState("None of its submissions can be cancelled: they have ended, or must be settled first.")
        cancelling.stop([row for row in members if row.pk not in refused], by=by)
    now = dict(batch.members.values_list("pk", "status"))
    members.sort(key=lambda row: row.row or 0)
    return [_outcome(row, now[row.pk], refused.get(row.pk)) for row in members]


def retry(
    batch: Batch,
    *,
    reason: str,
    password: str | None,
    by: Actor,
    call: Call | None = None,
    phrase: str | None = None,
) -> Batch:
    """Submits, as a new batch, what is left of every member that ended without full success; see ``submissions.retry``.

    What was not taken of the others stands in the new batch's ``refused``. Raises ``NotAllowed``, ``Invalid``,
    ``AuditUnavailable``, or ``WrongState`` when no member can be submitted again.
    """
    permissions.require(permissions.change(by, batch), by=by, to="retry", batch=str(batch.pk))
    permissions.require(permissions.submit(by), by=by, to="submit")
    members = {row.row or 0: row for row in batch.members.order_by("row").prefetch_related("files")}
    _refuse_idle_password(password, members.values())
    rows: list[Row] = []
    errors: dict[int, PortalError] = {}
    for number, member in members.items():
        try:
            rows.append(_again(member, reason, password, by))
        except PortalError as error:
            errors[number] = error
    checked = bulk.check(rows, by=by)
    errors |= checked.bad
    if not checked.good:
        raise _whole(errors.values())
    if phrase is not None:
        care.require_phrase([request for _, request in checked.good], phrase)
    refused = [refusal(number, errors[number], submission=str(members[number].pk)) for number in sorted(errors)]
    # The numbers of its files stay those of the table.
    source = batch.source if batch.source == Submission.Source.IMPORT else submissions.source_of(by)
    return bulk.store(checked, refused, source=source, by=by, retry_of=batch, call=call)


def retry_phrase(batch: Batch, *, by: Actor) -> str:
    """What a person has to type before what is left of it is submitted again; empty when no deletion is among it."""
    gone = [name for name, operation in BY_NAME.items() if operation.irreversible]
    members = batch.members.filter(operation__in=gone).prefetch_related("files")
    again = [row for row in members if permissions.retry(by, row) is None]
    files = sum(len(submissions.left_of(row)) for row in again)
    return care.phrase(files, {row.source_space for row in again})


def _refuse_idle_password(password: str | None, members: Iterable[Submission]) -> None:
    """A password that no member takes was meant to do something."""
    if password and not any("password" in row.document for row in members):
        raise Invalid([Problem("/password", "not_taken", "Leave password out: no submission of this batch has one.")])


def _again(member: Submission, reason: str, password: str | None, by: Actor) -> Row:
    if refused := permissions.retry(by, member):
        raise refused
    own = password if "password" in member.document else None
    values = submissions.what_is_left(member, reason, own)
    lines = [file.row for file in submissions.left_of(member)]
    return Row(member.row or 0, values, lines, Origin(retry_of=member))


def _whole(errors: Iterable[PortalError]) -> PortalError:
    """The one error to answer with when no member can be submitted again: what can be mended, if anything can."""
    found = (error for error in errors if isinstance(error, Invalid))
    none = "None of its submissions can be submitted again: only what ended without full success, and was not rejected."
    return next(found, WrongState(none))


def _decide(batch: Batch, decision: Decision, by: Actor, request_sha256: str, comment: str) -> Batch:
    permissions.require(permissions.decide(by, batch), by=by, to="decide", batch=str(batch.pk), confirmed=True)
    said = approvals.comment_of(decision, comment)
    with transaction.atomic():
        members = _locked(batch)
        waiting = [row for row in members if approvals.is_open(row)]
        if not waiting:
            raise WrongState("None of its submissions waits for approval any more; load the batch again.")
        if request_sha256 != (own := sha256([row.request_sha256 for row in members])):
            raise RequestDiffers
        approvals.carry_out(waiting, decision, by=by, comment=said, batch_sha256=own)
    return get(batch.pk)


def _locked(batch: Batch) -> list[Submission]:
    """All members, in one order, so that two calls can't wait for each other."""
    return list(batch.members.select_for_update(of=("self",)).order_by("pk"))


def _outcome(row: Submission, status: str, refused: PortalError | None) -> dict[str, Any]:
    """What an answer says of a member that was to be cancelled."""
    if refused:
        return refusal(row.row or 0, refused, submission=str(row.pk), state=status)
    return {"index": row.row, "status": 200, "submission": str(row.pk), "state": status, "errors": []}


def _why(batch: Batch) -> list[str]:
    """The rules that ask for approvals of some member, each once."""
    ruled = batch.members.filter(approval_rules__isnull=False).order_by()
    found = ruled.values_list("approval_rules", flat=True).distinct()[:MOST_RULES]
    return list(dict.fromkeys(rule for rules in found for rule in rules or []))


def _given(batch: Batch) -> list[Consent]:
    needing = batch.members.filter(approvals_needed__gt=0).count()
    standing = Approval.objects.filter(submission__batch=batch, decision=Decision.APPROVED, superseded_at=None)
    given = standing.values("by").order_by()
    rows = given.annotate(members=Count("pk"), last=Max("at"), least=Min("comment"), most=Max("comment")).filter(
        members=needing
    )
    people = User.objects.in_bulk([row["by"] for row in rows])
    found = [
        Consent(people[row["by"]], row["last"], row["most"] if row["most"] == row["least"] else "") for row in rows
    ]
    return sorted(found, key=lambda each: each.at)
