"""Addresses of finished packages: whoever has one may load it, so they are encrypted and the trail says who got one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from . import audit, encryption, permissions
from .actors import Actor
from .audit import Action
from .models import DownloadLink, Submission


@dataclass(frozen=True)
class Link:
    """Where a package can be loaded, and until when KooDrive keeps it."""

    url: str = field(repr=False)
    expires_at: datetime


def keep(submission: Submission, url: str) -> None:
    """Stores the address for as long as KooDrive keeps a package; belongs into the transaction that ends the task."""
    ends = timezone.now() + timedelta(days=settings.KOODRIVE_PACKAGE_DAYS)
    DownloadLink.objects.create(submission=submission, ciphertext=encryption.encrypt(url), expires_at=ends)


def hand_out(submission: Submission, *, by: Actor) -> Link:
    """The address of the package, once the trail says who got it.

    Raises ``NotAllowed``, ``WrongState`` (no finished package), ``Gone`` (its time is over) or ``AuditUnavailable``.
    """
    permissions.require(permissions.load_package(by, submission), by=by, to="load_package", submission=submission)
    kept = submission.download_link
    url = encryption.decrypt(bytes(kept.ciphertext))
    with transaction.atomic():
        ends = kept.expires_at.isoformat()
        audit.record(Action.LINK_HANDED_OUT, by=by, submission=submission, task=submission.task_id, expiresAt=ends)
    return Link(url, kept.expires_at)


def delete_expired() -> None:
    """Forgets the addresses whose packages KooDrive no longer keeps."""
    DownloadLink.objects.filter(expires_at__lte=Now()).delete()
