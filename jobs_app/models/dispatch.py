"""What decides about sending for everybody: pauses, KooDrive's credentials, and the pulse of the workers."""

from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from ..operations import BY_NAME, Operation, of_pair
from .people import User
from .submissions import Submission

# Whether a pause covers a row of jobs_app_submission, in SQL; ``Pause.covers`` says the same of one.
COVERS = """pause.operation IN ('', jobs_app_submission.operation)
    AND pause.space IN ('', jobs_app_submission.space, jobs_app_submission.source_space)"""
PAUSED = f"EXISTS (SELECT FROM jobs_app_pause AS pause WHERE {COVERS})"  # noqa: S608  (put together from constants only)


class Pause(models.Model):
    """What it covers isn't sent while the row stands; ``cause`` says how it ends.

    It covers one operation, one space (as source or target), what is both, or, when neither is named, everything.
    """

    class Cause(models.TextChoices):
        CREDENTIALS = "credentials"  # KooDrive refused them; ends when a harmless read works again
        ADDRESS = "address"  # what answered isn't KooDrive's API; ends likewise
        UNREACHABLE = "unreachable"  # several calls in a row came to nothing; ends likewise
        PERSON = "person"  # somebody stopped it; ends when an administrator says so

    cause = models.CharField(max_length=20, choices=Cause.choices)
    operation = models.CharField(max_length=20, default="", db_default="", help_text="Empty: every one.")
    space = models.TextField(default="", db_default="", help_text="Its id; empty: every one.")
    since = models.DateTimeField(db_default=Now())
    detail = models.TextField()
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cause", "operation", "space"], name="one_pause_of_a_kind"),
            models.CheckConstraint(condition=Q(operation__in=["", *BY_NAME]), name="paused_operation_is_known"),
            models.CheckConstraint(
                condition=Q(cause="person") | Q(operation="", space=""), name="a_machine_pauses_everything"
            ),
        ]

    def __str__(self) -> str:
        return f"paused since {self.since}: {self.detail}"

    @property
    def is_of_everything(self) -> bool:
        return not (self.operation or self.space)

    def covers(self, submission: Submission) -> bool:
        spaces = ("", submission.space, submission.source_space)
        return self.operation in ("", submission.operation) and self.space in spaces


class Credential(models.Model):
    """A bearer token for KooDrive, encrypted; the newest row is the one in use, older ones stay as history, emptied."""

    class Origin(models.TextChoices):
        ENVIRONMENT = "environment"
        PORTAL = "portal"

    ciphertext = models.BinaryField()
    fingerprint = models.CharField(max_length=40, help_text="As the trail names it; reveals nothing.")
    origin = models.CharField(max_length=20, choices=Origin.choices)
    set_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    set_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.fingerprint


class ForeignTaskQuerySet(models.QuerySet["ForeignTask"]):
    def standing(self) -> Self:
        """Without those that were bound to a submission since they were found."""
        return self.exclude(Exists(Submission.objects.filter(task_id=OuterRef("task_id"))))

    def unnoted(self) -> Self:
        """Those that still stand and into which nobody has looked yet."""
        return self.standing().filter(noted_by=None)


class ForeignTask(models.Model):
    """A task in KooDrive that the portal did not send: somebody works past it, or another system does."""

    task_id = models.TextField(primary_key=True)
    task_type = models.PositiveSmallIntegerField()
    action_type = models.PositiveSmallIntegerField(null=True)
    space = models.TextField(default="")
    items = models.PositiveIntegerField(null=True)
    status = models.TextField(default="", help_text="As KooDrive called it when the task was found.")
    created_at = models.DateTimeField(null=True, help_text="When KooDrive made it, by the portal's clock.")
    found_at = models.DateTimeField(db_default=Now())
    noted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", help_text="Who looked into it.")
    noted_at = models.DateTimeField(null=True)
    note = models.TextField(default="")

    objects = ForeignTaskQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-found_at"], name="foreign_newest")]
        constraints = [
            models.CheckConstraint(
                condition=Q(noted_by=None, noted_at=None) | Q(noted_by__isnull=False, noted_at__isnull=False),
                name="noted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"foreign task {self.task_id}"

    @property
    def kind(self) -> Operation | None:
        """None when the catalogue has no such operation."""
        return of_pair(self.task_type, self.action_type)


class Heartbeat(models.Model):
    """When a part of the portal last showed that it works; one row a part."""

    part = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.part} at {self.at}"
