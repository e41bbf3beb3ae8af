"""How notices come into being: changes are read on where the last reading stopped, and become rows to deliver.

Nothing of this happens in the transaction that changes a submission: a callback can neither slow it down nor fail it.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from .. import canonical, feed
from ..actors import Actor, Channel, Kind, Scope
from ..models import Callback, Delivery

AT_ONCE = 1000  # changes that become rows in one transaction
MOST_WAITING = 10_000  # rows that a callback may have waiting; beyond that the changes wait in the trail
KEPT = timedelta(days=30)  # how long a row stays after its end
_WAITING = Q(state=Delivery.State.PENDING)


def read_on() -> None:
    """Makes rows of what has changed, for every callback that is in use; whoever comes second makes none twice."""
    behind = list(Callback.objects.filter(state=Callback.State.ACTIVE).select_related("service"))
    if not behind:
        return
    upto = feed.newest()
    for callback in behind:
        if callback.position < upto and callback.deliveries.filter(_WAITING).count() < MOST_WAITING:
            _read_on(callback, upto)


def _read_on(callback: Callback, upto: int) -> None:
    found = feed.changes(after=callback.position, limit=AT_ONCE, upto=upto, by=_reader(callback))
    rows = [
        Delivery(callback=callback, position=each.position, submission_id=each.row.pk, body=_body(each))
        for each in found.changes
    ]
    mine = Callback.objects.filter(pk=callback.pk, position=callback.position)
    with transaction.atomic():
        if mine.update(position=found.position):
            Delivery.objects.bulk_create(rows)


def _reader(callback: Callback) -> Actor:
    """The service itself: it is told of its own submissions, and of no others."""
    scopes = frozenset({Scope.READ})
    return Actor(Kind.SERVICE, callback.service_id, callback.service.name, Channel.WORKER, "worker", scopes=scopes)


def _body(change: feed.Change) -> str:
    return body("submission.changed", change.at, change.as_json())


def body(type_: str, at: datetime, data: dict[str, Any]) -> str:
    """The text of a notice."""
    document = {"type": type_, "timestamp": canonical.moment(at), "data": data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def forget_old() -> None:
    """Removes what was delivered or given up long ago, some at a time, and secrets whose time is over."""
    old = Delivery.objects.filter(ended_at__lt=Now() - KEPT).order_by("ended_at")
    Delivery.objects.filter(pk__in=old.values("pk")[:AT_ONCE]).delete()
    Callback.objects.filter(former_until__lte=Now()).update(former_secret=None, former_until=None)
