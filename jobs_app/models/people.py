"""People and what each of them may do."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Now

from ..actors import Role


class User(AbstractUser):
    """A person who signs in. Rights come from role grants alone: being a superuser of Django's means nothing here."""

    def current_roles(self) -> frozenset[Role]:
        return frozenset(Role(grant.role) for grant in self.role_grants.all())


class RoleGrant(models.Model):
    """A role that a person has, since when and from whom (nobody: from the command line)."""

    class Source(models.TextChoices):
        PORTAL = "portal"
        SSO = "sso"

    person = models.ForeignKey(User, models.CASCADE, related_name="role_grants")
    role = models.CharField(max_length=20)
    granted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField(db_default=Now())
    source = models.CharField(
        max_length=10,
        choices=Source.choices,
        default=Source.PORTAL,
        db_default=Source.PORTAL,
        help_text="Groups of the identity provider give roles at each sign-in, and take only those away.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "role"], name="one_grant_per_person_and_role"),
            models.CheckConstraint(condition=models.Q(role__in=list(Role)), name="role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.person} is {self.role}"
