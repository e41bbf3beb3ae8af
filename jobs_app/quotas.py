"""How often one caller may call: counted in Redis, so that all web processes share one count.

A window begins with its first call. Without Redis every call is let through: a count that is away must not stop the
API.
"""

import logging
import re
import time
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings
from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

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
        self._away_until = 0.0
        self._is_away = False

    def take(self, caller: str, rate: Rate) -> Quota:
        """Counts one call of the caller, and says whether it may go on. Never raises and never waits long."""
        if time.monotonic() < self._away_until:
            return Quota(rate)
        try:
            quota = self._take(caller, rate)
        except (redis.RedisError, OSError):
            self._away_until = time.monotonic() + AWAY
            if not self._is_away:
                log.warning("Redis is away; until it is back, no call of a token is counted and none is refused for it")
            self._is_away = True
            return Quota(rate)
        self._is_away = False
        return quota

    def _take(self, caller: str, rate: Rate) -> Quota:
        window = RateLimitItemPerSecond(rate.calls, rate.seconds)
        allowed = self._counts.hit(window, caller)
        reset, left = self._counts.get_window_stats(window, caller)
        # Redis rounds to whole seconds, so the window may end up to half a second later than it says.
        return Quota(rate, allowed, left, min(rate.seconds, round(reset - time.time()) + 1))
