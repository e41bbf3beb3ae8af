"""Many queued submissions at once, for tests of what a long queue costs."""

import copy
import json
import uuid
from typing import Any

from django.db import connections, transaction
from django.utils import timezone

from jobs_app import canonical
from jobs_app.models import Submission, SubmissionFile, User
from tests.examples import body, file_id

BATCH = 1000
_TABLES = ("jobs_app_submission", "jobs_app_submissionfile")


def numbered(number: int, operation: str = "copy") -> dict[str, Any]:
    """A request for another file for each number."""
    given = body(operation)
    given["taskInfo"]["fileInfo"] = [{"fileId": file_id(number)}]
    return given


def insert_queued(count: int, person: User, *, first: int = 0) -> None:
    """Stores so many submissions of ``person`` that are due, each for a file of its own.

    The owner of the tables does it and switches the triggers off meanwhile: it takes seconds, and tells the trail
    nothing. Everything that happens to the rows afterwards goes by the rules.
    """
    rows = [_row(number, person) for number in range(first, first + count)]
    files = [SubmissionFile(submission=row, row=0, file_id=file_id(first + n)) for n, row in enumerate(rows)]
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_app_submission DISABLE TRIGGER USER")
        Submission.objects.using("owner").bulk_create(rows, batch_size=BATCH)
        SubmissionFile.objects.using("owner").bulk_create(files, batch_size=BATCH)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE jobs_app_submission ENABLE TRIGGER USER")
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(_TABLES)}")


def _row(number: int, person: User) -> Submission:
    request = copy.deepcopy(numbered(number))
    reason = request.pop("reason")
    return Submission(
        id=uuid.uuid4(),
        operation="copy",
        request=json.dumps(request),
        request_sha256=canonical.sha256(request),
        space=request["dstContainerId"],
        source_space=request["taskInfo"]["srcContainerId"],
        reason=reason,
        source=Submission.Source.WEB,
        person=person,
        accountable=person,
        status="queued",
        due_at=timezone.now(),
        files_total=1,
        created_at=timezone.now(),
        updated_at=timezone.now(),
    )


def remove_all() -> None:
    """Empties the tables of the submissions; the trail stays."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(_TABLES)} CASCADE")
