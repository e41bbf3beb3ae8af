"""How often one caller may call: counted in Redis, so that all web processes share one count.

A window begins with its first call. Without Redis every call is let through: a count that is away must not stop the
API. Failures to sign in are then counted by each process alone.
"""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import redis
from django.conf import settings
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)
Found = TypeVar("Found")

UNITS = {"s": 1, "min": 60, "h": 3600, "day": 86400}
AWAY = 5.0  # seconds until Redis is asked again
_TIMEOUT = 0.25  # seconds that a frozen Redis may cost one call, every AWAY seconds
_RATE = re.compile(rf"([1-9][0-9]{{0,6}})/({'|'.join(UNITS)})")


@dataclass(frozen=True)
class Rate:
    """At most ``calls`` calls in ``seconds`` seconds."""

    calls: int
    seconds: int

    @classmethod
    def read(cls, text: str) -> "Rate":
        """The rate in a text such as ``100/min``; raises ValueError for another form."""
        found = _RATE.fullmatch(text)
        if not found:
            raise ValueError("Give a number of calls and a unit of time, such as 5/s, 100/min, 1000/h or 10000/day.")
        return cls(int(found[1]), UNITS[found[2]])


@dataclass(frozen=True)
class Quota:
    """What a caller has left: ``left`` calls in the next ``seconds`` seconds, both None while nobody can count."""

    rate: Rate
    allowed: bool = True
    left: int | None = None
    seconds: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers-10 has them."""
        policy = {"RateLimit-Policy": f'"token";q={self.rate.calls};w={self.rate.seconds}'}
        return policy if self.left is None else policy | {"RateLimit": f'"token";r={self.left};t={self.seconds}'}


@cache
def shared() -> "Quotas":
    """The ones that the settings describe."""
    return Quotas(settings.REDIS_URL)


class Quotas:
    """Counts calls. Safe for threads; shared by all processes that use the same ``redis_url``."""

    def __init__(self, redis_url: str) -> None:
        pool = redis.ConnectionPool.from_url(
            redis_url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT, retry=Retry(NoBackoff(), 0)
        )
        self._counts = FixedWindowRateLimiter(RedisStorage(redis_url, pool, key_prefix="quota"))
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0
        self._is_away = False

    def take(self, caller: str, rate: Rate) -> Quota:
        """Counts one call of the caller, and says whether it may go on. Never raises and never waits long."""
        return self._ask(lambda counts: _take(counts, caller, rate)) or Quota(rate)

    def add(self, caller: str, rate: Rate) -> None:
        """Counts one failure of the caller. Never raises and never waits long, and nor does ``wait``."""
        window = RateLimitItemPerSecond(rate.calls, rate.seconds)
        if self._ask(lambda counts: (counts.hit(window, caller),)) is None:
            self._own.hit(window, caller)

    def wait(self, caller: str, rate: Rate) -> int:
        """For how many seconds the caller has to wait after as many failures as the rate has; 0 before that."""
        found = self._ask(lambda counts: _wait(counts, caller, rate))
        return _wait(self._own, caller, rate) if found is None else found

    def _ask(self, use: Callable[[FixedWindowRateLimiter], Found]) -> Found | None:
        """What is found with the shared counts; None while Redis is away."""
        if time.monotonic() < self._away_until:
            return None
        try:
            found = use(self._counts)
        except (redis.RedisError, OSError):
            self._away_until = time.monotonic() + AWAY
            if not self._is_away:
                log.warning("Redis is away; until it is back, no call of a token is counted and none is refused for it")
            self._is_away = True
            return None
        self._is_away = False
        return found


def _take(counts: FixedWindowRateLimiter, caller: str, rate: Rate) -> Quota:
    window = RateLimitItemPerSecond(rate.calls, rate.seconds)
    allowed = counts.hit(window, caller)
    reset, left = counts.get_window_stats(window, caller)
    # Redis rounds to whole seconds, so the window may end up to half a second later than it says.
    return Quota(rate, allowed, left, min(rate.seconds, round(reset - time.time()) + 1))


def _wait(counts: FixedWindowRateLimiter, caller: str, rate: Rate) -> int:
    window = RateLimitItemPerSecond(rate.calls, rate.seconds)
    if counts.test(window, caller):
        return 0
    return max(1, min(rate.seconds, round(counts.get_window_stats(window, caller).reset_time - time.time()) + 1))
