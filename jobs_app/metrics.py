"""What Prometheus is told: what the database knows, asked at most every few seconds, and what processes have counted.

Each statement reads little of an index however many rows there are, and all of them together have two seconds. What is
away is told as such, and the rest without it.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import accumulate

import redis
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Count
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from . import health, meters, pulse, statements
from .audit import Action, read
from .meters import CLOCK, COUNTED, SUM, Meter, Metric
from .models import Callback, Pause
from .states import OPEN, State

log = logging.getLogger(__name__)

FRESH = 5.0  # seconds for which an answer is given again
MOST = 100_000  # rows of a kind that are counted
_TIME_LIMIT = "SET LOCAL statement_timeout = '2s'"
PARTS = ("worker", "beat", "sealer", "koodrive")  # whose last sign of life is told

UP = Metric("portal_up", "1 when the `database` or the `broker` answers, else 0", ("part",))
BUILD = Metric("portal_build_info", "Always 1; the version is a label", ("version",))
SUBMISSIONS = Metric(
    "portal_submissions", f"Submissions in each state that isn't final, counted up to {MOST:,}", ("state",)
)
AGE = Metric(
    "portal_submission_oldest_age_seconds",
    "How long ago the oldest submission in the state was made; 0 when there is none",
    ("state",),
)
WAIT = Metric(
    "portal_queue_wait_seconds", "How long the oldest submission has waited that is free to go; 0 when there is none"
)
DOUBT = Metric(
    "portal_unknown_oldest_age_seconds",
    "How long ago the oldest submission was sent whose outcome is unknown; 0 when there is none",
)
PAUSES = Metric("portal_pauses", "Pauses that stand, by cause; `unreachable` is the breaker", ("cause",))
SIGNS_OF_LIFE = Metric(
    "portal_heartbeat_age_seconds",
    "How long ago a part last showed that it works (`koodrive`: that it accepted a call); absent if it never did",
    ("part",),
)
UNSEALED = Metric("portal_unsealed_events", "Events of the trail behind the newest seal")
UNSEALED_AGE = Metric(
    "portal_unsealed_oldest_age_seconds", "How old the oldest event is that is not sealed; 0 when there is none"
)
SEAL_AGE = Metric("portal_seal_age_seconds", "How old the newest seal is; absent before the first")
UNVERIFIED = Metric("portal_unverified_events", "Events behind those that the last check of the whole trail has proved")
VERIFIED_AGE = Metric(
    "portal_trail_verified_age_seconds",
    "How long ago the whole trail was last found whole; how old the trail is if it never was",
)
TRAIL_BROKEN = Metric("portal_trail_broken", "1 when the last check found the trail broken, else 0")
MAIL = Metric("portal_mail_due", f"Notices whose mail is due, counted up to {MOST:,}")
DELIVERIES = Metric("portal_callback_deliveries_waiting", f"Notices to services that wait, counted up to {MOST:,}")
FAILING = Metric("portal_callbacks_failing", "Callbacks whose receiver has failed again and again")

ALL = (
    *(UP, BUILD, SUBMISSIONS, AGE, WAIT, DOUBT, PAUSES, SIGNS_OF_LIFE, UNSEALED, UNSEALED_AGE, SEAL_AGE),
    *(UNVERIFIED, VERIFIED_AGE, TRAIL_BROKEN, MAIL, DELIVERIES, FAILING),
    *COUNTED,
)

# Each state stands in the statement itself: PostgreSQL knows then how few rows are in it.
_STATES = " UNION ALL ".join(
    f"""SELECT '{state}',
        (SELECT count(*) FROM (SELECT FROM jobs_app_submission WHERE status = '{state}' LIMIT {MOST}) AS counted),
        now() - (SELECT min(created_at) FROM jobs_app_submission WHERE status = '{state}')"""  # noqa: S608  (constants)
    for state in State
    if state in OPEN
)
_WAITING = f"""SELECT
        (SELECT count(*) FROM
            (SELECT FROM jobs_app_notice WHERE mail = 'waiting' AND due_at <= now() LIMIT {MOST}) AS counted),
        (SELECT count(*) FROM (SELECT FROM jobs_app_delivery WHERE state = 'pending' LIMIT {MOST}) AS counted)
"""  # noqa: S608  (put together from constants only)

_Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily

_lock = threading.Lock()
_kept = (float("-inf"), b"")


def text() -> bytes:
    """All of it in Prometheus's text format, at most ``FRESH`` seconds old."""
    global _kept
    with _lock:
        if time.monotonic() - _kept[0] >= FRESH:
            registry = CollectorRegistry()
            registry.register(_Portal())
            _kept = time.monotonic(), generate_latest(registry)
        return _kept[1]


class _Portal(Collector):
    def collect(self) -> Iterator[_Family]:
        values: dict[str, dict[Meter, float]] = defaultdict(dict)
        for meter, value in _values().items():
            values[meter[0]][meter] = value
        for metric in ALL:
            # What another version of the portal has counted under other labels is left out.
            known = {
                meter: value for meter, value in values[metric.name].items() if len(meter) - 2 == len(metric.labels)
            }
            yield _histogram(metric, known) if metric.kind == "histogram" else _family(metric, known)


def _family(metric: Metric, values: Mapping[Meter, float]) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, f"{metric.help}.", labels=metric.labels)
    for (_name, _part, *labels), value in values.items():
        family.add_metric(labels, value)
    return family


def _histogram(metric: Metric, values: Mapping[Meter, float]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(metric.name, f"{metric.help}.", labels=metric.labels)
    for labels in dict.fromkeys(meter[2:] for meter in values):
        counts = accumulate(values.get((metric.name, end, *labels), 0.0) for end in metric.ends)
        total = values.get((metric.name, SUM, *labels), 0.0)
        family.add_metric(labels, list(zip(metric.ends, counts, strict=True)), total)
    return family


def _values() -> dict[Meter, float]:
    """By metric and labels, as processes count them too."""
    found = {_meter(BUILD, settings.PORTAL_VERSION): 1.0}
    for part, ask in (("broker", meters.sums), ("database", _known)):
        try:
            found |= {**ask(), _meter(UP, part): 1.0}
        except (redis.RedisError, OperationalError, InterfaceError):
            log.warning("the %s tells nothing for /metrics", part, exc_info=True)
            found[_meter(UP, part)] = 0.0
    return found


def _meter(metric: Metric, *labels: str) -> Meter:
    return (metric.name, "", *labels)


def _known() -> dict[Meter, float]:
    """What the database knows."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_TIME_LIMIT)
        ages = pulse.ages()
        now, ahead = pulse.clocks()
        [(mails, deliveries)] = statements.rows(_WAITING)
        return {
            _meter(WAIT): _seconds(health.wait(ages)),
            _meter(DOUBT): _seconds(health.doubt()),
            _meter(CLOCK, "database"): _seconds(ahead),
            _meter(MAIL): mails,
            _meter(DELIVERIES): deliveries,
            _meter(FAILING): Callback.objects.failing().count(),
            **{_meter(SIGNS_OF_LIFE, part): _seconds(ages[part]) for part in PARTS if part in ages},
            **_open(),
            **_paused(),
            **_trail(now),
        }


def _open() -> dict[Meter, float]:
    found: dict[Meter, float] = {}
    for state, count, age in statements.rows(_STATES):
        found |= {_meter(SUBMISSIONS, state): count, _meter(AGE, state): _seconds(age)}
    return found


def _paused() -> dict[Meter, float]:
    standing = dict(Pause.objects.values_list("cause").annotate(Count("pk")).order_by())
    return {_meter(PAUSES, cause): standing.get(cause, 0) for cause in Pause.Cause.values}


def _trail(now: datetime) -> dict[Meter, float]:
    extent, proof = read.extent(), read.last_proof()
    newest = extent.newest or 0
    found: dict[Meter, float] = {
        _meter(UNSEALED): newest - (extent.sealed_up_to or 0),
        _meter(UNSEALED_AGE): _seconds(now - extent.unsealed_since if extent.unsealed_since else None),
        _meter(UNVERIFIED): newest - (proof.upto if proof else 0),
        _meter(VERIFIED_AGE): _seconds(read.age_of(Action.TRAIL_VERIFIED)),
        _meter(TRAIL_BROKEN): bool(proof and proof.trouble),
    }
    return found | ({_meter(SEAL_AGE): _seconds(now - extent.sealed_at)} if extent.sealed_at else {})


def _seconds(age: timedelta | None) -> float:
    return age.total_seconds() if age else 0.0
