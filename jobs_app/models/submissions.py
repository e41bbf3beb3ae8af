"""A submission: one request for a batch task, its files, and what became of it."""

import json
import uuid
from typing import Any, Self

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now
from django.utils.functional import cached_property

from .. import states
from ..operations import BY_NAME, Operation
from ..states import State
from .batches import Batch
from .people import User
from .services import ApiToken, OfSomebody, Service
from .spaces import Space

_HAS_TASK = [State.ACCEPTED, State.RUNNING, State.SUCCEEDED, State.PARTIALLY_FAILED, State.FAILED]


WITHHELD = "withheld"  # the ``hold`` of one that was taken out of the queue until a person has a look


def _name_of(column: str) -> Subquery:
    return Subquery(Space.objects.filter(space_id=OuterRef(column)).values("name"))


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def with_people(self) -> Self:
        """With everything that showing a submission reads, in a fixed number of queries."""
        return self.select_related("person", "service").prefetch_related("files", "approvals__by")

    def with_decisions(self) -> Self:
        """With the people behind it and what was decided about it; its files may be many, so they are left out."""
        return self.select_related("person", "service", "download_link").prefetch_related("approvals__by")

    def for_rows(self) -> Self:
        """With what a line of a list reads, and without what is long, in one query."""
        return self.select_related("person", "service").named().defer("request", "evidence", "warnings")

    def named(self) -> Self:
        """With what the directory calls their spaces, as ``space_name`` and ``source_name``; null without a name."""
        names = {"space_name": "space", "source_name": "source_space"}
        return self.annotate(**{name: _name_of(space) for name, space in names.items()})

    def koodrive_user(self) -> str | None:
        """KooDrive's id of the user as whom the portal works, as the newest task that certainly is ours tells it."""
        sure = self.filter(outcome_basis=Submission.Basis.ANSWER, task_user__isnull=False)
        return sure.order_by("-created_at", "-id").values_list("task_user", flat=True).first()

    def due(self, *statuses: State) -> Self:
        """Those on which the machine has to act now, the longest waiting first."""
        return self.filter(status__in=statuses, due_at__lte=Now()).order_by("due_at")


class Submission(OfSomebody, models.Model):
    """One request for a batch task.

    ``request`` is KooDrive's body as it was shown, the password masked; it never changes (the application's role may
    not update it). ``status`` changes only through ``lifecycle.move``. ``due_at`` is when the machine acts on it next:
    sends it, asks about it, gives up on its claim, or lets it expire.
    """

    class Source(models.TextChoices):
        WEB = "web"
        API = "api"
        IMPORT = "import"

    class Basis(models.TextChoices):
        ANSWER = "answer"
        EVIDENCE = "evidence"
        PERSON = "person"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    operation = models.CharField(max_length=20)
    request = models.TextField()
    request_sha256 = models.CharField(max_length=64)
    space = models.TextField(help_text="dstContainerId: KooDrive files the task under it.")
    source_space = models.TextField(help_text="srcContainerId: where its files are.")
    reason = models.TextField()
    reference = models.TextField(null=True)
    warnings = models.JSONField(default=list)
    source = models.CharField(max_length=10, choices=Source.choices)
    # Every index costs each new row a little: these have one below, or nobody looks for rows by them.
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="submissions", db_index=False)
    service = models.ForeignKey(Service, models.PROTECT, null=True, related_name="submissions", db_index=False)
    token = models.ForeignKey(ApiToken, models.PROTECT, null=True, related_name="+", db_index=False)
    # Who may not approve it: the person, or the owner that the service had when it submitted.
    accountable = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    retry_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="retries")
    # What a page was filled in from; nobody asks for what came of a submission, so neither has an index.
    clone_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", db_index=False)
    follows = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The submission whose result it undoes, or goes on with.",
    )
    # The unique constraint's index serves it.
    batch = models.ForeignKey(Batch, models.PROTECT, null=True, related_name="members", db_index=False)
    row = models.PositiveIntegerField(
        null=True, help_text="Its number in the batch; of an imported table, the line of its first file."
    )
    creator = models.GeneratedField(
        expression=Coalesce(F("service"), -F("person")),
        output_field=models.BigIntegerField(),
        db_persist=True,
        help_text="Whose turn it is when this is sent: the service's number, or the person's, negative.",
    )

    status = models.CharField(max_length=20)
    hold = models.CharField(max_length=20, default="", help_text="Why a queued one went back to the queue.")
    detail = models.TextField(default="", help_text="What the last attempt or check said, for people.")
    due_at = models.DateTimeField(null=True)
    approvals_needed = models.PositiveSmallIntegerField(default=0)
    approval_rules = models.JSONField(null=True, help_text="Why it needs approvals: sentences, for people.")
    approval_expires_at = models.DateTimeField(null=True)
    send_by = models.DateTimeField(null=True, help_text="Until when its approvals hold.")
    clock_at = models.DateTimeField(null=True, help_text="Up to when pauses are made up for; null: since it was made.")
    not_before = models.DateTimeField(null=True)
    not_after = models.DateTimeField(null=True)

    attempts = models.PositiveIntegerField(default=0)
    claim = models.UUIDField(null=True)
    trace_id = models.CharField(max_length=58, null=True)
    request_trace = models.CharField(max_length=32, null=True, help_text="W3C's trace id of the request that made it.")
    task_id = models.TextField(null=True)
    task_user = models.TextField(null=True, help_text="KooDrive's own id of the user who made the task.")
    outcome_basis = models.CharField(max_length=10, null=True, choices=Basis.choices)
    cancel_requested_at = models.DateTimeField(null=True, help_text="Somebody wants it stopped.")
    cancel_asked_at = models.DateTimeField(null=True, help_text="KooDrive was asked to stop the task.")
    looks = models.PositiveSmallIntegerField(default=0, help_text="How often its task was looked for in KooDrive.")
    evidence = models.JSONField(null=True, help_text="What the last look found; settling.py says in which shape.")
    conflict = models.TextField(default="", help_text="What contradicts the state that is shown, for people.")
    result_code = models.TextField(null=True)
    result_message = models.TextField(null=True)
    progress = models.PositiveSmallIntegerField(null=True)
    files_total = models.PositiveIntegerField()
    files_succeeded = models.PositiveIntegerField(default=0)
    files_failed = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    # Where the newest event of it stands (``audit.Receipt``), once somebody has written one with this very object.
    receipt: Any = None

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=list(State)), name="status_is_known"),
            models.CheckConstraint(condition=Q(operation__in=list(BY_NAME)), name="operation_is_known"),
            models.CheckConstraint(condition=Q(request_sha256__regex="^[0-9a-f]{64}$"), name="request_has_its_hash"),
            models.CheckConstraint(condition=Q(task_id__regex="^[0-9]{1,19}$"), name="task_id_is_a_number"),
            models.CheckConstraint(
                condition=Q(person=None, service__isnull=False, token__isnull=False)
                | Q(person__isnull=False, service=None, token=None, accountable=F("person")),
                name="submitted_by_a_person_or_a_service",
            ),
            models.UniqueConstraint(fields=["task_id"], name="one_submission_per_task"),
            models.UniqueConstraint(fields=["batch", "row"], name="one_submission_per_row"),
            models.CheckConstraint(
                condition=Q(batch=None, row=None) | Q(batch__isnull=False, row__isnull=False),
                name="member_has_its_row",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=_HAS_TASK) | Q(task_id__isnull=False, outcome_basis__isnull=False),
                name="accepted_has_a_task_and_its_basis",
            ),
            models.CheckConstraint(
                condition=~Q(status=State.SENDING)
                | Q(claim__isnull=False, trace_id__isnull=False, sent_at__isnull=False, due_at__isnull=False),
                name="sending_is_claimed",
            ),
            models.CheckConstraint(
                condition=Q(status__in=states.FINAL, finished_at__isnull=False, due_at=None)
                | (~Q(status__in=states.FINAL) & Q(finished_at=None)),
                name="final_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(status=State.AWAITING_APPROVAL)
                | Q(approvals_needed__gt=0, approval_expires_at__isnull=False),
                name="awaited_approval_is_needed",
            ),
            models.CheckConstraint(condition=Q(clone_of=None) | Q(follows=None), name="filled_in_from_one"),
            # What an approval refers to, so that nobody's own can be stored whatever triggers say.
            models.UniqueConstraint(fields=["id", "accountable"], name="submission_and_accountable"),
            # Identical work is never on its way, or in doubt, twice.
            models.UniqueConstraint(
                fields=["request_sha256"],
                condition=Q(status__in=[State.SENDING, State.UNKNOWN]),
                name="one_open_send",
            ),
            models.CheckConstraint(
                condition=Q(files_total__gt=0, files_total__gte=F("files_succeeded") + F("files_failed")),
                name="files_add_up",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "status"], name="submission_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["creator", "due_at"], name="submission_turns", condition=Q(status=State.QUEUED)),
            # What the queue has set aside; see pauses.set_aside.
            models.Index(fields=["created_at"], name="submission_aside", condition=Q(status=State.QUEUED, due_at=None)),
            models.Index(fields=["-created_at", "-id"], name="submission_newest"),
            models.Index(fields=["status", "-created_at", "-id"], name="submission_by_status"),
            models.Index(fields=["person", "-created_at", "-id"], name="submission_by_person"),
            models.Index(fields=["service", "-created_at", "-id"], name="submission_by_service"),
            models.Index(fields=["operation", "-created_at", "-id"], name="submission_by_operation"),
            models.Index(fields=["reference"], name="submission_by_reference", condition=Q(reference__isnull=False)),
            models.Index(fields=["-updated_at"], name="submission_by_change"),
            # Who the portal is in KooDrive; see SubmissionQuerySet.koodrive_user.
            models.Index(
                fields=["-created_at", "-id"],
                name="submission_telling_user",
                condition=Q(outcome_basis="answer", task_user__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.id}"

    @property
    def document(self) -> dict[str, Any]:
        """KooDrive's body, the password masked, its fields in the order in which they were stored."""
        document: dict[str, Any] = json.loads(self.request)
        return document

    @cached_property
    def labels(self) -> dict[str, str]:
        """The names for people, by file id; they never change."""
        return {file.file_id: file.label for file in self.files.all() if file.label}

    @property
    def log_ids(self) -> dict[str, str]:
        """What ``tracing.at_work`` is given while somebody works at it."""
        return {"submission": str(self.pk), "trace": self.request_trace or ""}

    @property
    def kind(self) -> Operation:
        return BY_NAME[self.operation]

    @property
    def state(self) -> State:
        return State(self.status)

    @property
    def is_final(self) -> bool:
        return self.state in states.FINAL

    @property
    def files_pending(self) -> int:
        return self.files_total - self.files_succeeded - self.files_failed


class SubmissionFile(models.Model):
    """One file or folder of a submission and what became of it."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    # The unique constraints' indexes serve it.
    submission = models.ForeignKey(Submission, models.CASCADE, related_name="files", db_index=False)
    row = models.PositiveIntegerField(help_text="Its place in the request; of an imported table, its line.")
    file_id = models.TextField()
    file_path = models.TextField(null=True)
    label = models.TextField(default="")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    result_code = models.TextField(null=True)
    result_desc = models.TextField(null=True)
    new_file_id = models.TextField(null=True)
    new_file_path = models.TextField(null=True)

    class Meta:
        ordering = ["row"]
        indexes = [
            models.Index(fields=["file_id"], name="file_by_id"),
            models.Index(fields=["new_file_id"], name="file_by_new_id", condition=Q(new_file_id__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["submission", "row"], name="one_file_per_row"),
            models.UniqueConstraint(fields=["submission", "file_id"], name="each_file_once"),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "succeeded", "failed"]), name="file_status_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.label or self.file_id


class ArchiveEntry(models.Model):
    """One entry of an archive, as ``preview_archive`` found it; ``size`` in bytes."""

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="entries")
    row = models.PositiveIntegerField()
    name = models.TextField(help_text="Its whole path in the archive.")
    is_folder = models.BooleanField(null=True)
    size = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["row"]
        constraints = [models.UniqueConstraint(fields=["submission", "row"], name="one_entry_per_row")]

    def __str__(self) -> str:
        return self.name


class DownloadLink(models.Model):
    """Where a package can be loaded, encrypted: whoever has the address may load it."""

    submission = models.OneToOneField(Submission, models.CASCADE, primary_key=True, related_name="download_link")
    ciphertext = models.BinaryField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"download link of {self.submission_id}"


class ArchivePassword(models.Model):
    """An archive's password, encrypted, for as long as the request may still have to be sent."""

    submission = models.OneToOneField(Submission, models.CASCADE, primary_key=True, related_name="archive_password")
    ciphertext = models.BinaryField()

    def __str__(self) -> str:
        return f"password of {self.submission_id}"


class Approval(models.Model):
    """A decision of one person about exactly one request, never their own: a trigger holds both (migration 0014).

    It is bound to what was approved: the request's hash, where it goes and as whom, and the archive's password. One
    that was superseded no longer counts, and stays.
    """

    class Decision(models.TextChoices):
        APPROVED = "approved"
        REJECTED = "rejected"

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="approvals")
    by = models.ForeignKey(User, models.PROTECT, related_name="decisions")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    comment = models.TextField(default="")
    request_sha256 = models.CharField(max_length=64)
    destination = models.TextField(default="", help_text="KooDrive's address and the user that it is sent as.")
    password_mark = models.TextField(default="", help_text="A keyed hash of the archive's password; empty: none.")
    # Copied by the database from the submission, which a foreign key of both columns holds.
    accountable = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    at = models.DateTimeField(db_default=Now())
    superseded_at = models.DateTimeField(null=True, help_text="When the submission came back: it counts no more.")

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "by"], condition=Q(superseded_at=None), name="one_decision_per_person"
            ),
            models.CheckConstraint(condition=~Q(by=F("accountable")), name="approved_by_another_person"),
            models.CheckConstraint(condition=Q(decision__in=["approved", "rejected"]), name="decision_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.decision} by {self.by}"
