"""What keeps a worker process from flooding a KooDrive that is busy or down: the shared rate, and a breaker.

The breaker's open state is a pause, so it stands in the database for all workers and for everybody to see; what ends it
is a harmless read that works (``tracking.try_connection``), never a create.
"""

from collections.abc import Callable

from . import pauses
from .actors import WORKER
from .koodrive.answers import Kind, Outcome
from .koodrive.rate import Rate
from .models import Pause

TROUBLES = 5  # calls in a row that came to nothing


class Protection:
    """Of one worker process; its threads share it."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._in_a_row = 0

    def may_send(self, stop: Callable[[], bool]) -> bool:
        """Waits until one more create call is allowed; false when ``stop`` came first."""
        return self._rate.wait_to_send(stop) and not stop()

    def may_go_on(self) -> bool:
        """After a task was made: whether a permit for another call is there, without asking or waiting for one."""
        self._in_a_row = 0
        return self._rate.has_drawn()

    def note(self, outcome: Outcome | None) -> None:
        """Learns from what a create call came to; None when there was none after all."""
        if outcome is None:
            self._rate.put_back()
            return
        if outcome.kind is Kind.NOT_EXECUTED:
            self._rate.hold(outcome.retry_after or 1.0)
        if outcome.kind not in (Kind.NOT_SENT, Kind.UNKNOWN):
            self._in_a_row = 0
            return
        self._in_a_row += 1
        if self._in_a_row >= TROUBLES:
            self._in_a_row = 0
            pauses.begin(Pause.Cause.UNREACHABLE, outcome.detail, by=WORKER)
