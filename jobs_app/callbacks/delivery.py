"""Delivering: claim a notice that is due, post it outside any transaction, and store what came of it.

A notice is delivered at least once. The notices of one submission keep their order. A receiver that fails again and
again is asked by one notice at a time, until it takes one.
"""

import logging
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from .. import audit, encryption, waits
from ..actors import NOTIFIER
from ..audit import Action
from ..models import Callback, Delivery
from ..models.callbacks import FAILING_AFTER
from . import posting, signing
from .posting import Outcome

log = logging.getLogger(__name__)

TOGETHER = 4  # notices that one receiver gets at the same time
LEASE = timedelta(seconds=posting.TIME_LIMIT + 20)  # an attempt without a result after this has lost its worker
# Seconds, at most, until the next attempt; the last one again and again.
BACKOFF = (5, 60, 300, 1800, 7200, 21600, 43200)
GIVEN_UP_AFTER = timedelta(days=3)
LONGEST_PROBE = 300.0  # seconds, at most, between two attempts at a receiver that fails


@dataclass(frozen=True)
class Claimed:
    """A notice that its holder alone delivers now, and where to; both as they stood at the claim."""

    delivery: Delivery
    callback: Callback


def is_due() -> bool:
    """Whether there is a notice that may be tried now."""
    return any(_turns())


def claim() -> Claimed | None:
    """The notice that is next, of the receiver whose turn it is; None when none may be tried now."""
    for pk in _turns():
        if claimed := _claim(pk):
            return claimed
    return None


def attempt(claimed: Claimed) -> None:
    """Posts the notice and stores what came of it. Whoever is late, since another has claimed it, stores nothing."""
    try:
        outcome = _post(claimed)
    except Exception:  # A fault of ours must not make the notice come back again and again without a pause.
        log.exception("a notice can't be sent")
        outcome = Outcome(None, "The portal failed to send it; the worker's log says why.")
    with transaction.atomic():
        # The callback is locked before its notices, here as everywhere.
        callback = Callback.objects.select_for_update().filter(pk=claimed.callback.pk).first()
        mine = Delivery.objects.filter(pk=claimed.delivery.pk, claim=claimed.delivery.claim)
        if callback is None or not mine.exists():
            return
        if outcome.is_taken:
            _delivered(callback, mine, outcome)
        elif outcome.is_gone:
            _gone(callback, mine, outcome)
        else:
            _failed(callback, claimed.delivery, mine, outcome)


def _open() -> "QuerySet[Callback]":
    return Callback.objects.filter(Q(not_before=None) | Q(not_before__lte=Now()), state=Callback.State.ACTIVE)


def _turns() -> Iterator[int]:
    """The callbacks that have a notice for now, the one that was tried longest ago first.

    Looked up one by one, by an index each: for all at once the database would read every notice that waits.
    """
    for pk in list(_open().order_by(F("tried_at").asc(nulls_first=True)).values_list("pk", flat=True)):
        if _free(Delivery.objects.filter(callback=pk)).exists():
            yield pk


def _free(rows: "QuerySet[Delivery]") -> "QuerySet[Delivery]":
    """Those that are due and don't wait for an earlier notice of the same submission."""
    earlier = Delivery.objects.filter(
        callback=OuterRef("callback"),
        submission=OuterRef("submission"),
        state=Delivery.State.PENDING,
        position__lt=OuterRef("position"),
    )
    return rows.filter(~Exists(earlier), state=Delivery.State.PENDING, due_at__lte=Now())


def _claim(pk: int) -> Claimed | None:
    """The callback is locked meanwhile, so that its share and the order of its notices are exact."""
    with transaction.atomic():
        callback = _open().select_for_update().filter(pk=pk).first()
        if callback is None or _under_way(callback) >= (1 if callback.is_failing else TOGETHER):
            return None
        found = _next(callback)
        if found is None:
            return None
        found.claim = uuid.uuid4()
        Delivery.objects.filter(pk=found.pk).update(
            claim=found.claim,
            due_at=Now() + LEASE,
            attempts=F("attempts") + 1,
            tried_at=Now(),
            first_tried_at=Coalesce(F("first_tried_at"), Now()),
        )
        Callback.objects.filter(pk=pk).update(tried_at=Now())
        found.refresh_from_db(fields=["attempts", "first_tried_at"])
    return Claimed(found, callback)


def _under_way(callback: Callback) -> int:
    return callback.deliveries.filter(state=Delivery.State.PENDING, claim__isnull=False, due_at__gt=Now()).count()


def _next(callback: Callback) -> Delivery | None:
    """A test notice before all others, then the oldest change."""
    free = _free(callback.deliveries.select_for_update())
    return free.filter(position=None).first() or free.order_by("position").first()


def _post(claimed: Claimed) -> Outcome:
    callback, delivery = claimed.callback, claimed.delivery
    kept = [callback.secret]
    if callback.former_secret and callback.former_until and callback.former_until > timezone.now():
        kept.append(callback.former_secret)
    keys = [encryption.decrypt(bytes(each)) for each in kept]
    message_id, timestamp, body = delivery.webhook_id, int(time.time()), delivery.body.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "koodrive-batch-portal",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signing.signatures(keys, message_id, timestamp, body),
    }
    return posting.post(callback.url, headers, body)


def _delivered(callback: Callback, mine: "QuerySet[Delivery]", outcome: Outcome) -> None:
    mine.update(
        state=Delivery.State.DELIVERED,
        claim=None,
        due_at=None,
        ended_at=Now(),
        status_code=outcome.status,
        error="",
    )
    if callback.is_failing:
        # The receiver is back: what waited for its next attempt need not wait any longer.
        callback.deliveries.filter(state=Delivery.State.PENDING, claim=None, due_at__gt=Now()).update(due_at=Now())
    Callback.objects.filter(pk=callback.pk).update(failures=0, not_before=None, succeeded_at=Now())


def _gone(callback: Callback, mine: "QuerySet[Delivery]", outcome: Outcome) -> None:
    """The notice stays due, for the case that somebody sets or resumes the callback."""
    mine.update(claim=None, due_at=Now(), status_code=outcome.status, error=outcome.trouble)
    if callback.state == Callback.State.ACTIVE:
        Callback.objects.filter(pk=callback.pk).update(state=Callback.State.DISABLED, detail=outcome.trouble)
        service = f"service:{callback.service_id}"
        audit.record(Action.CALLBACK_DISABLED, by=NOTIFIER, service=service, detail=outcome.trouble)


def _failed(callback: Callback, delivery: Delivery, mine: "QuerySet[Delivery]", outcome: Outcome) -> None:
    wait = timedelta(seconds=max(waits.step(BACKOFF, delivery.attempts), outcome.retry_after))
    told = {"claim": None, "status_code": outcome.status, "error": outcome.trouble}
    assert delivery.first_tried_at
    if timezone.now() + wait > delivery.first_tried_at + GIVEN_UP_AFTER:
        mine.update(state=Delivery.State.GIVEN_UP, due_at=None, ended_at=Now(), **told)
    else:
        mine.update(due_at=Now() + wait, **told)
    failures = callback.failures + 1
    rest = outcome.retry_after
    if failures >= FAILING_AFTER:
        rest = max(rest, waits.doubled(failures - FAILING_AFTER, first=BACKOFF[0], longest=LONGEST_PROBE))
    not_before = Now() + timedelta(seconds=rest) if rest else callback.not_before
    Callback.objects.filter(pk=callback.pk).update(failures=failures, not_before=not_before)
