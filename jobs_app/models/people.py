"""People and what each of them may do."""

import re
from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from ..actors import GUARDED_ROLES, Role

ERASED = re.compile(r"erased-\d+", re.IGNORECASE)  # names that stand for people whose name was erased
COUNTS_AFTER = timedelta(hours=24)  # a role that takes two administrators counts for decisions, in production


def present(person: str = "") -> Q:
    """People who may sign in and whose roles count; ``person`` leads to them from another row, as in ``owner__``."""
    lasts = Q(**{f"{person}last_day": None}) | Q(**{f"{person}last_day__gte": timezone.now().date()})
    return lasts & Q(**{f"{person}is_active": True})


class PersonQuerySet(models.QuerySet["User"]):
    def present(self) -> Self:
        """Those who may sign in now and whose roles count."""
        return self.filter(present())

    def having(self, *roles: Role) -> Self:
        """Those who have one of the roles, whether they are present or not."""
        return self.filter(pk__in=RoleGrant.objects.filter(role__in=roles).values("person"))


class PersonManager(UserManager["User"]):
    use_in_migrations = False

    def get_queryset(self) -> PersonQuerySet:
        return PersonQuerySet(self.model, using=self._db)

    def present(self) -> PersonQuerySet:
        return self.get_queryset().present()

    def having(self, *roles: Role) -> PersonQuerySet:
        return self.get_queryset().having(*roles)


class User(AbstractUser):
    """A person who signs in. Rights come from role grants alone: being a superuser of Django's means nothing here."""

    class Theme(models.TextChoices):
        LIGHT = "light"
        DARK = "dark"

    last_day = models.DateField(
        null=True, blank=True, help_text="The last day (UTC) on which they may sign in; nothing: no end."
    )
    ended_day = models.DateField(
        null=True, blank=True, help_text="The last day that is over, of which the trail says so."
    )
    email_since = models.DateTimeField(
        null=True, blank=True, help_text="When an administrator last changed the address."
    )

    invited_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last link to set their password was made."
    )
    invited_by = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")

    theme = models.CharField(
        max_length=5, choices=Theme.choices, blank=True, default="", help_text="Empty: as the system has it."
    )
    language = models.CharField(max_length=20, blank=True, default="", help_text="Empty: the browser's.")
    time_zone = models.CharField(max_length=64, default="UTC", help_text="A name of the IANA database.")

    objects: ClassVar[PersonManager] = PersonManager()

    @property
    def ref(self) -> str:
        """As the trail names them."""
        return f"person:{self.pk}"

    @property
    def is_erased(self) -> bool:
        """Whether the name was erased; there is no way back for them."""
        return ERASED.fullmatch(self.username) is not None

    @property
    def is_present(self) -> bool:
        """Whether they may sign in and their roles count: ``present`` for one who is loaded already."""
        return self.is_active and (self.last_day is None or self.last_day >= timezone.now().date())

    def current_roles(self) -> frozenset[Role]:
        """The roles that count now; none for somebody who may not sign in."""
        return self.granted_roles() if self.is_present else frozenset()

    def granted_roles(self) -> frozenset[Role]:
        """The roles that were given and not taken, whether they count or not."""
        return frozenset(Role(grant.role) for grant in self.role_grants.all())

    @property
    def is_guarded(self) -> bool:
        """Whether some of what is done about them takes two administrators."""
        return not self.granted_roles().isdisjoint(GUARDED_ROLES)


class RoleGrant(models.Model):
    """A role that a person has, since when and from whom (nobody: from the command line).

    A trigger holds that the application gives ``GUARDED_ROLES`` only by a proposal about this person and role, in the
    transaction that confirms it, and that it says neither ``granted_at`` nor ``is_first`` itself.
    """

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
    proposal = models.ForeignKey("Proposal", models.PROTECT, null=True, related_name="+")
    is_first = models.BooleanField(default=False, help_text="Nobody had the role; it came from the command line.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "role"], name="one_grant_per_person_and_role"),
            models.CheckConstraint(condition=models.Q(role__in=list(Role)), name="role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.person} is {self.role}"

    @property
    def counts_from(self) -> datetime:
        """From when it counts for decisions in production."""
        is_guarded = self.role in GUARDED_ROLES
        return self.granted_at + COUNTS_AFTER if is_guarded and not self.is_first else self.granted_at
