"""A task that a person bound to a submission, held against what the submission asked for."""

from django.db import transaction
from django.utils.translation import gettext_noop as _

from . import audit
from .actors import TRACKER
from .audit import Action
from .koodrive.answers import Detail
from .models import Submission


def of(submission: Submission, found: Detail) -> str:
    """In what KooDrive's task isn't the one that was asked for, as a sentence; empty when nothing speaks against it.

    What KooDrive leaves out speaks against nothing.
    """
    kind, job = submission.kind, found.job
    if job.task_type not in (None, kind.task_type) or (
        kind.action_type and job.action_type not in (None, kind.action_type)
    ):
        differs = _(f"is another operation (taskType {job.task_type}, actionType {job.action_type})")
    else:
        named = {file.file_id for file in found.files if file.file_id}
        if not named or named == set(submission.files.values_list("file_id", flat=True)):
            return ""
        differs = _("works on other files")
    return f"Task {submission.task_id} {differs} than this submission asked for, so it isn't followed to its end."


def tell(submission: Submission, sentence: str) -> None:
    """Marks the submission for people and tells the trail, once."""
    with transaction.atomic():
        unmarked = Submission.objects.filter(pk=submission.pk, status=submission.status, conflict="")
        if unmarked.update(conflict=sentence):
            task = submission.task_id
            audit.record(
                Action.TASK_CONTRADICTED,
                by=TRACKER,
                submission=submission,
                outcome="failed",
                task=task,
                detail=sentence,
            )
