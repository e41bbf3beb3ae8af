"""The keys by which callers repeat a request safely."""

from django.db import models
from django.db.models.functions import Now


class IdempotencyKey(models.Model):
    """What came of a request with this ``Idempotency-Key``; committed with what it made, or not at all."""

    owner = models.BigIntegerField(help_text="The service's number, or the person's, negative.")
    key = models.TextField()
    digest = models.CharField(max_length=64, help_text="A keyed hash of the call and its whole body.")
    made = models.UUIDField(help_text="The submission or the batch.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="one_use_of_a_key")]
        indexes = [models.Index(fields=["created_at"], name="key_oldest")]

    def __str__(self) -> str:
        return f"{self.key} of {self.owner}"
