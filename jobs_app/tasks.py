"""Celery's tasks: thin doors to the floors below. A message is a nudge; losing or doubling one changes nothing."""

import time
from functools import cache
from uuid import UUID

from celery import shared_task
from kombu.exceptions import OperationalError

from . import audit, dispatch, settling, sweeping, tracking
from .koodrive.client import Client, from_settings
from .models import Submission

NUDGE_LIFE = 60  # seconds; the sweep nudges again, so an old message would only add to a backlog
_QUIET = 5.0  # seconds without a nudge after the broker failed one, so that no request waits for it again and again

_silent_until = 0.0


@shared_task
def send(submission_id: str) -> None:
    dispatch.send(UUID(submission_id), client=_client())


@shared_task
def sweep() -> None:
    for submission in sweeping.sweep(client=_client()):
        nudge(submission)


@shared_task
def poll() -> None:
    tracking.poll(client=_client())


@shared_task
def settle() -> None:
    settling.settle(client=_client())


@shared_task
def keep_alive() -> None:
    tracking.try_connection(client=_client())


@shared_task
def make_partitions() -> None:
    audit.make_partitions()


def nudge(submission: Submission) -> None:
    """Tells the workers that it is due. Never raises and never waits long: without a broker the sweep finds it."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        send.apply_async((str(submission.pk),), expires=NUDGE_LIFE, retry=False)
    except (OperationalError, OSError):
        _silent_until = time.monotonic() + _QUIET


@cache
def _client() -> Client:
    return from_settings()
