"""Which request, submission and trace the work at hand belongs to, so that each line of the log can say so."""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

# https://www.w3.org/TR/trace-context/: later versions may have more fields behind these.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")

_NO_WORK: Mapping[str, str] = MappingProxyType({})
_ids: ContextVar[Mapping[str, str]] = ContextVar("ids", default=_NO_WORK)


@contextmanager
def at_work(*, request: str = "", submission: str = "", trace: str = "") -> Iterator[None]:
    """What is logged in this thread meanwhile carries the ids that are given."""
    given = {"requestId": request, "submission": submission, "traceId": trace}
    before = _ids.set({**_ids.get(), **{name: value for name, value in given.items() if value}})
    try:
        yield
    finally:
        _ids.reset(before)


def about(submission: str) -> None:
    """From here on the work, until its end, is about this submission; outside of any work nothing is."""
    if _ids.get() is not _NO_WORK:
        _ids.set({**_ids.get(), "submission": submission})


def ids() -> Mapping[str, str]:
    """By the names that they have in the log."""
    return _ids.get()


def trace() -> str | None:
    """The trace that this work belongs to: 32 hexadecimal digits."""
    return _ids.get().get("traceId")


def trace_of(traceparent: str) -> str:
    """The trace that a W3C ``traceparent`` names; a new one when it isn't well-formed."""
    found = _TRACEPARENT.fullmatch(traceparent)
    if found and not (found[1] == "00" and found[3]):
        return found[2]
    return secrets.token_hex(16)
