"""Celery's tasks: thin doors to the floors below. A message is a nudge; losing or doubling one changes nothing."""

import logging
import threading
from functools import cache
from typing import Any
from uuid import UUID

from celery import shared_task, signals
from django.db import close_old_connections, connections

from . import (
    audit,
    connection,
    dispatch,
    export_jobs,
    figures,
    identities,
    pulse,
    reconciling,
    ringing,
    settling,
    sweeping,
    tracking,
)
from .actors import SWEEPER, Channel
from .audit import anchors, verify
from .callbacks import delivery, queue
from .koodrive.client import Client
from .koodrive.rate import shared_rate
from .models import Submission, User
from .notices import courier, reading, watching
from .protection import Protection

log = logging.getLogger(__name__)

AT_ONCE = 32  # nudges of one sweep; each makes a thread send until nothing is due
_CHECKING = 7411011  # PostgreSQL's lock for whoever checks the whole trail
COURIERS = 12  # threads of a process, beside Celery's, that deliver notices: nearly all of their time they wait

_ending = threading.Event()
_senders = threading.BoundedSemaphore(1)
_exporting = threading.Lock()
_mailing = threading.Lock()
_couriers = threading.BoundedSemaphore(COURIERS)


@signals.celeryd_after_setup.connect
def _keep_threads_free(instance: Any, **kwargs: object) -> None:
    """One thread in five never sends, so that polling and the sweep go on whatever waits to be sent."""
    global _senders
    _senders = threading.BoundedSemaphore(max(1, instance.concurrency * 4 // 5))


@shared_task
def send(submission_id: str | None = None) -> None:
    """Sends what is due, this one first. Dropped when enough threads are at it: they go on until nothing is due."""
    if not _senders.acquire(blocking=False):
        return
    try:
        if submission_id:
            _send_if_due(UUID(submission_id))
        sent = _send_if_due()
        while sent:
            sent = _send_next()
    finally:
        _senders.release()


def _send_if_due(only: UUID | None = None) -> bool:
    """Asks first whether there is anything to send, so that no permit is drawn for nothing."""
    return dispatch.is_due(only) and _send_next(only)


def _send_next(only: UUID | None = None) -> bool:
    """False when there was nothing to send, or the worker is ending."""
    if not _protection().may_send(_ending.is_set):
        return False
    client = _client()
    outcome = dispatch.send(only, client=client, may_go_on=lambda: _may_go_on(client))
    _protection().note(outcome)
    return outcome is not None


def _may_go_on(client: Client) -> bool:
    """Whether another submission may be claimed with the client right now; asks and waits for nothing."""
    return not _ending.is_set() and connection.is_in_use(client) and _protection().may_go_on()


@cache
def _protection() -> Protection:
    return Protection(shared_rate())


@signals.worker_shutting_down.connect
def _end(**kwargs: object) -> None:
    _ending.set()


@shared_task
def sweep() -> None:
    for _ in range(min(sweeping.sweep(client=_client()), AT_ONCE)):
        ringing.ring_now(send)
    if export_jobs.sweep():
        ringing.ring_now(write_exports)
    pulse.beat("worker")


@signals.beat_init.connect
def _watch_beat(**kwargs: object) -> None:
    """In beat's process alone: its ringing for a sweep is its sign of life."""
    signals.after_task_publish.connect(_rang, sender=sweep.name)


def _rang(**kwargs: object) -> None:
    close_old_connections()
    pulse.beat("beat")


@shared_task
def write_exports() -> None:
    """Has them written, one at a time in a process, by a thread of its own: however long it takes, it holds up nothing.

    The process ends after that thread, which stops at once when the worker is ending.
    """
    if _exporting.acquire(blocking=False):
        threading.Thread(target=_write_exports, name="exports").start()


def _write_exports() -> None:
    try:
        while not _ending.is_set() and export_jobs.write_next(stop=_ending.is_set):
            pass
    except Exception:
        log.exception("exports can't be written now; the sweep has it tried again")
    finally:
        connections.close_all()
        _exporting.release()


@shared_task
def deliver() -> None:
    """Makes notices of what has changed, and has couriers deliver them, who take none of Celery's threads."""
    queue.read_on()
    if delivery.is_due():
        _start_courier()


def _start_courier() -> None:
    """A thread that nobody waits for: what is under way when the process ends is delivered again."""
    if not _ending.is_set() and _couriers.acquire(blocking=False):
        threading.Thread(target=_deliver_on, name="courier", daemon=True).start()


def _deliver_on() -> None:
    """Delivers until there is nothing to do; whenever there was something, another courier has a look too."""
    try:
        while not _ending.is_set() and (claimed := delivery.claim()):
            _start_courier()
            delivery.attempt(claimed)
    finally:
        connections.close_all()
        _couriers.release()


@shared_task
def notify() -> None:
    """Makes notices of what has happened, and has those that are due mailed by a thread that is none of Celery's."""
    reading.read_on()
    if courier.is_due() and not _ending.is_set() and _mailing.acquire(blocking=False):
        threading.Thread(target=_mail_on, name="mail", daemon=True).start()


def _mail_on() -> None:
    """One letter after the other until none is due; what is under way when the process ends is mailed again."""
    try:
        while not _ending.is_set() and (letter := courier.claim()):
            courier.attempt(letter)
    finally:
        connections.close_all()
        _mailing.release()


@shared_task
def watch() -> None:
    watching.look()


@shared_task
def count() -> None:
    figures.refresh()


@shared_task
def poll() -> None:
    tracking.poll(client=_client())


@shared_task
def settle() -> None:
    settling.settle(client=_client())


@shared_task
def keep_alive() -> None:
    tracking.try_connection(client=connection.client(fresh=True))


@shared_task
def verify_trail(person: int | None = None) -> None:
    """Says the result in the trail, whichever it is, as what that person wanted to know; one check at a time."""
    by = SWEEPER
    if person:
        user = User.objects.get(pk=person)
        by = identities.person(user, channel=Channel.WORKER, ip=None, request_id=None)
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_CHECKING])
        if not cursor.fetchone()[0]:
            return
        try:
            verify.live(anchors.known(), by=by)
        except verify.Broken as error:
            log.critical("the audit trail is broken: %s", error)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_CHECKING])


@shared_task
def compare_tasks() -> None:
    """Says in the trail how it went, whichever way; the health page reads it there."""
    result = reconciling.compare(client=connection.client(fresh=True), by=SWEEPER)
    if result.trouble:
        log.error("KooDrive's tasks were not compared: %s", result.trouble)


@shared_task
def make_partitions() -> None:
    audit.make_partitions()


def nudge(submission: Submission) -> None:
    """Tells the workers that it is due. Never raises and never waits long: without a broker the sweep finds it."""
    ringing.ring(send, str(submission.pk))


def nudge_exports() -> None:
    """Tells the workers that an export waits; without a broker the sweep does."""
    ringing.ring(write_exports)


def nudge_poll() -> None:
    """Tells the workers that a task is to be asked about now; without a broker the next poll does."""
    ringing.ring(poll)


def nudge_delivery() -> None:
    """Tells the workers that there may be notices to deliver; without a broker the next beat does."""
    ringing.ring(deliver)


def nudge_verification(person: int) -> bool:
    """Has the whole trail checked for that person; False when the broker is away."""
    return ringing.ring_now(verify_trail, person)


def _client() -> Client:
    return connection.client()
