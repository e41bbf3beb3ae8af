"""What administrators and services do about callbacks: set and remove them, stop and try them, change the secret.

Whoever gets a secret gets it once; it is kept encrypted and stands in no event.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from . import audit, encryption, feed, permissions, tasks, validators
from .actors import Actor, Kind
from .audit import Action, read
from .callbacks import addresses, queue, signing
from .errors import Invalid, NotFound, Problem, WrongState
from .models import Callback, Delivery, Service

LOOK_UP_SECONDS = 3.0
FORMER_SECRET_LIVES = timedelta(days=1)
_PAUSED, _ACTIVE = Callback.State.PAUSED, Callback.State.ACTIVE


@dataclass(frozen=True)
class Secret:
    """A new secret; ``former_until`` is when the one before it stops signing, None when there is none."""

    text: str = field(repr=False)
    former_until: datetime | None = None


def put(service: Service, url: str, *, by: Actor) -> Secret | None:
    """Sends the notices to ``url`` from now on, also after a 410; gives a new callback's secret, else None.

    An administrator's pause stays. A new callback begins with what happens from now on; changes of the last minute may
    come too. What waits for delivery goes to the new address. Raises ``NotAllowed``, or ``Invalid`` when the address
    must not be called.
    """
    permissions.require(permissions.set_callback(by, service), by=by, to="set a callback", confirmed=True)
    url = url.strip()
    _check(url)
    secret = signing.new_secret()
    start = feed.newest(read.extent().sealed_up_to or 0)
    told = {"set_by_id": by.key if by.kind is Kind.PERSON else None, "set_at": Now()}
    with transaction.atomic():
        callback, is_new = Callback.objects.select_for_update().get_or_create(
            service=service,
            defaults={"url": url, "secret": encryption.encrypt(secret), "position": start, **told},
        )
        before = None if is_new else {"url": _named(callback.url), "state": callback.state}
        if not is_new:
            _update(callback, url=url, **({} if callback.state == _PAUSED else _FRESH), **told)
        _tell(Action.CALLBACK_SET, callback, by=by, before=before, url=_named(url))
    tasks.nudge_delivery()
    return Secret(secret) if is_new else None


# As if nothing had gone wrong yet.
_FRESH = {"state": _ACTIVE, "detail": "", "failures": 0, "not_before": None}


def remove(service: Service, *, by: Actor) -> None:
    """Forgets the address, the secret and the log. Raises ``NotAllowed`` or ``NotFound``."""
    permissions.require(permissions.set_callback(by, service), by=by, to="remove a callback", confirmed=True)
    with transaction.atomic():
        callback = _locked(service)
        callback.delete()
        _tell(Action.CALLBACK_REMOVED, callback, by=by, url=_named(callback.url))


def rotate(service: Service, *, by: Actor) -> Secret:
    """A new secret; the one in use signs too for another day. Raises ``NotAllowed`` or ``NotFound``."""
    permissions.require(permissions.set_callback(by, service), by=by, to="rotate a callback's secret", confirmed=True)
    secret = Secret(signing.new_secret(), timezone.now() + FORMER_SECRET_LIVES)
    with transaction.atomic():
        callback = _locked(service)
        encrypted = encryption.encrypt(secret.text)
        _update(callback, former_secret=callback.secret, former_until=secret.former_until, secret=encrypted)
        _tell(Action.CALLBACK_ROTATED, callback, by=by)
    return secret


def pause(service: Service, *, reason: str, by: Actor) -> None:
    """Sends no notices until somebody resumes; what happens meanwhile is kept.

    Raises ``NotAllowed``, ``Invalid`` without a reason, ``NotFound``, or ``WrongState`` when it isn't in use.
    """
    _may_run(by, "pause a callback")
    said = validators.reason(reason)
    with transaction.atomic():
        callback = _locked(service)
        if callback.state != _ACTIVE:
            raise WrongState("Its notices are stopped already; load the page again to see why.")
        _update(callback, state=_PAUSED, detail=said)
        _tell(Action.CALLBACK_PAUSED, callback, by=by, reason=said)


def resume(service: Service, *, by: Actor) -> None:
    """Ends a pause, or lets a disabled callback go on.

    Raises ``NotAllowed``, ``NotFound``, or ``WrongState`` when nothing is stopped.
    """
    _may_run(by, "resume a callback")
    with transaction.atomic():
        callback = _locked(service)
        if callback.state == _ACTIVE:
            raise WrongState("Its notices aren't stopped, so there is nothing to resume.")
        _update(callback, **_FRESH)
        _tell(Action.CALLBACK_RESUMED, callback, by=by, before={"state": callback.state})
    tasks.nudge_delivery()


def test(service: Service, *, by: Actor) -> None:
    """Has a notice of the type ``ping`` sent, before all that waits.

    Raises ``NotAllowed``, ``NotFound``, or ``WrongState`` when its notices are stopped.
    """
    _may_run(by, "test a callback")
    with transaction.atomic():
        callback = _locked(service)
        if callback.state != _ACTIVE:
            raise WrongState("Its notices are stopped; resume them first.")
        body = queue.body("ping", timezone.now(), {"service": service.name})
        Delivery.objects.create(callback=callback, body=body)
        _update(callback, not_before=None)
        _tell(Action.CALLBACK_TESTED, callback, by=by)
    tasks.nudge_delivery()


def resend(service: Service, delivery: int, *, by: Actor) -> None:
    """Has one notice sent at once, whatever became of it; with the same ``webhook-id``.

    Raises ``NotAllowed``, or ``NotFound`` when the service has no such notice.
    """
    if not _resend(service, by=by, only={"pk": delivery}, told={"delivery": delivery}):
        raise NotFound


def resend_failed(service: Service, *, since: datetime, by: Actor) -> int:
    """Has every notice sent again that was given up since then; says how many.

    Raises ``NotAllowed`` or ``NotFound``.
    """
    only = {"state": Delivery.State.GIVEN_UP, "ended_at__gte": since}
    return _resend(service, by=by, only=only, told={"since": since.isoformat()})


def _resend(service: Service, *, by: Actor, only: dict[str, Any], told: dict[str, Any]) -> int:
    _may_run(by, "resend notices")
    with transaction.atomic():
        callback = _locked(service)
        # What is under way stays with its worker.
        free = callback.deliveries.filter(claim=None, **only)
        count = free.update(state=Delivery.State.PENDING, due_at=Now(), ended_at=None, first_tried_at=None)
        if count:
            _update(callback, not_before=None)
            _tell(Action.CALLBACK_RESENT, callback, by=by, count=count, **told)
    tasks.nudge_delivery()
    return count


def _may_run(by: Actor, to: str) -> None:
    permissions.require(permissions.run_callbacks(by), by=by, to=to)


def _check(url: str) -> None:
    """Raises ``Invalid`` when the address must not be called, or its host can't be looked up now."""
    try:
        addresses.resolve(addresses.parse(url), seconds=LOOK_UP_SECONDS)
    except addresses.RefusedError as error:
        raise Invalid([Problem("/url", "refused_address", str(error))]) from error
    except addresses.UnresolvedError as error:
        raise Invalid([Problem("/url", "unresolved_host", str(error))]) from error


def _named(url: str) -> str:
    """The address as events have it: what stands behind a question mark may be a secret."""
    return url.partition("?")[0]


def _locked(service: Service) -> Callback:
    callback = Callback.objects.select_for_update().filter(service=service).first()
    if callback is None:
        raise NotFound
    return callback


def _update(callback: Callback, **values: Any) -> None:
    Callback.objects.filter(pk=callback.pk).update(**values)


def _tell(action: Action, callback: Callback, *, by: Actor, **details: Any) -> None:
    audit.record(action, by=by, service=f"service:{callback.service_id}", **details)
