"""The audit trail as Django reads it. It is written only by ``jobs_app.audit``, through a function of the database."""

from django.db import models


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
