"""The events of a trail to measure: any number of them, spread over a year, always the same ones.

Of eight events in a row six tell of submissions, each at another point of its life; two tell of people who sign in and
look. Twenty services do half of the work, 1,980 people the other half.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from jobs_app.actors import TRACKER, WORKER, Actor
from jobs_app.audit import Action
from tests.examples import FOLDER, file_id

SERVICES, PEOPLE, SPACES = 20, 1980, 40
EACH = 8  # events for each submission
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
READ_OUT = (
    *("action", "outcome", "actor", "submission", "status", "request", "batch", "task", "operation", "space", "source"),
    *("reference", "token", "ip"),
)
COLUMNS = ("seq", "at", "line", "txid", *READ_OUT)
_NULL = "\\N"
_OPERATIONS = ("copy", "copy", "copy", "move", "move", "trash", "extract", "package")
_DELAYS = (0, 1, 2, 10, 100, 30)  # how many submissions later each event of a submission comes
_ODD = 0x9E3779B97F4A7C15F39CC0605CEDC835  # spreads consecutive numbers over all bits


class Submission(NamedTuple):
    """One of the submissions that the events tell of, as it stands in its lines."""

    id: str
    by: str
    operation: str
    space: str
    source: str
    reference: str
    batch: str
    file: str
    task: str
    sha256: str
    about: str

    @property
    def has_failed(self) -> bool:
        return self.task.endswith("3")


def submission(number: int) -> Submission:
    """The submission with this number, from 0 on."""
    chance = _spread(number)
    id_, operation = _uuid(chance), _OPERATIONS[chance % 8]
    space, source = _space(chance >> 8), _space(chance >> 16) if number % 5 == 0 else _NULL
    reference = f"CHG-{number // 3}" if number % 2 else _NULL
    about = {"submission": id_, "operation": operation, "space": space, "sourceSpace": source, "reference": reference}
    told = json.dumps({name: value for name, value in about.items() if value != _NULL}, separators=(",", ":"))
    return Submission(
        id=id_,
        by=_actor(chance >> 24),
        operation=operation,
        space=space,
        source=source,
        reference=reference,
        batch=_uuid(_spread(number // 200 + 7)) if number % 4 == 0 else _NULL,
        file=file_id(number // 2),
        task=str(1309243162258300000 + number),
        sha256=_sha256(id_),
        about=told[1:-1],
    )


def names() -> Iterator[tuple[str, str, str, str]]:
    """Actor, salt, name and hash of everybody."""
    everybody = [*(f"service:{n}" for n in range(1, SERVICES + 1)), *(f"person:{n}" for n in range(1, PEOPLE + 1))]
    for actor in (*everybody, WORKER.id, TRACKER.id):
        yield actor, _salt(actor), f"name of {actor}", _name_hash(actor)


def at(number: int, count: int) -> datetime:
    """When the event with this number of so many happened."""
    return FIRST_DAY + YEAR * (number / count)


def rows(count: int) -> Iterator[str]:
    """So many events in the text format of COPY, with ``COLUMNS``."""
    known = lru_cache(1000)(submission)
    for number in range(count):
        turn, kind = divmod(number, EACH)
        about = turn - _DELAYS[kind] if kind < len(_DELAYS) else -1
        yield _row(number, at(number, count), _of(known(about), about, kind) if about >= 0 else _other(number))


class _Told(NamedTuple):
    """What an event says besides its number and time."""

    action: Action
    outcome: str
    actor: str
    auth: str
    channel: str
    ip: str = _NULL
    request: str = _NULL
    about: Submission | None = None
    status: str = _NULL
    more: str = ""


def _of(about: Submission, number: int, kind: int) -> _Told:
    """The event of this kind in the life of a submission."""
    person = (about.by, *_door(about.by, number), about)
    match kind:
        case 0:
            return _Told(Action.SUBMISSION_CREATED, "ok", *person, "queued", _created(about, number))
        case 1:
            more = f'"before":{{"status":"queued"}},"requestSha256":"{about.sha256}","credential":"3f2a9c81"'
            return _machine(WORKER, Action.SEND_INTENDED, about, "sending", more)
        case 2:
            more = f'"task":"{about.task}","before":{{"status":"sending"}},"answer":{{"code":0,"msg":"success"}}'
            return _machine(WORKER, Action.SEND_ACCEPTED, about, "accepted", more)
        case 3:
            return _machine(TRACKER, Action.TASK_STARTED, about, "running", f'"task":"{about.task}"')
        case 4:
            return _finished(about)
        case _:
            return _Told(Action.LINK_HANDED_OUT, "ok", *person)


def _other(number: int) -> _Told:
    """An event about no submission."""
    by = _actor(_spread(number) >> 24)
    actions = (Action.SESSION_STARTED, Action.TRAIL_QUERIED, Action.TOKEN_USED, Action.PERMISSION_DENIED)
    action = actions[number // 2 % 4]
    return _Told(action, "denied" if action is Action.PERMISSION_DENIED else "ok", by, *_door(by, number))


def _machine(by: Actor, action: Action, about: Submission, status: str, more: str) -> _Told:
    return _Told(action, "ok", by.id, by.auth, by.channel, about=about, status=status, more=more)


def _finished(about: Submission) -> _Told:
    state, outcome = ("failed", "failed") if about.has_failed else ("succeeded", "ok")
    more = f'"task":"{about.task}","files":[{{"fileId":"{about.file}","status":"{state}","resultCode":"0"}}]'
    return _machine(TRACKER, Action.TASK_FINISHED, about, state, more)._replace(outcome=outcome)


def _created(about: Submission, number: int) -> str:
    source = about.space if about.source == _NULL else about.source
    batch = "" if about.batch == _NULL else f'"batch":"{about.batch}",'
    return (
        f'{batch}"request":{{"taskType":1,"actionType":101,"taskInfo":{{"fileInfo":[{{"fileId":"{about.file}"}}],'
        f'"newFilePath":"{FOLDER}","srcContainerId":"{source}"}},"dstContainerId":"{about.space}"}},'
        f'"requestSha256":"{about.sha256}","labels":{{"{about.file}":"report {number}, \\"final\\" 报告.pdf"}},'
        f'"reason":"move of the archive, batch {number // 200}","approvalsNeeded":0'
    )


def _row(number: int, moment: datetime, told: _Told) -> str:
    about = told.about
    when = moment.isoformat(timespec="microseconds")
    seq = number + number // 100 + 1  # every hundredth transaction was rolled back
    ip = f'"ip":"{told.ip}","requestId":"{told.request}",' if told.ip != _NULL else ""
    after = f'"after":{{"status":"{told.status}"}}' if told.status != _NULL else ""
    event = ",".join(part for part in (about.about if about else "", after, told.more) if part)
    line = (
        f'{{"seq":{seq},"at":"{when[:26]}Z","db":"portal_app","event":{{'
        f'"action":"{told.action}","outcome":"{told.outcome}","actor":{_actor_json(told.actor)},'
        f'"auth":"{told.auth}","channel":"{told.channel}",{ip}{event}'
    ).removesuffix(",") + "}}"
    found = (about.id, told.status, told.request) if about else (_NULL, _NULL, told.request)
    is_created, has_task = told.action is Action.SUBMISSION_CREATED, '"task":' in told.more
    more = (about.batch if about and is_created else _NULL, about.task if about and has_task else _NULL)
    where = (about.operation, about.space, about.source, about.reference) if about else (_NULL,) * 4
    token = told.auth if told.auth.startswith("token:") else _NULL
    head = (str(seq), when, line.replace("\\", "\\\\"), "3", told.action, told.outcome, told.actor)
    return "\t".join((*head, *found, *more, *where, token, told.ip)) + "\n"


def _door(actor: str, number: int) -> tuple[str, str, str, str]:
    """How an actor was known, through which door, from which address and with which request."""
    kind, _, key = actor.partition(":")
    request = f"{_spread(number):032x}"
    address = f"10.{int(key) % 4}.{number % 50}.{int(key) % 250}"
    return (f"token:{key}", "api", address, request) if kind == "service" else ("session", "web", address, request)


@lru_cache(SERVICES + PEOPLE + 2)
def _actor_json(actor: str) -> str:
    return json.dumps({"kind": actor.partition(":")[0], "id": actor, "name": _name_hash(actor)}, separators=(",", ":"))


def _actor(chance: int) -> str:
    half, rest = chance & 1, (chance >> 1) & 0xFFFFFFFF
    return f"service:{1 + rest % SERVICES}" if half else f"person:{1 + rest % PEOPLE}"


def _space(chance: int) -> str:
    return f"IAADfsBFCO6WtAtuA{(chance & 0xFFFF) % SPACES:030d}"


def _spread(number: int) -> int:
    return (number + 1) * _ODD % 2**128


def _uuid(chance: int) -> str:
    digits = f"{chance:032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _salt(actor: str) -> str:
    return _sha256(f"salt of {actor}")


def _name_hash(actor: str) -> str:
    return _sha256(_salt(actor) + f"name of {actor}")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
