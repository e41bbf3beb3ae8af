"""How often all workers together may call KooDrive: permits, counted in Redis.

A create call takes its permit before its claim, so that no claim's lease is spent on waiting. Reads take theirs in the
client, and at most a quarter of the rate while anything waits to be sent. Without Redis every process goes on by itself
with a quarter of the rate: slower, but never without a limit.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import cache

import redis
from django.conf import settings
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from .. import meters

log = logging.getLogger(__name__)

SHARE = 4  # a read's part of the rate while something waits, and a process's while Redis is away: one in four
LONGEST_HOLD = 30.0  # seconds for which one answer of KooDrive may hold everybody back
HANDFULS = 50  # of permits make up the rate of a second
MOMENT = 0.25  # seconds for which a permit that is not used stays good
AWAY = 5.0  # seconds until Redis is tried again
_TIMEOUT = 1.0
_HOLD, _WAITING = "koodrive:hold", "koodrive:waiting"
_WAITING_SECONDS = 2


@cache
def shared_rate() -> "Rate":
    """The one that the settings describe."""
    return Rate(settings.KOODRIVE_RATE, settings.REDIS_URL)


class Rate:
    """Permits for ``per_second`` calls. Safe for threads; shared by all processes that use the same ``redis_url``."""

    def __init__(self, per_second: int, redis_url: str) -> None:
        self._pause = min(0.25, 1.0 / per_second)
        self._all = RateLimitItemPerSecond(per_second)
        self._share = RateLimitItemPerSecond(max(1, per_second // SHARE))
        pool = redis.ConnectionPool.from_url(redis_url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT)
        self._redis = redis.Redis(connection_pool=pool)
        self._shared = SlidingWindowCounterRateLimiter(RedisStorage(redis_url, pool, key_prefix="koodrive"))
        # At a high rate permits are drawn by the handful, or asking for them would cost as much as sending.
        self._handful = max(1, per_second // HANDFULS)
        self._stock = _Stock()
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def wait_to_send(self, stop: Callable[[], bool]) -> bool:
        """Waits for a permit to create; false when ``stop`` came first."""
        return self._wait("create", self._may_send, stop)

    def has_drawn(self) -> bool:
        """Takes a permit to create that this process has drawn already, if there is one; asks nobody."""
        return self._stock.take()

    def wait_to_read(self, seconds: float) -> bool:
        """Waits at most so long for a permit to read; false when there was none."""
        end = time.monotonic() + seconds
        return self._wait("read", self._may_read, lambda: time.monotonic() > end)

    def put_back(self) -> None:
        """A permit to create was not used; for a moment another thread of this process may use it."""
        self._stock.add(1)

    def hold(self, seconds: float) -> None:
        """Nobody sends for so long, at most half a minute: KooDrive asked to be called less often."""
        self._stock.clear()
        milliseconds = max(1, round(min(seconds, LONGEST_HOLD) * 1000))
        self._ask(lambda: bool(self._redis.set(_HOLD, 1, px=milliseconds)))

    def _wait(self, kind: str, may: Callable[[], bool], stop: Callable[[], bool]) -> bool:
        began = time.monotonic()
        while not (allowed := self._ask(may)) and not stop():
            time.sleep(self._pause)
        meters.observe(meters.PERMIT_SECONDS, time.monotonic() - began, kind)
        return allowed

    def _may_send(self) -> bool:
        if self._stock.take():
            return True
        if not self._redis.exists(_HOLD) and self._shared.hit(self._all, "calls", cost=self._handful):
            self._stock.add(self._handful - 1)
            return True
        self._redis.set(_WAITING, 1, ex=_WAITING_SECONDS)
        return False

    def _may_read(self) -> bool:
        if self._redis.exists(_WAITING) and not self._shared.hit(self._share, "reads"):
            return False
        return self._shared.hit(self._all, "calls")

    def _ask(self, shared: Callable[[], bool]) -> bool:
        """What all processes agree on; while Redis is away, what this one may do by itself."""
        if time.monotonic() >= self._away_until:
            try:
                return shared()
            except redis.RedisError:
                log.warning("Redis is away; this process goes on with a quarter of the rate to KooDrive")
                self._away_until = time.monotonic() + AWAY
        return self._own.hit(self._share, "calls")


class _Stock:
    """Permits that a process has drawn and not used yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._until = 0.0

    def add(self, count: int) -> None:
        with self._lock:
            self._count = count + (self._count if time.monotonic() < self._until else 0)
            self._until = time.monotonic() + MOMENT

    def take(self) -> bool:
        with self._lock:
            if not self._count or time.monotonic() >= self._until:
                return False
            self._count -= 1
            return True

    def clear(self) -> None:
        with self._lock:
            self._count = 0
