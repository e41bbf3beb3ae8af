"""Filters of the list that people keep."""

from django.db import models

from .people import User


class SavedFilter(models.Model):
    """A filter of the list under a name of its owner's; ``query`` is what stands in the list's address."""

    person = models.ForeignKey(User, models.CASCADE, related_name="saved_filters", db_index=False)
    name = models.CharField(max_length=60)
    query = models.TextField()
    is_shared = models.BooleanField(default=False, help_text="Whether everybody who sees the list sees it.")

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            # Its index serves the foreign key.
            models.UniqueConstraint(fields=["person", "name"], name="one_filter_per_name"),
        ]

    def __str__(self) -> str:
        return self.name
