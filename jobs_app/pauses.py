"""What holds back sending: a machine's pause ends by itself, a person's when an administrator says so.

A machine pauses everything; a person may pause one operation or one space only. Several pauses may stand at the same
time; a submission is sent when none is left that covers it, and its spaces don't forbid it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, transaction
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils.translation import gettext_noop as _

from . import audit, clocks, permissions, pulse, spaces, statements, validators
from .actors import Actor
from .audit import Action
from .documents import Reader
from .errors import Invalid, WrongState
from .models import Pause, Submission, User
from .models.dispatch import PAUSED
from .models.submissions import WITHHELD
from .operations import BY_NAME
from .states import State

HOW_IT_ENDS: dict[str, str] = {
    Pause.Cause.PERSON: _("An administrator ends it, on the health page."),
    Pause.Cause.CREDENTIALS: _(
        "It ends by itself once KooDrive accepts a call; an administrator may have to set another token."
    ),
    Pause.Cause.ADDRESS: _("It ends by itself once KooDrive's jobs API answers at its address."),
    Pause.Cause.UNREACHABLE: _("It ends by itself once KooDrive answers again."),
}

HELD = f"({PAUSED} OR {spaces.FORBIDDEN})"
# The first part says nothing new, but is asked once for all rows.
FREE = f"""NOT EXISTS (SELECT FROM jobs_app_pause WHERE operation = '' AND space = '')
    AND NOT {PAUSED} AND NOT {spaces.FORBIDDEN}"""  # noqa: S608  (put together from constants only)
AT_ONCE = 10_000  # rows that are set aside, or taken back, at a time
_COLUMNS = ("id", "cause", "operation", "space", "since", "detail", "by_id")
_PERSON = ("id", "username")
# What ``in_rows`` reads: put together here because every page and every answer does it.
NAMES = (*(f"pause.{column}" for column in _COLUMNS), *(f"person.{column}" for column in _PERSON))
STANDING = "jobs_app_pause AS pause LEFT JOIN jobs_app_user AS person ON person.id = pause.by_id"
_ALL = f"SELECT {', '.join(NAMES)} FROM {STANDING}"  # noqa: S608  (names of columns)
_SET_ASIDE = f"""UPDATE jobs_app_submission SET due_at = NULL WHERE status = 'queued' AND id IN (
    SELECT id FROM jobs_app_submission WHERE status = 'queued' AND due_at <= now() AND {HELD}
    LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED)"""  # noqa: S608  (put together from constants only)
_TAKE_BACK = f"""UPDATE jobs_app_submission SET due_at = GREATEST(not_before, created_at) WHERE status = 'queued'
    AND id IN (SELECT id FROM jobs_app_submission
        WHERE status = 'queued' AND due_at IS NULL AND hold <> '{WITHHELD}' AND NOT {HELD}
        ORDER BY created_at LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED)"""  # noqa: S608  (put together from constants only)


def current() -> Pause | None:
    """The pause of everything to show where there is room for one: a person's before any machine's, then the oldest."""
    return next((pause for pause in all_current() if pause.is_of_everything), None)


def all_current() -> list[Pause]:
    """Every pause that stands, the one to show first at the beginning."""
    return in_rows(statements.rows(_ALL))


def in_rows(rows: Iterable[Sequence[Any]]) -> list[Pause]:
    """The pauses in rows of ``NAMES``, in the same order."""
    return sorted(map(_pause, rows), key=_persons_first)


def _pause(row: Sequence[Any]) -> Pause:
    pause = Pause.from_db(DEFAULT_DB_ALIAS, _COLUMNS, row[: len(_COLUMNS)])
    if pause.by_id:
        pause.by = User.from_db(DEFAULT_DB_ALIAS, _PERSON, row[len(_COLUMNS) :])
    return pause


def _persons_first(pause: Pause) -> tuple[bool, str, str, datetime]:
    return pause.cause != Pause.Cause.PERSON, pause.operation, pause.space, pause.since


def holding(submission: Submission) -> Pause | None:
    """The first pause that covers the submission."""
    return next((pause for pause in all_current() if pause.covers(submission)), None)


def is_held() -> RawSQL:
    """For ``filter`` and ``exclude``: whether a submission is held back, by a pause or by what its spaces forbid."""
    return RawSQL(HELD, (), output_field=BooleanField())  # noqa: S611  (put together from constants only)


def set_aside() -> None:
    """Takes what is due and held back out of the queue's way: nobody looks at it until it is taken back.

    Only ``due_at`` is emptied; the state stays, so it can be cancelled and expires as before.
    """
    _run(_SET_ASIDE)


def take_back() -> None:
    """Puts what was set aside and isn't held back any more into the queue again, where it stood."""
    _run(_TAKE_BACK)


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def begin(cause: Pause.Cause, detail: str, *, by: Actor) -> None:
    """Pauses all sending for this cause, unless it is paused for it already."""
    _begin(Pause(cause=cause, detail=detail), by=by, detail=detail)


def end(*, by: Actor) -> None:
    """Ends what a harmless call that has just worked disproves: every pause but a person's."""
    with transaction.atomic():
        ended = list(Pause.objects.select_for_update().exclude(cause=Pause.Cause.PERSON))
        if ended:
            _end(ended, by=by)


def stop(reason: str, *, by: Actor, operation: str = "", space: str = "") -> None:
    """Pauses what is named, or all sending, until an administrator resumes it; what is under way goes on.

    Raises ``NotAllowed``, ``Invalid``, or ``WrongState`` when a person has paused exactly that already.
    """
    permissions.require(permissions.pause(by), by=by, to="pause sending")
    reader = Reader()
    said = validators.collect_reason(reader, reason)
    if operation and operation not in BY_NAME:
        reader.add("/operation", "unknown_value", f"Choose one of {', '.join(BY_NAME)}, or none for every operation.")
    if space:
        reader.text({"space": space}, "space", "")
    if reader.problems:
        raise Invalid(reader.problems)
    pause = Pause(cause=Pause.Cause.PERSON, detail=said, by_id=by.key, operation=operation, space=space)
    if not _begin(pause, by=by, reason=said):
        raise WrongState("It is paused by a person already, so nothing has changed; see who and why.")


def resume(*, by: Actor, reason: str, operation: str = "", space: str = "") -> None:
    """Ends a person's pause of exactly that; other pauses stay until they are ended or gone.

    Raises ``NotAllowed``, ``Invalid`` without a reason, or ``WrongState`` when no person has paused it.
    """
    permissions.require(permissions.resume(by), by=by, to="resume sending", confirmed=True)
    said = validators.reason(reason)
    with transaction.atomic():
        persons = Pause.objects.select_for_update().filter(cause=Pause.Cause.PERSON)
        ended = list(persons.filter(operation=operation, space=space))
        if not ended:
            raise WrongState("No person has paused this, so there is nothing to resume; load the page again.")
        _end(ended, by=by, reason=said)


def _begin(pause: Pause, *, by: Actor, **told: Any) -> bool:
    """Stores the pause with its event; False when it stands already."""
    if Pause.objects.filter(cause=pause.cause, operation=pause.operation, space=pause.space).exists():
        return False
    try:
        with transaction.atomic():
            pause.save(force_insert=True)
            audit.record(Action.DISPATCH_PAUSED, by=by, cause=pause.cause, **_scope(pause), **told)
    except IntegrityError:
        return False  # Somebody else saw, or wanted, the same at the same time.
    return True


def _end(ended: Sequence[Pause], *, by: Actor, **told: Any) -> None:
    """Removes the pauses with the event; what was held back for them is due at once, and its clocks go on."""
    causes, keys = [pause.cause for pause in ended], [pause.pk for pause in ended]
    clocks.go_on(keys)
    Pause.objects.filter(pk__in=keys).delete()
    Submission.objects.filter(status=State.QUEUED, hold__in=causes).update(due_at=Now())
    take_back()
    pulse.beat("resumed")
    audit.record(Action.DISPATCH_RESUMED, by=by, causes=causes, **_scope(ended[0]), **told)


def _scope(pause: Pause) -> dict[str, Any]:
    return {"operation": pause.operation or None, "space": pause.space or None}
