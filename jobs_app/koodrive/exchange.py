"""One call to KooDrive as it ended: a whole HTTP answer, or the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MAX_ANSWER = 8 * 1024 * 1024  # bytes; the listing of a large archive is the longest answer to be expected


class Failure(StrEnum):
    """Why no whole answer came. The first two mean that nothing was sent; after the others KooDrive may have it all."""

    NOT_CONNECTED = "not_connected"  # no connection over which to send
    CERTIFICATE = "certificate"  # who answered could not prove to be KooDrive
    NO_ANSWER = "no_answer"  # reset, closed or silent after the request began to leave
    CUT_OFF = "cut_off"  # an answer began that ended too early or was too long


@dataclass(frozen=True)
class Answer:
    """``status`` is None exactly when ``failure`` isn't; ``detail`` is a sentence on the failure, without secrets."""

    status: int | None
    headers: Mapping[str, str] = field(repr=False)  # case-insensitive
    body: bytes = field(repr=False)  # at most MAX_ANSWER bytes
    failure: Failure | None = None
    detail: str = ""
    milliseconds: int = 0
