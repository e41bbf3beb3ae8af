"""Faults that a test scripts: what goes wrong with which calls, before or after KooDrive has done its part."""

import math
import random
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from . import messages
from .connection import Ending, Outcome, Reply, Wait
from .http import HTML, Answer, as_json, encode

OVERSIZE = 2 * 1024 * 1024
GARBAGE = b"<html><body>\xff\xfe It works! </body></html>"


class Call(StrEnum):
    CREATE = "create"
    LIST = "list"
    DETAIL = "detail"
    CANCEL = "cancel"
    ANY = "any"


class When(StrEnum):
    """Before: the call is never carried out. After: it is carried out, and its answer suffers."""

    BEFORE = "before"
    AFTER = "after"


class Kind(StrEnum):
    LATENCY = "latency"  # nothing happens for `seconds`
    RESET = "reset"  # the connection is reset
    CLOSE = "close"  # the connection is closed without an answer
    HANG = "hang"  # no answer ever comes; the connection stays open
    STATUS = "status"  # the HTTP status `status`, with `retry_after` and `body` if given
    CODE = "code"  # KooDrive's business code `code`, with the HTTP status `status` (400 unless given)
    GARBAGE = "garbage"  # 200 and a body that is no JSON
    NO_DATA = "no_data"  # 200 and code 0, but no data
    TRUNCATED = "truncated"  # half of the body, then the end of the connection
    OVERSIZED = "oversized"  # the answer, with 2 MB of white space behind it
    DRIP = "drip"  # the answer, a byte every `seconds` (0.2 unless given)
    REDIRECT = "redirect"  # 307 to `location` (the same call again unless given)


_SPOILS_THE_ANSWER = {Kind.GARBAGE, Kind.NO_DATA, Kind.TRUNCATED, Kind.OVERSIZED, Kind.DRIP}


@dataclass(frozen=True)
class Fault:
    """Strikes the next ``times`` calls that match (for ever when None), each with ``probability``.

    Raises ValueError, with a sentence, when the parts don't make a fault.
    """

    kind: Kind
    call: Call = Call.CREATE
    when: When | None = None  # unless given: after for what spoils the answer, before for all others
    times: int | None = 1
    probability: float = 1.0
    seed: int = 0
    file_id: str = ""  # only create calls that name this file
    seconds: float = 0.0
    status: int = 0
    code: int = 0
    retry_after: int | str | None = None
    body: str = ""
    location: str = ""

    def __post_init__(self) -> None:
        default = When.AFTER if self.kind in _SPOILS_THE_ANSWER else When.BEFORE
        try:
            for name, value in (
                ("kind", Kind(self.kind)),
                ("call", Call(self.call)),
                ("when", When(self.when or default)),
            ):
                object.__setattr__(self, name, value)
        except ValueError as error:
            raise ValueError(f"{error}; see the table of faults in docs/sandbox.md.") from error
        self._check()

    def _check(self) -> None:
        if any(type(number) is not int for number in (self.seed, self.status, self.code, self.times or 0)):
            raise ValueError("Give times, seed, status and code as whole numbers.")
        if any(not text.isprintable() for text in (str(self.retry_after), self.location)):
            raise ValueError("Give retry_after and location on one line.")
        if self.times is not None and self.times < 1:
            raise ValueError("Give times as at least 1, or null for ever.")
        if not 0 <= self.probability <= 1:
            raise ValueError("Give probability as a number between 0 and 1.")
        if not 0 <= self.seconds < math.inf:
            raise ValueError("Give seconds as a number, at least 0.")
        if self.kind is Kind.STATUS and not 200 <= self.status <= 599:
            raise ValueError("Give the HTTP status, 200 to 599, as status.")
        if self.kind is Kind.CODE and not self.code:
            raise ValueError("Give the business code as code.")
        if self.when is When.BEFORE and self.kind in _SPOILS_THE_ANSWER:
            raise ValueError(f"A {self.kind} fault can only be after.")


def from_document(document: Any) -> Fault:
    """The fault that a control call describes. Raises ValueError with a sentence."""
    if not isinstance(document, dict):
        raise ValueError("Describe a fault as a JSON object.")
    known = {field.name for field in fields(Fault)}
    if unknown := set(document) - known:
        raise ValueError(f"A fault has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}.")
    try:
        return Fault(**document)
    except TypeError as error:
        raise ValueError("Give the parts of a fault with the types of docs/sandbox.md.") from error


class _Armed:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = math.inf if fault.times is None else fault.times
        self._random = random.Random(fault.seed)

    def strikes(self, call: str, file_ids: Collection[str]) -> bool:
        fault = self.fault
        if fault.call not in (call, Call.ANY) or (fault.file_id and fault.file_id not in file_ids):
            return False
        return fault.probability >= 1 or self._random.random() < fault.probability


class Faults:
    """The script. Of the faults that match a call every latency acts, and the first of the others. Safe for threads."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._armed += map(_Armed, faults)

    def clear(self) -> None:
        with self._lock:
            self._armed = []

    def take(self, call: str, file_ids: Collection[str]) -> list[Fault]:
        """The faults that strike this call; each is used up by one."""
        if not self._armed:
            return []
        with self._lock:
            taken: list[Fault] = []
            for armed in self._armed:
                is_latency = armed.fault.kind is Kind.LATENCY
                if (is_latency or not broken(taken)) and armed.strikes(call, file_ids):
                    armed.left -= 1
                    taken.append(armed.fault)
            self._armed = [armed for armed in self._armed if armed.left > 0]
            return taken

    def waiting(self) -> list[dict[str, Any]]:
        """What is still to strike, as JSON objects; ``times`` is what is left."""
        with self._lock:
            return [asdict(a.fault) | {"times": None if a.left == math.inf else int(a.left)} for a in self._armed]


def broken(faults: Collection[Fault]) -> Fault | None:
    """The one that isn't latency."""
    return next((fault for fault in faults if fault.kind is not Kind.LATENCY), None)


def strike(faults: Collection[Fault], execute: Callable[[], Answer], *, target: str, now: float) -> Outcome:
    """What becomes of a call; ``execute`` carries it out, at the moment at which KooDrive would, or is never called."""
    wait = {when: sum(f.seconds for f in faults if f.kind is Kind.LATENCY and f.when is when) for when in When}

    def act() -> Outcome:
        reply = _reply(broken(faults), execute, target, now)
        return Wait(wait[When.AFTER], lambda: reply) if wait[When.AFTER] else reply

    return Wait(wait[When.BEFORE], act) if wait[When.BEFORE] else act()


def _reply(fault: Fault | None, execute: Callable[[], Answer], target: str, now: float) -> Reply:
    answer = execute() if fault is None or fault.when is When.AFTER else Answer(200, b"")
    if fault is None:
        return Reply(encode(answer, now=now))
    match fault.kind:
        case Kind.RESET | Kind.CLOSE | Kind.HANG:
            return Reply(ending=Ending(fault.kind.value))
        case Kind.TRUNCATED:
            data = encode(answer, now=now)
            return Reply(data[: len(data) - len(answer.body) // 2], Ending.CLOSE)
        case Kind.DRIP:
            return Reply(encode(answer, now=now), drip=fault.seconds or 0.2)
        case _:
            return Reply(encode(_spoiled(fault, answer, target), now=now))


def _spoiled(fault: Fault, answer: Answer, target: str) -> Answer:
    match fault.kind:
        case Kind.STATUS:
            return _with_status(fault)
        case Kind.CODE:
            return messages.refusal(fault.code, status=fault.status or 400)
        case Kind.GARBAGE:
            return Answer(200, GARBAGE, HTML)
        case Kind.NO_DATA:
            return as_json(200, {"code": 0, "msg": "success"})
        case Kind.REDIRECT:
            return Answer(307, b"", HTML, {"Location": fault.location or target})
        case _:
            return Answer(answer.status, answer.body.ljust(OVERSIZE), answer.content_type, answer.headers)


_GATEWAY: Mapping[int, tuple[str, str]] = {
    401: ("APIGW.0301", "Incorrect IAM authentication information."),
    403: ("APIGW.0302", "The IAM user is not authorized to access the API."),
    404: ("APIGW.0101", "The API does not exist or has not been published in the environment."),
    413: ("APIGW.0201", "Request entity too large."),
    429: ("APIG.0308", "The throttling threshold has been reached: policy user over ratelimit,limit:20,time:1 second"),
}


def _with_status(fault: Fault) -> Answer:
    """The status with the body in which it usually comes: the gateway's, KooDrive's own, or some proxy's page."""
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.body:
        return Answer(fault.status, fault.body.encode(), headers=headers)
    if fault.status in _GATEWAY:
        answer = messages.gateway(fault.status, *_GATEWAY[fault.status])
    elif fault.status == 500:
        answer = messages.refusal(messages.INNER_FAILURE, status=500)
    else:
        answer = Answer(fault.status, f"<html><h1>{fault.status}</h1></html>".encode(), HTML)
    return Answer(answer.status, answer.body, answer.content_type, headers)
