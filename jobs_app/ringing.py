"""Rings for the workers from a thread beside: no request waits for the broker, and one message does for many."""

import logging
import threading
import time
from typing import Any

from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

LIFE = 60  # seconds; the sweep rings again, so an old message would only add to a backlog
APART = 0.02  # seconds between two messages, in which what is rung for is gathered
_QUIET = 5.0  # seconds without a message after the broker failed one, so that nobody waits for it again and again

_lock = threading.Lock()
_wanted: dict[str, tuple[Any, tuple[str | int, ...]]] = {}
_is_ringing = False
_silent_until = 0.0


def ring(task: Any, *arguments: str | int) -> None:
    """Has the workers carry out the task soon; neither raises nor waits.

    Of several for the same task that come together, the first one's message is sent for all. What the process takes
    with it when it is killed, or the broker doesn't take, costs what a lost message costs: one interval of the sweep.
    """
    global _is_ringing
    with _lock:
        _wanted.setdefault(task.name, (task, arguments))
        if not _is_ringing:
            threading.Thread(target=_ring_on, name="ringing").start()
            _is_ringing = True


def ring_now(task: Any, *arguments: str | int) -> bool:
    """The same at once, with a message of its own; False when the broker is away. Never waits long."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return False
    try:
        task.apply_async(arguments, expires=LIFE, retry=False)
    except (OperationalError, OSError):
        _silent_until = time.monotonic() + _QUIET
        return False
    return True


def _ring_on() -> None:
    """Until nothing more is wanted; the process ends after it."""
    while wanted := _take():
        for task, arguments in wanted:
            try:
                ring_now(task, *arguments)
            except Exception:
                log.exception("no message could be sent; the sweep finds what is due")
        time.sleep(APART)


def _take() -> list[tuple[Any, tuple[str | int, ...]]]:
    global _is_ringing
    with _lock:
        taken = list(_wanted.values())
        _wanted.clear()
        _is_ringing = bool(taken)
    return taken
