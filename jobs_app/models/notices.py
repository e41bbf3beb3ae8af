"""What people are told, in the portal and by mail, and what each of them wants to hear of."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from .people import User


class Notice(models.Model):
    """What one person, or a service's contact by its ``address``, is told. A digest counts what it stands for.

    The row is the queue of its mail: ``due_at`` says when it is tried next, ``claim`` is that of the attempt under way,
    and notices of one ``letter`` go out together. An attempt whose worker is gone is over when the row is due again.
    """

    class Mail(models.TextChoices):
        NONE = "none"
        WAITING = "waiting"
        SENT = "sent"
        GIVEN_UP = "given_up"

    person = models.ForeignKey(User, models.CASCADE, null=True, related_name="notices", db_index=False)
    address = models.TextField(default="", help_text="Of somebody who isn't a person of the portal.")
    kind = models.CharField(max_length=30)
    key = models.TextField(help_text="What happens again under the same key is counted, and not told anew.")
    subject = models.TextField(default="", help_text="What it is about, such as submission:… or batch:…")
    about = models.JSONField(default=dict, help_text="What its words are made of.")
    count = models.PositiveIntegerField(default=1)
    at = models.DateTimeField(help_text="When it happened; of a digest, the last time.")
    in_portal = models.BooleanField()
    read_at = models.DateTimeField(null=True)

    mail = models.CharField(max_length=10, choices=Mail.choices, default=Mail.NONE)
    due_at = models.DateTimeField(null=True)
    letter = models.UUIDField(null=True, help_text="The mail that it goes with; its Message-ID at each attempt.")
    claim = models.UUIDField(null=True)
    told = models.PositiveIntegerField(default=0, help_text="The count that the mail names.")
    attempts = models.PositiveIntegerField(default=0)
    first_tried_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When its mail was sent or given up.")
    error = models.TextField(default="", help_text="Why the last attempt came to nothing.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "address", "kind", "key"], nulls_distinct=False, name="one_notice_of_a_thing"
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=False, address="") | (Q(person=None, in_portal=False) & ~Q(address="")),
                name="notice_is_for_somebody",
            ),
            models.CheckConstraint(
                condition=Q(mail="waiting", due_at__isnull=False, ended_at=None)
                | Q(mail="none", due_at=None, claim=None, ended_at=None)
                | Q(mail__in=["sent", "given_up"], due_at=None, claim=None, ended_at__isnull=False),
                name="notice_mail_is_due_or_ended",
            ),
        ]
        indexes = [
            models.Index(
                F("person"), F("at").desc(), F("id").desc(), name="notice_newest", condition=Q(in_portal=True)
            ),
            models.Index(fields=["person"], name="notice_unread", condition=Q(in_portal=True, read_at=None)),
            models.Index(fields=["due_at"], name="notice_due", condition=Q(mail="waiting")),
            models.Index(fields=["subject", "kind"], name="notice_subject", condition=Q(kind="approval_wanted")),
            models.Index(fields=["at"], name="notice_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class NoticeChoice(models.Model):
    """Where a person wants to hear of a kind; without a row, as the catalogue of kinds has it."""

    person = models.ForeignKey(User, models.CASCADE, related_name="notice_choices", db_index=False)
    kind = models.CharField(max_length=30)
    in_portal = models.BooleanField()
    by_mail = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "kind"], name="one_choice_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.person_id} {self.kind}"


class NoticeState(models.Model):
    """The one row that says how far the trail has become notices, and how the mail server does."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField(help_text="Up to which event of the trail there are notices.")
    failures = models.PositiveIntegerField(default=0, help_text="Attempts in a row that the mail server failed.")
    failing_since = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True, help_text="The mail server is left alone until then.")
    error = models.TextField(default="", help_text="What the last failure was.")
    looked_at = models.DateTimeField(db_default=Now(), help_text="When somebody last looked what time has brought.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_state_of_notices")]

    def __str__(self) -> str:
        return f"notices up to {self.position}"
