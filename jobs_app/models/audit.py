"""The audit trail as Django reads it, and what belongs to its reading: attempts to be told, and exports.

The trail is written only by ``jobs_app.audit``, through a function of the database.
"""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .people import User


class Event(models.Model):
    """One event. ``line`` is the exact text that is hashed; the other columns are read out of it by the database."""

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    line = models.TextField()
    action = models.TextField()
    outcome = models.TextField(null=True)
    actor = models.TextField(null=True)
    submission = models.UUIDField(null=True)

    class Meta:
        managed = False
        db_table = 'audit"."event'
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.seq} {self.action}"


class RefusedAttempt(models.Model):
    """How often strangers were turned away from an address in a minute; the sweep makes one event of each row.

    An event for each attempt would let anybody fill the trail.
    """

    class Kind(models.TextChoices):
        SIGN_IN = "sign_in"
        FACTOR = "factor"
        THROTTLED = "throttled"
        TOKEN = "token"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    address = models.TextField(help_text="An IPv4 address, or the /64 network of an IPv6 one; empty when unknown.")
    minute = models.DateTimeField()
    person = models.ForeignKey(User, models.CASCADE, null=True, related_name="+", help_text="Whose account was tried.")
    count = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["minute", "address", "kind", "person"], nulls_distinct=False, name="one_row_per_minute"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} times {self.kind} from {self.address}"


class Export(models.Model):
    """An archive, an evidence pack or a table that a person asked for; a worker writes it, and it is kept for a time.

    The row is the queue, as with submissions: a lost message or a killed worker costs an interval, never the export.
    """

    class Kind(models.TextChoices):
        ARCHIVE = "archive"
        EVIDENCE = "evidence"
        CSV = "csv"
        LIST = "list"  # of submissions, and not of the trail

    class Status(models.TextChoices):
        WAITING = "waiting"
        WRITING = "writing"
        READY = "ready"
        FAILED = "failed"
        DELETED = "deleted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    query = models.TextField(
        help_text="What of the trail, as a line of the search, or of the list, as in its address; empty for everything."
    )
    zone = models.TextField(default="UTC", help_text="The time zone of a table's second column of times.")
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="exports")
    requested_at = models.DateTimeField(db_default=Now())
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    touched_at = models.DateTimeField(null=True, help_text="When its worker last showed that it is at it.")
    done = models.BigIntegerField(default=0, help_text="Events written so far.")
    total = models.BigIntegerField(null=True, help_text="About how many events there are to write.")
    size = models.BigIntegerField(null=True, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, default="")
    manifest = models.JSONField(null=True)
    problem = models.TextField(default="", help_text="Why it failed, for people.")
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["-requested_at"], name="export_newest"),
            models.Index(fields=["status"], name="export_open", condition=Q(status__in=["waiting", "writing"])),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="ready") | Q(size__isnull=False, expires_at__isnull=False) & ~Q(sha256=""),
                name="ready_export_is_there",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class ExportPart(models.Model):
    """A piece of an export. In the database, so that any web server can hand out what any worker wrote."""

    export = models.ForeignKey(Export, models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["export", "number"], name="one_part_per_number")]

    def __str__(self) -> str:
        return f"part {self.number} of {self.export_id}"
