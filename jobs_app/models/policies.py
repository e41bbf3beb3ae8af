"""The policy, as it was from one moment to the next, and what of its daily budgets is used up."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .people import User
from .proposals import Proposal


class Policy(models.Model):
    """The rules from one moment on (``rulebook.py`` says which there are). The newest row is in force.

    Without a row the defaults are, in the set-up phase. A row never changes and never goes; once the set-up phase is
    over, a looser one names the proposal that two administrators agreed on (a trigger holds it, migration 0014).
    """

    rules = models.JSONField()
    in_set_up = models.BooleanField(help_text="Whether one administrator alone may loosen it.")
    reason = models.TextField()
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())
    proposal = models.OneToOneField(Proposal, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"policy {self.pk}"


class Spent(models.Model):
    """How many items a person or a service has submitted on one day (UTC) of what a budget counts.

    The row is locked from a submission's first statement to its end, so that of several at once each sees the others.
    It only grows (a trigger holds it).
    """

    owner = models.BigIntegerField(help_text="The service's number, or the person's, negative.")
    day = models.DateField()
    budget = models.CharField(max_length=10)
    items = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "day", "budget"], name="one_count_a_day"),
            models.CheckConstraint(condition=Q(items__gt=0) & ~Q(owner=0), name="count_of_somebody"),
        ]

    def __str__(self) -> str:
        return f"{self.items} items of {self.budget} on {self.day}"
