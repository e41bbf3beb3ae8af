"""Where a service gets its notices, and each notice until some time after its delivery."""

import json
import uuid
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .people import User
from .services import Service
from .submissions import Submission

FAILING_AFTER = 5  # attempts in a row that came to nothing


class CallbackQuerySet(models.QuerySet["Callback"]):
    def failing(self) -> Self:
        """Those to which nothing arrives, and which are tried again and again."""
        return self.filter(state=Callback.State.ACTIVE, failures__gte=FAILING_AFTER)


class Callback(models.Model):
    """The address to which a service gets notices of its submissions' changes of state."""

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"  # by an administrator
        DISABLED = "disabled"  # by the receiver, which answered 410

    service = models.OneToOneField(Service, models.CASCADE, related_name="callback")
    url = models.TextField()
    secret = models.BinaryField(help_text="Encrypted.")
    former_secret = models.BinaryField(null=True, help_text="Encrypted; signs too until former_until.")
    former_until = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    detail = models.TextField(default="", help_text="Why it is paused or disabled, for people.")
    position = models.BigIntegerField(help_text="Up to which event of the trail its changes have become deliveries.")
    failures = models.PositiveIntegerField(default=0, help_text="Attempts in a row that came to nothing.")
    not_before = models.DateTimeField(null=True, help_text="The receiver is left alone until then.")
    tried_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    set_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", help_text="None: the service itself.")
    set_at = models.DateTimeField(db_default=Now())

    objects = CallbackQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["active", "paused", "disabled"]), name="callback_state_known"
            ),
            models.CheckConstraint(
                condition=Q(former_secret=None, former_until=None)
                | Q(former_secret__isnull=False, former_until__isnull=False),
                name="former_secret_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"callback of {self.service}"

    @property
    def is_failing(self) -> bool:
        return self.state == self.State.ACTIVE and self.failures >= FAILING_AFTER


class Delivery(models.Model):
    """A notice and how its delivery stands. The row is the queue: ``due_at`` says when it is tried next.

    ``claim`` is that of the attempt under way. An attempt whose worker is gone is over when the row is due again.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        GIVEN_UP = "given_up"

    callback = models.ForeignKey(Callback, models.CASCADE, related_name="deliveries")
    message_id = models.UUIDField(default=uuid.uuid4, help_text="What its webhook-id is made of.")
    position = models.BigIntegerField(null=True, help_text="The number of its event; None for a test notice.")
    submission = models.ForeignKey(Submission, models.CASCADE, null=True, related_name="+")
    body = models.TextField(help_text="The exact text that is sent.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    claim = models.UUIDField(null=True)
    due_at = models.DateTimeField(null=True, db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    first_tried_at = models.DateTimeField(null=True, help_text="Of this round; sending it again begins another one.")
    tried_at = models.DateTimeField(null=True)
    status_code = models.PositiveSmallIntegerField(null=True, help_text="What the receiver answered last.")
    error = models.TextField(default="", help_text="Why the last attempt came to nothing, for people.")
    ended_at = models.DateTimeField(null=True, help_text="When it was delivered or given up.")

    class Meta:
        indexes = [
            models.Index(fields=["callback", "due_at"], name="delivery_due", condition=Q(state="pending")),
            models.Index(fields=["callback", "position"], name="delivery_next", condition=Q(state="pending")),
            models.Index(
                fields=["callback", "submission", "position"], name="delivery_order", condition=Q(state="pending")
            ),
            models.Index(fields=["callback", "-id"], name="delivery_newest"),
            models.Index(fields=["callback", "-id"], name="delivery_given_up", condition=Q(state="given_up")),
            models.Index(fields=["ended_at"], name="delivery_ended", condition=Q(ended_at__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["callback", "position"], name="one_delivery_of_a_change"),
            models.CheckConstraint(
                condition=Q(state="pending", due_at__isnull=False, ended_at=None)
                | Q(state__in=["delivered", "given_up"], due_at=None, claim=None, ended_at__isnull=False),
                name="delivery_is_due_or_ended",
            ),
            models.CheckConstraint(
                condition=Q(position=None, submission=None) | Q(position__isnull=False, submission__isnull=False),
                name="delivery_has_its_change",
            ),
        ]

    def __str__(self) -> str:
        return f"notice {self.message_id}"

    @property
    def webhook_id(self) -> str:
        """The same at each attempt, so that a receiver knows what it has already."""
        return f"msg_{self.message_id.hex}"

    @property
    def document(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed
