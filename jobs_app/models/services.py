"""Internal services and the tokens they call with."""

from datetime import datetime, timedelta
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Least, Now
from django.utils.functional import cached_property
from django.utils.translation import gettext_noop as _

from .. import token_secrets
from ..actors import Scope
from ..operations import BY_NAME
from .people import User, present

ENDS_SOON = timedelta(days=14)  # what ends within this needs somebody


class ServiceQuerySet(models.QuerySet["Service"]):
    def stopped(self, now: datetime) -> Self:
        """Those whose tokens would work, had their owner not left."""
        return self._in_use(now).filter(owner__isnull=False).exclude(present("owner__"))

    def about_to_stop(self, now: datetime) -> Self:
        """Those whose owner has no role any more: the account will probably be closed next."""
        return self._in_use(now).filter(present("owner__"), owner__role_grants=None)

    def _in_use(self, now: datetime) -> Self:
        return self.filter(Exists(ApiToken.objects.alive(now).filter(service=OuterRef("pk"))))


class Service(models.Model):
    """A program that submits. Its owner answers for it and never approves what it submitted."""

    name = models.CharField(max_length=100, unique=True)
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="services")
    contact = models.TextField(default="", help_text="An address that hears of the ends of its tokens too.")
    default_reason = models.TextField(default="", help_text="The reason of a submission that gives none.")
    description = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())

    objects = ServiceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        """As the trail names it."""
        return f"service:{self.pk}"

    @property
    def is_stopped(self) -> bool:
        return self.owner is not None and not self.owner.is_present


class OfSomebody:
    """What a person or a service made."""

    person: User | None
    service: Service | None

    @cached_property
    def creator_name(self) -> str:
        """What its maker is called."""
        if self.service is not None:
            return self.service.name
        return self.person.get_username() if self.person else ""


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def alive(self, now: datetime) -> Self:
        """Those that haven't ended and weren't revoked; a paused one is alive."""
        return self.filter(revoked_at=None, expires_at__gt=now).exclude(retires_at__lte=now)

    def ending(self, now: datetime, within: timedelta = ENDS_SOON) -> Self:
        """Those that end so soon, and that nothing has taken the place of."""
        return self.alive(now).filter(expires_at__lte=now + within, rotated_at=None)

    def of_secret(self, secret: str) -> Self:
        return self.filter(digest=token_secrets.digest(secret))

    def newest_end_first(self) -> Self:
        return self.order_by(Least("expires_at", "retires_at").desc(), "-pk")


class TokenState(models.TextChoices):
    """How a token stands; only the first two work."""

    ACTIVE = "active", _("Active")
    ROTATED = "rotated", _("Rotated, works a little longer")
    PAUSED = "paused", _("Paused")
    STOPPED = "stopped", _("Stopped: the owner has left")
    ENDED = "ended", _("Ended")
    REVOKED = "revoked", _("Revoked")


class ApiToken(models.Model):
    """A token of a service. The secret is shown once; only its SHA-256 is kept.

    Empty lists mean no restriction. End and scopes never change (the application's role may not update them); a
    rotation takes ``retires_at``, which only comes nearer.
    """

    service = models.ForeignKey(Service, models.CASCADE, related_name="tokens")
    name = models.TextField(default="")
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=40))
    addresses = ArrayField(models.TextField(), default=list, help_text="Networks (CIDR) it may be used from.")
    operations = ArrayField(models.TextField(), default=list, help_text="What it may submit.")
    spaces = ArrayField(models.TextField(), default=list, help_text="Where it may submit, source and target both.")
    rate = models.TextField(default="", help_text="The most calls, such as 100/min; empty: no limit.")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    replaces = models.ForeignKey("self", models.PROTECT, null=True, related_name="successors")
    expires_at = models.DateTimeField()
    rotated_at = models.DateTimeField(null=True, help_text="When another token took its place.")
    retires_at = models.DateTimeField(null=True, help_text="Until when it works beside that one.")
    first_used_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, help_text="Exact to a minute.")
    last_used_ip = models.GenericIPAddressField(null=True)
    refusals = models.JSONField(default=dict, help_text="When the trail last heard of each reason for refusing it.")
    paused_at = models.DateTimeField(null=True)
    paused_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    pause_reason = models.TextField(default="")
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    revoke_reason = models.TextField(default="")

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(scopes__contained_by=list(Scope)) & Q(scopes__len__gt=0), name="scopes_are_known"
            ),
            models.CheckConstraint(condition=Q(operations__contained_by=list(BY_NAME)), name="token_operations_known"),
            models.CheckConstraint(
                condition=Q(rotated_at=None, retires_at=None)
                | Q(
                    rotated_at__isnull=False,
                    retires_at__isnull=False,
                    retires_at__lte=F("rotated_at") + timedelta(days=1),
                ),
                name="rotated_for_a_day_at_most",
            ),
        ]

    def __str__(self) -> str:
        return f"token {self.pk} of {self.service}"

    @property
    def ref(self) -> str:
        """As the trail names it."""
        return f"token:{self.pk}"

    @property
    def ends_at(self) -> datetime:
        return min(self.expires_at, self.retires_at or self.expires_at)

    @property
    def was_used(self) -> bool:
        return self.first_used_at is not None or self.last_used_at is not None

    def state(self, now: datetime) -> TokenState:
        """How it stands at that moment; what can't be undone comes first."""
        if self.revoked_at:
            return TokenState.REVOKED
        if self.ends_at <= now:
            return TokenState.ENDED
        if self.paused_at:
            return TokenState.PAUSED
        if self.service.is_stopped:
            return TokenState.STOPPED
        return TokenState.ROTATED if self.rotated_at else TokenState.ACTIVE
