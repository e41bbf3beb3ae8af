"""A batch: submissions that were submitted together, as one intention."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from .people import User
from .services import ApiToken, OfSomebody, Service


class Batch(OfSomebody, models.Model):
    """What was submitted in one call; its members are submissions of their own and name it.

    ``operation``, ``reason`` and ``reference`` are what all members have in common, None where they differ. A batch
    never changes (the application's role may not update it): what became of it, its members tell.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    operation = models.CharField(max_length=20, null=True)
    reason = models.TextField(null=True)
    reference = models.TextField(null=True)
    source = models.CharField(max_length=10)
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="batches")
    service = models.ForeignKey(Service, models.PROTECT, null=True, related_name="batches")
    token = models.ForeignKey(ApiToken, models.PROTECT, null=True, related_name="+")
    # Who may not approve it: as of its members.
    accountable = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    retry_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="retries")
    total = models.PositiveIntegerField(help_text="How many members it has.")
    refused = models.JSONField(default=list, help_text="The rows that were not taken, as the first answer showed them.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(total__gt=0), name="batch_has_members"),
            models.CheckConstraint(
                condition=Q(person=None, service__isnull=False, token__isnull=False)
                | Q(person__isnull=False, service=None, token=None, accountable=F("person")),
                name="batch_of_a_person_or_a_service",
            ),
        ]

    def __str__(self) -> str:
        return f"batch {self.id}"
