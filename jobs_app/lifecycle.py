"""The only writer of ``status``: a guarded change together with its audit event, or nothing at all."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Field
from django.db.models.functions import Now

from . import audit, encryption, inserting, meters, states
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
_NOW = "STATEMENT_TIMESTAMP()"
_NOWHERE = "none"  # where new ones come from
# What belongs to the row that another part of the statement has made.
_FILES = f"""
    INSERT INTO jobs_app_submissionfile (submission_id, row, file_id, file_path, label, status)
    SELECT id, (file->>0)::int, file->>1, file->>2, file->>3, '{SubmissionFile.Status.PENDING}'
    FROM made, jsonb_array_elements(%s) AS file
"""  # noqa: S608  (put together from constants only)
_SECRET = "INSERT INTO jobs_app_archivepassword (submission_id, ciphertext) SELECT id, %s FROM made"  # noqa: S105


@dataclass(frozen=True)
class Later:
    """The time ``by`` so much after now, by the database's clock: ``Now() + by`` at a fraction of its cost."""

    by: timedelta


@dataclass(frozen=True)
class New:
    """A submission that is to be stored, and what belongs to it; ``told`` are the further fields of its event."""

    submission: Submission
    files: Sequence[SubmissionFile]
    password: str | None
    told: Mapping[str, Any]


@dataclass(frozen=True)
class Move:
    """A change of state that is to be made, as ``move`` describes it; ``told`` are the further fields of its event."""

    submission: Submission
    to: State
    by: Actor
    action: Action
    changes: Mapping[str, Any] = field(default_factory=dict)
    guard: Mapping[str, Any] = field(default_factory=dict)
    condition: str = "TRUE"
    outcome: str = "ok"
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def forgets(self) -> bool:
        """Whether the archive's password is of no use afterwards."""
        return self.to not in _MAY_BE_SENT and self.submission.kind.password is not Use.NO


def create(new: Iterable[New], *, by: Actor) -> list[Submission]:
    """Stores submissions with their files, their archives' passwords (encrypted) and their events, or nothing."""
    stored: list[New] = []
    with transaction.atomic(savepoint=False):
        inserting.insert(Submission, _kept(new, stored))
        inserting.insert(SubmissionFile, (file for each in stored for file in each.files))
        _complete(stored, by)
        _count((_NOWHERE, each.submission.status) for each in stored)
    return [each.submission for each in stored]


def create_one(new: New, claim: str, parameters: Sequence[Any], *, by: Actor) -> bool:
    """The same for a single one in one statement, which is a transaction by itself outside of one.

    It is made only where the statement ``claim`` gives a row; says whether it was. Afterwards it has all that the
    database knows of it.
    """
    insertion, values = inserting.part(new.submission, where="EXISTS (SELECT FROM claimed)")
    files = [[file.row, file.file_id, file.file_path, file.label] for file in new.files]
    parts = f"claimed AS ({claim}), made AS ({insertion}), files AS ({_FILES})"
    given = [*parameters, *values, json.dumps(files, ensure_ascii=False)]
    if new.password:
        parts, given = f"{parts}, secret AS ({_SECRET})", [*given, _secret(new).ciphertext]
    made = audit.record_made(parts, given, _created(new, by))
    if made:
        inserting.fill_in(new.submission, made)
        _count([(_NOWHERE, new.submission.status)])
    return made is not None


def _kept(new: Iterable[New], stored: list[New]) -> Iterator[Submission]:
    """The submissions one by one, as they are made: the database takes the first while the last is still to come."""
    for each in new:
        stored.append(each)
        yield each.submission


def _complete(stored: Sequence[New], by: Actor) -> None:
    """Stores the passwords of the submissions' archives, and at last their events."""
    if secrets := [_secret(each) for each in stored if each.password]:
        inserting.insert(ArchivePassword, secrets)
    audit.record_all([_created(each, by) for each in stored])


def _secret(new: New) -> ArchivePassword:
    return ArchivePassword(submission=new.submission, ciphertext=encryption.encrypt(new.password or ""))


def _created(new: New, by: Actor) -> Entry:
    after = {"status": new.submission.status}
    return Entry(Action.SUBMISSION_CREATED, by, new.submission, details={"after": after, **new.told})


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
    return carry_out(Move(submission, to, by, action, changes or {}, guard or {}, condition, outcome, event))[0]


def carry_out(*moves: Move) -> list[Receipt]:
    """Carries them out in one transaction, each only if the one before it was; the receipts of those that were.

    Raises ``WrongState`` when the first one wasn't.
    """
    if not all(states.may_become(each.submission.state, each.to) for each in moves):
        raise WrongState
    values = [_values(each.to, each.changes) for each in moves]
    # Alone, the statement is a transaction by itself, which saves the round trips of one around it.
    with transaction.atomic() if any(each.forgets for each in moves) else nullcontext():
        receipts = audit.record_in_turn([_change(*both) for both in zip(moves, values, strict=True)])
        if not receipts:
            raise WrongState
        done = moves[: len(receipts)]
        if forgotten := [each.submission for each in done if each.forgets]:
            ArchivePassword.objects.filter(submission__in=forgotten).delete()
        _count((each.submission.status, each.to) for each in done)
    for each, changed in zip(done, values, strict=False):
        _remember(each.submission, changed)
    return receipts


def _change(move: Move, values: Mapping[str, Any]) -> audit.Change:
    before = move.submission.state
    statement, parameters = _update(move.submission, before, values, move.guard)
    told = {"before": {"status": before}, "after": {"status": move.to}, **move.told}
    entry = Entry(move.action, move.by, move.submission, move.outcome, told)
    return audit.Change(f"{statement} AND {move.condition}", parameters, entry)


def move_all(
    submissions: Sequence[Submission],
    to: State,
    *,
    by: Actor,
    action: Action,
    changes: Mapping[str, Any] | None = None,
    told: Callable[[Submission], Mapping[str, Any]] = lambda _: {},
) -> None:
    """Takes all of them from the states they were read in to ``to``, in the caller's transaction, with their events.

    ``told`` gives the further fields of each event. Raises ``WrongState`` when one can't go there or is elsewhere now.
    """
    values = _values(to, changes or {})
    for before in dict.fromkeys(each.state for each in submissions):
        those = [each.pk for each in submissions if each.state is before]
        rows = Submission.objects.filter(pk__in=those, status=before)
        if not states.may_become(before, to) or rows.update(**values) != len(those):
            raise WrongState
    if to not in _MAY_BE_SENT:
        ArchivePassword.objects.filter(submission__in=submissions).delete()
    if submissions:
        audit.record_all([_moved(each, to, by, action, told(each)) for each in submissions])
        _count((each.status, to) for each in submissions)


def _moved(submission: Submission, to: State, by: Actor, action: Action, told: Mapping[str, Any]) -> Entry:
    change = {"before": {"status": submission.state}, "after": {"status": to}}
    return Entry(action, by, submission, details=change | dict(told))


def _count(changes: Iterable[tuple[str, str]]) -> None:
    """Those of one transaction, by the states before and after, as soon as they are committed."""
    for (before, after), number in Counter(changes).items():
        counting = partial(meters.count, meters.CHANGES, str(before), str(after), by=number)
        transaction.on_commit(counting, robust=True)


def _values(to: State, changes: Mapping[str, Any]) -> dict[str, Any]:
    end = {"finished_at": Now(), "due_at": None} if to in states.FINAL else {}
    return {"status": to, "updated_at": Now(), **changes, **end}


def _update(
    submission: Submission, before: State, values: Mapping[str, Any], guard: Mapping[str, Any]
) -> tuple[str, list[Any]]:
    """The guarded change: a statement and its parameters.

    Put together here because every sending does it twice, and Django composes it longer than PostgreSQL carries it out.
    """
    wanted = {"id": submission.pk, "status": before, **guard}
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
        expression, given = _expression(field, value)
        terms.append(f'"{field.column}" = {expression}')
        parameters += given
    return terms, parameters


def _expression(field: "Field[Any, Any]", value: Any) -> tuple[str, Sequence[Any]]:
    if isinstance(value, Now):
        return _NOW, []
    if isinstance(value, Later):
        return f"{_NOW} + %s", [value.by]
    if not hasattr(value, "resolve_expression"):
        return "%s", [field.get_db_prep_save(value, connection)]
    query = Submission.objects.all().query
    resolved = value.resolve_expression(query, allow_joins=False, for_save=True)
    expression, parameters = query.get_compiler(connection=connection).compile(resolved)
    return expression, parameters


def _remember(submission: Submission, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, Later) or hasattr(value, "resolve_expression"):
            submission.__dict__.pop(name, None)  # The database worked it out; it is read when somebody asks.
        else:
            setattr(submission, name, value)
