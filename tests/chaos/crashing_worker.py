"""A Celery worker that kills itself at one point of its way with a submission, or stands still there.

``python -m tests.chaos.crashing_worker POINT worker …`` dies by SIGKILL the first time that it gets to POINT, one of
``POINTS``, or of ``POINTS_OF_BOTH`` where an outcome is stored and the next submission claimed in one transaction;
``POINT:stop`` stops it instead, until SIGCONT.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from portal.celery import app

POINTS = (
    "before_ack",
    "before_claim",
    "after_claim",
    "after_connect",
    "after_write",
    "after_read",
    "before_store",
    "after_store",
)
POINTS_OF_BOTH = ("before_both", "after_both")

OF_ANY_CALL = ("after_connect", "after_write")  # also of calls that only read, which don't count
SETTLING = 0.5  # seconds
_thread = threading.local()


def main(point: str, *arguments: str) -> None:
    name, _, stop = point.partition(":")
    owner, function = _places()[name]
    act: Callable[[], None] = _Once(signal.SIGSTOP if stop else signal.SIGKILL)
    if name in OF_ANY_CALL:
        _note_creates()
        act = _WhileCreating(act)
    _instrument(owner, function, act, first=name.startswith("before"))
    app.worker_main([*arguments, "--without-mingle", "--without-gossip"])


def _places() -> dict[str, tuple[Any, str]]:
    """The function before or after which each point lies."""
    import django

    django.setup()
    from celery.worker.request import Request

    from jobs_app import claiming, dispatch
    from jobs_app.deadline import _Connection
    from jobs_app.koodrive.client import Client

    return {
        "before_ack": (Request, "acknowledge"),
        "before_claim": (claiming, "claim"),
        "after_claim": (claiming, "claim"),
        "after_connect": (_Connection, "_new_conn"),
        "after_write": (_Connection, "request"),
        "after_read": (Client, "create"),
        "before_store": (dispatch, "_store"),
        "after_store": (dispatch, "record_outcome"),
        "before_both": (dispatch, "_carried_out"),
        "after_both": (dispatch, "_carried_out"),
    }


class _Once:
    """Sends this process the signal, but only the first time."""

    def __init__(self, number: signal.Signals) -> None:
        self._number: signal.Signals | None = number

    def __call__(self) -> None:
        if number := self._number:
            self._number = None
            os.kill(os.getpid(), number)
            time.sleep(SETTLING)  # Another thread may take the signal; this one must not get any further meanwhile.


class _WhileCreating:
    """Does it only while this thread makes a create call."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act

    def __call__(self) -> None:
        if getattr(_thread, "is_creating", False):
            self._act()


def _note_creates() -> None:
    from jobs_app.koodrive.client import Client

    create = Client.create

    @wraps(create)
    def noted(*arguments: Any, **named: Any) -> Any:
        _thread.is_creating = True
        try:
            return create(*arguments, **named)
        finally:
            _thread.is_creating = False

    Client.create = noted  # type: ignore[method-assign]


def _instrument(owner: Any, name: str, act: Callable[[], None], *, first: bool) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def instrumented(*arguments: Any, **named: Any) -> Any:
        if first:
            act()
        result = original(*arguments, **named)
        if not first:
            act()
        return result

    setattr(owner, name, instrumented)


if __name__ == "__main__":
    main(*sys.argv[1:])
