"""All that a sandbox knows at one time; the calls and the controls work on it."""

from pathlib import Path

from .access import TOKEN_LIFE, App, Tokens
from .clock import Clock
from .faults import Faults
from .jobs import Jobs
from .magic import Script
from .received import Received
from .views import Quirks


class State:
    """``token`` lives from the start, for ``token_life`` seconds without use; tasks run ``speed`` times as fast."""

    def __init__(
        self,
        *,
        token: str = "",
        token_life: float = TOKEN_LIFE,
        app: App | None = None,
        speed: float = 1.0,
        quirks: Quirks | None = None,
        record: Path | None = None,
    ) -> None:
        self._token, self._speed, self._quirks = token, speed, quirks or Quirks()
        self.url = ""
        self.app = app
        self.clock = Clock()
        self.jobs = Jobs(self.clock.now)
        self.tokens = Tokens(self.clock.now, life=token_life)
        self.faults = Faults()
        self.script = Script()
        self.received = Received(record)
        self.reset()

    def reset(self) -> None:
        """Everything as it was at the start, but for the file of the record."""
        for part in (self.jobs, self.faults, self.script, self.received):
            part.clear()
        self.clock.reset()
        self.speed = self._speed
        self.quirks = self._quirks
        self.tokens.expire()
        if self._token:
            self.tokens.add(self._token)

    @property
    def speed(self) -> float:
        return self.jobs.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        if not 0 < speed < 10**6:
            raise ValueError("Give speed as a number above 0; 1 is real time.")
        self.jobs.speed = speed
