"""The directory of spaces: what people call them, who answers for them, and what may not be done with their files."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .people import User
from .proposals import Proposal


class Space(models.Model):
    """A space of KooDrive.

    A trigger holds that nothing is sent that ``protected`` or a hold forbids, and that both, and ``approval_always``,
    are loosened only by a confirmed proposal about exactly that, which ``loosened_by`` then names (migration 0013).
    """

    space_id = models.TextField(unique=True, help_text="As KooDrive names it: srcContainerId, dstContainerId.")
    name = models.TextField()
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="spaces")
    description = models.TextField(default="")
    protected = models.BooleanField(
        default=False, help_text="Nothing is moved to the recycle bin, or deleted, from it."
    )
    approval_always = models.BooleanField(default=False, help_text="Whatever is done with it takes an approval.")
    hold = models.TextField(default="", help_text="The reference of a legal hold; empty without one.")
    hold_until = models.DateTimeField(null=True, help_text="When the hold ends by itself; null: when it is lifted.")
    loosened_by = models.ForeignKey(Proposal, models.PROTECT, null=True, related_name="+")
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(hold="") | Q(hold_until=None), name="only_a_hold_has_an_end"),
            models.CheckConstraint(condition=~Q(space_id="") & ~Q(name=""), name="space_has_id_and_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        """As proposals name it."""
        return f"space:{self.space_id}"

    def is_held(self, now: datetime) -> bool:
        """Whether a legal hold stands at that time."""
        return bool(self.hold) and (self.hold_until is None or self.hold_until > now)
