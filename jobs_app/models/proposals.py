"""Changes that take two administrators: one proposes, another confirms."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_noop as _

from .people import User


class ProposalQuerySet(models.QuerySet["Proposal"]):
    def open(self, now: datetime) -> Self:
        """Those about which somebody may still decide, the oldest first."""
        return self.filter(state=Proposal.State.OPEN, expires_at__gt=now).order_by("pk")


class Proposal(models.Model):
    """What one administrator wants changed; it is done when another one confirms it, or never.

    What is proposed never changes (the application's role may not update it), and what was decided neither.
    """

    class Kind(models.TextChoices):
        POLICY = "policy", _("Policy")
        ROLE = "role", _("Roles of a person")
        SIGN_IN = "sign_in", _("Sign-in of a person")
        SPACE = "space", _("Space")

    class State(models.TextChoices):
        OPEN = "open", "Waits for another administrator"
        CONFIRMED = "confirmed", "Confirmed and done"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXPIRED = "expired", "Expired"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    subject = models.TextField(help_text="What it changes, as the trail names it, such as person:7.")
    before = models.JSONField(help_text="What it finds; it is not done when that has changed meanwhile.")
    after = models.JSONField()
    reason = models.TextField()
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    comment = models.TextField(default="")

    objects = ProposalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", decided_by=None, decided_at=None)
                | Q(state="expired", decided_by=None, decided_at__isnull=False)
                | Q(state="withdrawn", decided_by=F("proposed_by"), decided_at__isnull=False)
                | (
                    Q(state__in=["confirmed", "refused"], decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(decided_by=F("proposed_by"))
                ),
                name="decided_by_another_administrator",
            ),
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(state="open"), name="one_open_proposal_for_a_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject}: {self.state}"

    @property
    def ref(self) -> str:
        """As the trail names it."""
        return f"proposal:{self.pk}"
