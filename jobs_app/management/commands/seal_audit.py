"""``manage.py seal_audit``: the sealer, until it is stopped. The only process that needs the private key."""

import logging
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from ... import pulse
from ...audit import anchors, keys, seal

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Closes and signs ranges of the audit trail, and publishes the heads, until it is stopped."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = keys.private()
            anchors.check(settings.AUDIT_ANCHORS)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        ending = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ending.set())
        while True:
            try:
                seal.seal_all(key)
                anchors.publish(settings.AUDIT_ANCHORS)
                pulse.beat("sealer", using=seal.ALIAS)
            except seal.WritersBusyError:
                # Without a sign of life: a writer that never ends is noticed by the sealer's silence.
                log.warning("a writer keeps the trail's lock; nothing could be sealed, trying again")
            except DatabaseError:
                log.exception("the trail can't be sealed just now; trying again")
                connections[seal.ALIAS].close()
            if ending.wait(settings.SEAL_SECONDS):
                return
