"""Internal services and the tokens they call with."""

import hashlib
import secrets
from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from ..actors import Scope
from .people import User


class Service(models.Model):
    """A program that submits. Its owner answers for it and never approves what it submitted."""

    name = models.CharField(max_length=100, unique=True)
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="services")
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def alive(self, now: datetime) -> Self:
        return self.filter(revoked_at=None, expires_at__gt=now)

    def of_secret(self, secret: str) -> Self:
        return self.filter(digest=ApiToken.digest_of(secret))


class ApiToken(models.Model):
    """A token of a service. The secret is shown once; its SHA-256 is kept (256 random bits need no slow hash)."""

    PREFIX = "kdp_"

    service = models.ForeignKey(Service, models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=40))
    created_at = models.DateTimeField(db_default=Now())
    first_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=list(Scope)) & models.Q(scopes__len__gt=0),
                name="scopes_are_known",
            ),
        ]

    def __str__(self) -> str:
        return f"token {self.pk} of {self.service}"

    @classmethod
    def new_secret(cls) -> str:
        return cls.PREFIX + secrets.token_urlsafe(32)

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()
