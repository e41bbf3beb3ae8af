"""Magic file ids: like the card numbers of a payment provider's test mode, each leads to one certain end."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from .faults import Fault, Kind, When
from .jobs import Plan
from .messages import INVALID, message
from .verify import Wanted

PREFIX = "F-sandbox-"
LENGTH = 33  # as KooDrive's own
ARCHIVE_PASSWORD = "sandbox"
ARCHIVES = 5  # the taskType
SLOW_TYPES = (ARCHIVES, 6)


@dataclass(frozen=True)
class Magic:
    """What one keyword does: to the create call (``fault``), to the task (``plan``), or to its file (``result``)."""

    keyword: str
    happens: str
    ends: str  # the portal's state in the end, or for as long as it lasts
    fault: Fault | None = None
    at_first_only: bool = False  # the fault strikes every other call that names this very id, beginning with the first
    plan: Plan | None = None
    result: int = 0
    password: str = ""  # what opens the file, when it is an archive

    @property
    def file_id(self) -> str:
        return file_id(self.keyword)


def file_id(keyword: str, number: int = 1) -> str:
    """A magic file id; another number gives another file with the same end."""
    stem = f"{PREFIX}{keyword}-"
    return stem + str(number).zfill(LENGTH - len(stem))


def _code(code: int) -> Fault:
    return Fault(Kind.CODE, code=code)


MAGIC: tuple[Magic, ...] = (
    Magic("succeeds", "The file succeeds, as every id that isn't magic does.", "succeeded"),
    Magic(
        "partly",
        "The file is a folder of which only a part succeeds.",
        "partially_failed",
        plan=Plan(partly=True),
        result=13000308,
    ),
    Magic("fails", "The file fails with 13000308.", "failed", result=13000308),
    Magic("missing", "The file fails with 13000309: there is no such file.", "failed", result=13000309),
    Magic("binned", "The file fails with 13000306: it is in the recycle bin.", "failed", result=13000306),
    Magic("live", "The file fails with 13000303: it is not in the recycle bin.", "failed", result=13000303),
    Magic("present", "The file fails with 13000312: it is in the target folder already.", "failed", result=13000312),
    Magic("twin", "The file fails with 13000405: its name is taken.", "failed", result=13000405),
    Magic("full", "The file fails with 13000311: the space is full.", "failed", result=13000311),
    Magic(
        "locked",
        f'The file is an archive that only the password "{ARCHIVE_PASSWORD}" opens; with any other, or none, it fails.',
        "failed",
        password=ARCHIVE_PASSWORD,
    ),
    Magic("stopped", "KooDrive cancels the task half way.", "cancelled", plan=Plan(cancelled=True)),
    Magic("slow", "The task runs for a minute, then succeeds.", "succeeded", plan=Plan(running=60)),
    Magic("waits", "The task waits for a minute before it runs, then succeeds.", "succeeded", plan=Plan(pending=60)),
    Magic("refused", "KooDrive refuses the call with 13000102: it finds it invalid.", "refused", _code(13000102)),
    Magic(
        "elsewhere",
        "KooDrive refuses the call with 13000302: the file is in another space.",
        "refused",
        _code(13000302),
    ),
    Magic("nowhere", "KooDrive refuses the call with 13000301: there is no such space.", "refused", _code(13000301)),
    Magic(
        "busy",
        "The first call is answered with 429 and Retry-After 1, the next one is accepted.",
        "succeeded",
        Fault(Kind.STATUS, status=429, retry_after=1),
        at_first_only=True,
    ),
    Magic(
        "down",
        "The first call is answered with 503 and Retry-After 1, the next one is accepted.",
        "succeeded",
        Fault(Kind.STATUS, status=503, retry_after=1),
        at_first_only=True,
    ),
    Magic(
        "lost",
        "The task is made, then the connection is reset: no answer.",
        "unknown",
        Fault(Kind.RESET, when=When.AFTER),
    ),
    Magic("silent", "The task is made, but no answer ever comes.", "unknown", Fault(Kind.HANG, when=When.AFTER)),
    Magic("garbled", "The task is made, but the answer can't be read.", "unknown", Fault(Kind.GARBAGE)),
    Magic("cut", "The task is made, but the answer ends half way.", "unknown", Fault(Kind.TRUNCATED)),
    Magic("dropped", "The connection is reset and no task is made.", "unknown", Fault(Kind.RESET)),
    Magic(
        "broken", "The call is answered with HTTP 500 and no task is made.", "unknown", Fault(Kind.STATUS, status=500)
    ),
)
_BY_KEYWORD = {magic.keyword: magic for magic in MAGIC}


def of(file_id: str) -> Magic | None:
    """What this file id does; None when it isn't magic. Raises KeyError when it is, but has no known keyword."""
    if not file_id.startswith(PREFIX):
        return None
    return _BY_KEYWORD[file_id[len(PREFIX) :].partition("-")[0]]


class Script:
    """Remembers which ids have had their first call."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()

    def fault(self, file_ids: Iterable[str]) -> Fault | None:
        """What goes wrong with a create call that names these files: the first that has something decides."""
        for name in file_ids:
            magic = of(name)
            if magic is None or magic.fault is None:
                continue
            self._calls[name] += 1
            if not magic.at_first_only or self._calls[name] % 2:
                return magic.fault
        return None

    def clear(self) -> None:
        self._calls.clear()


def plan(wanted: Wanted) -> Plan:
    """What is going to happen to the task that this call asks for."""
    found = [of(name) for name in wanted.file_ids]
    plans = [Plan(running=3.0 if wanted.task_type in SLOW_TYPES else 1.5)]
    plans += [magic.plan for magic in found if magic and magic.plan]
    results = ((position, _result(magic, wanted)) for position, magic in enumerate(found) if magic)
    return Plan(
        pending=max(plan.pending for plan in plans),
        running=max(plan.running for plan in plans),
        failing={position: result for position, result in results if result},
        partly=any(plan.partly for plan in plans),
        cancelled=any(plan.cancelled for plan in plans),
    )


def _result(magic: Magic, wanted: Wanted) -> tuple[int, str] | None:
    if magic.password and wanted.task_type == ARCHIVES and wanted.password != magic.password:
        return INVALID, "The archive's password is missing or wrong."
    return (magic.result, message(magic.result)) if magic.result else None
