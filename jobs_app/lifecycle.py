"""The only writer of ``status``: a guarded change together with its audit event, or nothing at all."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from django.db import connection, transaction
from django.db.models import Field
from django.db.models.functions import Now

from . import audit, encryption, states
from .actors import Actor
from .audit import Action, Entry, Receipt
from .errors import WrongState
from .models import ArchivePassword, Submission, SubmissionFile
from .operations import Use
from .states import State

# States in which the portal may still have to send the request, and so needs the archive's password: a claim's holder
# may come back late, with the news that nothing was sent.
_MAY_BE_SENT = {State.AWAITING_APPROVAL, State.QUEUED, State.SENDING, State.UNKNOWN}
_TABLE = f'"{Submission._meta.db_table}"'
_NOW = ("STATEMENT_TIMESTAMP()", ())


def create(
    submission: Submission, files: Sequence[SubmissionFile], password: str | None, *, by: Actor, **event: Any
) -> Receipt:
    """Stores a new submission with its files, its archive's password (encrypted) and its event, or nothing."""
    with transaction.atomic(savepoint=False):
        submission.save(force_insert=True)
        SubmissionFile.objects.bulk_create(files)
        if password:
            ArchivePassword.objects.create(submission=submission, ciphertext=encryption.encrypt(password))
        after = {"status": submission.status}
        return audit.record(Action.SUBMISSION_CREATED, by=by, submission=submission, after=after, **event)


def move(
    submission: Submission,
    to: State,
    *,
    by: Actor,
    action: Action,
    changes: Mapping[str, Any] | None = None,
    guard: Mapping[str, Any] | None = None,
    condition: str = "TRUE",
    outcome: str = "ok",
    **event: Any,
) -> Receipt:
    """Takes the row from the state it was read in to ``to``, in one transaction with the event.

    ``changes`` are further columns to set; ``guard``, and ``condition`` in SQL, what else must be true of the row as it
    stands in the database.
    Of several that try at the same time exactly one succeeds; raises ``WrongState`` for the others.
    """
    before = submission.state
    if not states.may_become(before, to):
        raise WrongState
    values: dict[str, Any] = {"status": to, "updated_at": Now(), **(changes or {})}
    if to in states.FINAL:
        values |= {"finished_at": Now(), "due_at": None}
    entry = Entry(action, by, submission, outcome, {"before": {"status": before}, "after": {"status": to}, **event})
    forgets = to not in _MAY_BE_SENT and submission.kind.password is not Use.NO
    # Alone, the statement is a transaction by itself, which saves the round trips of one around it.
    with transaction.atomic() if forgets else nullcontext():
        statement, parameters = _update(submission, before, values, guard)
        receipt = audit.record_with(f"{statement} AND {condition}", parameters, entry)
        if receipt is None:
            raise WrongState
        if forgets:
            ArchivePassword.objects.filter(submission=submission).delete()
    _remember(submission, values)
    return receipt


def _update(
    submission: Submission, before: State, values: Mapping[str, Any], guard: Mapping[str, Any] | None
) -> tuple[str, list[Any]]:
    """The guarded change: a statement and its parameters.

    Put together here because every sending does it twice, and Django composes it longer than PostgreSQL carries it out.
    """
    wanted = {"id": submission.pk, "status": before, **(guard or {})}
    plain = {name: value for name, value in wanted.items() if "__" not in name}
    changed, parameters = _terms(values)
    held, more = _terms(plain)
    statement = f"UPDATE {_TABLE} SET {', '.join(changed)} WHERE {' AND '.join(held)}"  # noqa: S608  (names of columns)
    if odd := {name: value for name, value in wanted.items() if name not in plain}:
        query = Submission.objects.filter(**odd).query
        condition, rest = query.get_compiler(connection=connection).compile(query.where)
        return f"{statement} AND {condition}", [*parameters, *more, *rest]
    return statement, [*parameters, *more]


def _terms(values: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    """``column = value`` for each, and the parameters of all."""
    terms: list[str] = []
    parameters: list[Any] = []
    for name, value in values.items():
        field = Submission._meta.get_field(name)
        assert isinstance(field, Field)
        expression, given = _NOW if isinstance(value, Now) else _expression(field, value)
        terms.append(f'"{field.column}" = {expression}')
        parameters += given
    return terms, parameters


def _expression(field: "Field[Any, Any]", value: Any) -> tuple[str, Sequence[Any]]:
    if not hasattr(value, "resolve_expression"):
        return "%s", [field.get_db_prep_save(value, connection)]
    query = Submission.objects.all().query
    resolved = value.resolve_expression(query, allow_joins=False, for_save=True)
    expression, parameters = query.get_compiler(connection=connection).compile(resolved)
    return expression, parameters


def _remember(submission: Submission, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if hasattr(value, "resolve_expression"):
            submission.__dict__.pop(name, None)  # The database worked it out; it is read when somebody asks.
        else:
            setattr(submission, name, value)
