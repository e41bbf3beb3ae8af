"""The three tables of the bare view."""

import uuid

from django.db import models


class Caller(models.Model):
    name = models.TextField()
    digest = models.CharField(max_length=64, unique=True)

    is_authenticated = True

    def __str__(self) -> str:
        return self.name


class Job(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    caller = models.ForeignKey(Caller, models.PROTECT)
    operation = models.CharField(max_length=20)
    reason = models.TextField()
    status = models.CharField(max_length=20, default="queued")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.operation} {self.pk}"


class JobFile(models.Model):
    job = models.ForeignKey(Job, models.CASCADE)
    file_id = models.TextField()

    def __str__(self) -> str:
        return self.file_id
