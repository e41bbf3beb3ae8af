"""What processes count of their own work, for ``/metrics``: summed in Redis over all of them, on all hosts.

A process hands on what it counted once a second. So one that is killed takes a second's counts with it, and an emptied
Redis begins at 0 again, as counters may. While Redis is away each process keeps what it counts.
"""

import json
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

APART = 1.0  # seconds between two handings on
AWAY = 5.0  # seconds until Redis is tried again
SUM = "sum"  # the part of a histogram that isn't one of its buckets
_KEY = "meters"
_TIMEOUT = 0.5
_INFINITY = "+Inf"


@dataclass(frozen=True)
class Metric:
    """What ``/metrics`` tells under a name; ``help`` is a sentence without its full stop.

    One whose name ends with ``_total`` is a counter, one with ``buckets`` (their upper ends) a histogram.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def kind(self) -> str:
        if self.buckets:
            return "histogram"
        return "counter" if self.name.endswith("_total") else "gauge"

    @cached_property
    def ends(self) -> tuple[str, ...]:
        """The upper ends of all buckets, as they are shown."""
        return (*map(str, self.buckets), _INFINITY)


# 0.2 s is what creating a submission may take.
_REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_CALL_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 33.0)

REQUESTS = Metric(
    "portal_http_requests_total",
    "Requests that web processes answered, by route (`none`: no view answered) and class of the status",
    ("route", "method", "status"),
)
REQUEST_SECONDS = Metric(
    "portal_http_request_duration_seconds",
    "How long the answers took; calls to `changes/` may wait for 25 s on purpose",
    ("route", "method"),
    _REQUEST_BUCKETS,
)
CALLS = Metric(
    "portal_koodrive_calls_total",
    "Calls to KooDrive, by kind (`create`, `list`, `detail`, `cancel`) and HTTP status, or why there was no answer",
    ("kind", "status"),
)
CALL_SECONDS = Metric(
    "portal_koodrive_call_duration_seconds", "How long calls to KooDrive took", ("kind",), _CALL_BUCKETS
)
PERMIT_SECONDS = Metric(
    "portal_koodrive_permit_wait_seconds",
    "How long calls to KooDrive (`create` or `read`) waited for the shared rate to let them go",
    ("kind",),
    _CALL_BUCKETS,
)
CHANGES = Metric(
    "portal_submission_changes_total",
    "Changes of state; `from` is `none` for new submissions, and `to` tells each outcome",
    ("from", "to"),
)
CLOCK = Metric(
    "portal_clock_difference_seconds",
    "How far the clock of `koodrive` or the `database` is ahead of ours; to about a second for KooDrive",
    ("of",),
)
COUNTED = (REQUESTS, REQUEST_SECONDS, CALLS, CALL_SECONDS, PERMIT_SECONDS, CHANGES, CLOCK)

# A metric's name, the part of it that is counted (empty but for a histogram), and the values of its labels.
Meter = tuple[str, ...]

_lock = threading.Lock()
_counts: defaultdict[Meter, float] = defaultdict(float)
_noted: dict[Meter, float] = {}
_is_handing_on = False
_silent_until = 0.0


def count(metric: Metric, *labels: str, by: float = 1) -> None:
    """Counts something. Neither this nor the next two raise for Redis, or wait for it."""
    _add({(metric.name, "", *labels): by})


def observe(metric: Metric, seconds: float, *labels: str) -> None:
    """Counts something in its bucket of a histogram."""
    end = metric.ends[bisect_left(metric.buckets, seconds)]
    _add({(metric.name, end, *labels): 1, (metric.name, SUM, *labels): seconds})


def note(metric: Metric, value: float, *labels: str) -> None:
    """Keeps a value in place of the last one, whichever process noted that."""
    _add({}, {(metric.name, "", *labels): value})


def sums() -> dict[Meter, float]:
    """What all processes have counted, this one up to now, and noted; raises RedisError while Redis is away."""
    hand_on()
    found: Any = _redis().hgetall(_KEY)
    return {tuple(json.loads(meter)): float(number) for meter, number in found.items()}


def noted(metric: Metric, *labels: str) -> float | None:
    """What was last noted of it, by whichever process, None if nothing was; raises RedisError while Redis is away."""
    found: Any = _redis().hget(_KEY, json.dumps((metric.name, "", *labels)))
    return None if found is None else float(found)


def hand_on() -> None:
    """Adds what this process has counted to the sums; while Redis is away it keeps it."""
    global _silent_until
    with _lock:
        counts, noted = dict(_counts), dict(_noted)
        _counts.clear()
        _noted.clear()
    try:
        _store(counts, noted)
    except (redis.RedisError, OSError):
        with _lock:
            _keep(counts, noted | _noted)
            _silent_until = time.monotonic() + AWAY


def _add(counts: Mapping[Meter, float], noted: Mapping[Meter, float] = MappingProxyType({})) -> None:
    global _is_handing_on
    with _lock:
        _keep(counts, noted)
        if not _is_handing_on and time.monotonic() >= _silent_until:
            threading.Thread(target=_hand_on, name="meters").start()
            _is_handing_on = True


def _keep(counts: Mapping[Meter, float], noted: Mapping[Meter, float]) -> None:
    for meter, number in counts.items():
        _counts[meter] += number
    _noted.update(noted)


def _hand_on() -> None:
    """Until nothing more was counted; the process ends after it."""
    global _is_handing_on
    while True:
        time.sleep(APART)
        hand_on()
        with _lock:
            if not (_counts or _noted) or time.monotonic() < _silent_until:
                _is_handing_on = False
                return


def _store(counts: Mapping[Meter, float], noted: Mapping[Meter, float]) -> None:
    with _redis().pipeline() as pipe:
        for meter, number in counts.items():
            pipe.hincrbyfloat(_KEY, json.dumps(meter), number)
        for meter, value in noted.items():
            pipe.hset(_KEY, json.dumps(meter), str(value))
        pipe.execute()


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT, retry=Retry(NoBackoff(), 0)
    )
