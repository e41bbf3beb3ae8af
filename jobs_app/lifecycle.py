"""The only writer of ``status``: a guarded change together with its audit event, or nothing at all."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from . import audit, encryption, states
from .actors import Actor
from .audit import Action, Receipt
from .errors import WrongState
from .models import ArchivePassword, Submission, SubmissionFile
from .operations import Use
from .states import State

# States in which the portal may still have to send the request, and so needs the archive's password: a claim's holder
# may come back late, with the news that nothing was sent.
_MAY_BE_SENT = {State.AWAITING_APPROVAL, State.QUEUED, State.SENDING, State.UNKNOWN}


def create(
    submission: Submission, files: Sequence[SubmissionFile], password: str | None, *, by: Actor, **event: Any
) -> Receipt:
    """Stores a new submission with its files, its archive's password (encrypted) and its event, or nothing."""
    with transaction.atomic():
        submission.save(force_insert=True)
        SubmissionFile.objects.bulk_create(files)
        if password:
            ArchivePassword.objects.create(submission=submission, ciphertext=encryption.encrypt(password))
        after = {"status": submission.status}
        return audit.record(Action.SUBMISSION_CREATED, by=by, submission=submission.pk, after=after, **event)


def move(
    submission: Submission,
    to: State,
    *,
    by: Actor,
    action: Action,
    changes: Mapping[str, Any] | None = None,
    guard: Mapping[str, Any] | None = None,
    **event: Any,
) -> Receipt:
    """Takes the row from the state it was read in to ``to``, in one transaction with the event.

    ``changes`` are further columns to set, ``guard`` further conditions on the row as it stands in the database.
    Of several that try at the same time exactly one succeeds; raises ``WrongState`` for the others.
    """
    before = submission.state
    if not states.may_become(before, to):
        raise WrongState
    values: dict[str, Any] = {"status": to, "updated_at": Now(), **(changes or {})}
    if to in states.FINAL:
        values |= {"finished_at": Now(), "due_at": None}
    with transaction.atomic():
        _take(submission, before, values, guard)
        if to not in _MAY_BE_SENT and submission.kind.password is not Use.NO:
            ArchivePassword.objects.filter(submission=submission).delete()
        return audit.record(
            action, by=by, submission=submission.pk, before={"status": before}, after={"status": to}, **event
        )


def _take(submission: Submission, before: State, values: Mapping[str, Any], guard: Mapping[str, Any] | None) -> None:
    taken = Submission.objects.filter(pk=submission.pk, status=before, **(guard or {})).update(**values)
    if taken != 1:
        raise WrongState
    for name, value in values.items():
        if hasattr(value, "resolve_expression"):
            submission.__dict__.pop(name, None)  # The database worked it out; it is read when somebody asks.
        else:
            setattr(submission, name, value)
