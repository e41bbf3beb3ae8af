"""Whether what was approved may still be sent, asked before each claim; else it goes back to the approvers.

An approval is bound to the request's hash, to where it goes and as whom, and to the archive's password. It holds as
long as who gave it is an approver, and as the token and the owner of the service are there by which it was submitted.
"""

import logging
from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet, Value
from django.db.models.functions import Least, Now
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_noop as _

from . import encryption, lifecycle, policies
from .actors import WORKER, Actor, Role
from .audit import Action
from .models import Approval, ArchivePassword, Submission
from .states import State

log = logging.getLogger(__name__)


class LapsedError(Exception):
    """Its approvals don't hold any more; the message says in sentences what has changed."""


def destination() -> str:
    """Where a request goes and as whom, as far as the settings say: what an approval is bound to."""
    user = settings.KOODRIVE_USER_ID or settings.KOODRIVE_APP_ID or "the token's user"
    return f"{settings.KOODRIVE_BASE_URL} as {user} ({settings.KOODRIVE_AUTH})"


def password_mark(submission: Submission) -> str:
    """A keyed hash of the archive's password, empty without one; the key makes that nobody can try passwords on it."""
    try:
        password = encryption.decrypt(bytes(submission.archive_password.ciphertext))
    except ArchivePassword.DoesNotExist:
        return ""
    except ImproperlyConfigured:
        return "unreadable"
    return salted_hmac("jobs_app.approval", f"{submission.pk}:{password}", algorithm="sha256").hexdigest()


def check(submission: Submission) -> None:
    """Raises ``LapsedError`` when its approvals don't hold; costs nothing where none was needed."""
    if submission.approvals_needed and (why := _doubts(_whole().get(pk=submission.pk))):
        raise LapsedError(" ".join(why))


def give_back(submission: Submission, *, by: Actor = WORKER) -> None:
    """Puts it before the approvers anew, with the event; what they approved before stays listed and doesn't count.

    Nothing happens when somebody was faster: its approvals are looked at once more, as they stand by now.
    """
    open_for = ExpressionWrapper(Now() + Value(policies.current().open_for), output_field=DateTimeField())
    until = Least(open_for, F("not_after"))
    with transaction.atomic():
        # Locked: by now it may have been given back and approved anew, and that approval must stand.
        row = _whole().select_for_update(of=("self",)).get(pk=submission.pk)
        if row.state is not State.QUEUED or not (why := _doubts(row)):
            return
        given = Approval.objects.filter(submission=row, superseded_at=None)
        approvers = [f"person:{pk}" for pk in given.values_list("by", flat=True)]
        given.update(superseded_at=Now())
        lifecycle.move(
            row,
            State.AWAITING_APPROVAL,
            by=by,
            action=Action.SUBMISSION_RETURNED,
            changes={
                "approval_expires_at": until,
                "due_at": until,
                "clock_at": Now(),
                "send_by": None,
                "hold": "",
                "detail": " ".join(why),
            },
            outcome="failed",
            why=why,
            superseded=approvers,
        )
    log.warning("submission %s goes back to the approvers: %s", row.pk, " ".join(why))


def _too_late(submission: Submission) -> str:
    """Why its approvals are over by now, empty when they aren't."""
    if submission.send_by is None or submission.send_by > timezone.now():
        return ""
    return f"It wasn't sent by {submission.send_by:%Y-%m-%d %H:%M} UTC, up to when its approvals held."


def _whole() -> QuerySet[Submission]:
    """Submissions with all that is looked at."""
    rows = Submission.objects.select_related("service__owner", "token")
    return rows.prefetch_related("approvals__by__role_grants")


def _doubts(row: Submission) -> list[str]:
    """Why its approvals don't hold, each reason once; empty when they do."""
    return list(dict.fromkeys(_found_in(row)))


def _found_in(row: Submission) -> Iterator[str]:
    standing = [each for each in row.approvals.all() if each.decision == "approved" and each.superseded_at is None]
    mark, goes_to = password_mark(row), destination()
    for each in standing:
        approver = _(f"An approver (person:{each.by_id})")
        if Role.APPROVER not in each.by.current_roles():
            yield f"{approver} is no approver any more."
        if each.request_sha256 != row.request_sha256:
            yield "The request is not the one that was approved."
        if each.destination != goes_to:
            address = each.destination or _("no known address")
            yield f"It was approved for {address}, and would go to {goes_to}."
        if not constant_time_compare(each.password_mark, mark):
            yield "The archive's password is not the one that was there when it was approved."
    if len(standing) < row.approvals_needed:
        yield "It lacks approvals."
    if row.token and row.token.revoked_at:
        yield "The token by which it was submitted was revoked."
    if row.service and row.service.is_stopped:
        yield "The person who answers for the service has left."
    if late := _too_late(row):
        yield late
