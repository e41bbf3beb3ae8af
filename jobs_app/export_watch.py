"""Watches over an export while it is written: shows that its worker is at it, and stops the writing when it has to."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from .audit.copying import Progress
from .models import Export

log = logging.getLogger(__name__)

INTERVAL = 0.5  # seconds


class Interrupted(Exception):
    """The writing has to stop: because it is wanted, or because the export is no longer this worker's."""

    def __init__(self, *, is_wanted: bool) -> None:
        super().__init__()
        self.is_wanted = is_wanted


class Watch(Progress):
    """Touches the row every half second, over a connection of its own: the writing keeps the thread's one busy.

    When the row is lost, or ``stop`` says so, the statement under way is cancelled, and the block raises
    ``Interrupted``, whatever else the cancelling made it raise.
    """

    def __init__(self, row: "QuerySet[Export]", stop: Callable[[], bool]) -> None:
        self._row, self._stop = row, stop
        self._over = threading.Event()
        self._interrupted: Interrupted | None = None
        self._thread = threading.Thread(target=self._watch, name="export-watch", daemon=True)
        self._writing: Any = None

    def __enter__(self) -> Self:
        connection.ensure_connection()
        self._writing = connection.connection
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        if self._interrupted and error is not None:
            # A cancellation that is still on its way must not hit the next statement.
            connection.close()
            if error is not self._interrupted:
                raise self._interrupted from error

    def wrote(self, lines: int) -> None:
        super().wrote(lines)
        if self._interrupted:
            raise self._interrupted

    def _watch(self) -> None:
        try:
            while not self._over.wait(INTERVAL):
                self._look()
        finally:
            connection.close()

    def _look(self) -> None:
        try:
            if self._stop():
                self._interrupted = Interrupted(is_wanted=True)
            elif not self._row.all().update(done=self.done, total=self.total, touched_at=Now()):
                self._interrupted = Interrupted(is_wanted=False)
            if self._interrupted:
                self._writing.cancel_safe(timeout=1)
        except Exception:
            # The database is away. Should it stay away, the writing notices, and the sweep takes the row.
            log.warning("an export can't be watched over now", exc_info=True)
            connection.close()
