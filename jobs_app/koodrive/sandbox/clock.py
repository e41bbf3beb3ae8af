"""The sandbox's clock, which a test may put forward, or let be wrong."""

import time


class Clock:
    """Seconds since 1970, as this machine has them, plus what the clock was put forward by."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Everything becomes older by so much: tasks, tokens, signatures."""
        if not 0 <= seconds < 10**9:
            raise ValueError("Give the seconds to put the clock forward by as a number, at least 0.")
        self._ahead += seconds

    def set_back(self, seconds: float) -> None:
        """It runs behind this machine's from now on."""
        self._ahead -= seconds

    def reset(self) -> None:
        self._ahead = 0.0
