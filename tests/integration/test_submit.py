"""Submitting, by the verb: what is stored, told, and refused."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from jobs_app import submissions
from jobs_app.audit import read
from jobs_app.errors import AlreadySubmitted, Invalid, NotAllowed
from jobs_app.models import ArchivePassword, Event, Submission, User
from jobs_app.operations import OPERATIONS
from tests.doors import operator_actor
from tests.examples import VENDOR_EXAMPLE, body, file_id

CANARY = "canary-Pa55word-4711"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_every_operation_is_stored_as_it_was_asked(operator: User, operation: Any) -> None:
    given = body(operation.name, files=1)
    made = submissions.submit(given, by=operator_actor(operator))
    assert made.document == {name: value for name, value in given.items() if name != "reason"}
    assert made.operation == operation.name
    assert made.status == ("awaiting_approval" if operation.approvals else "queued")
    assert [file.file_id for file in made.files.all()] == [file_id(0)]
    assert made.accountable == made.person == operator


def test_the_trail_alone_tells_what_was_asked(operator: User) -> None:
    given = body("trash", files=2, labels={file_id(1): "old.doc"}, reference="CHG-1")
    made = submissions.submit(given, by=operator_actor(operator))
    [line] = read.of_submission(made.pk)
    event = line.parsed["event"]
    assert event["action"] == "submission.created"
    assert event["request"] == made.document
    assert event["requestSha256"] == made.request_sha256
    assert event["labels"] == {file_id(1): "old.doc"}
    assert (event["reason"], event["reference"]) == (given["reason"], "CHG-1")
    assert event["after"] == {"status": "queued"}


def test_the_archives_password_is_nowhere_in_clear(operator: User) -> None:
    made = submissions.submit(body("extract", password=CANARY), by=operator_actor(operator))
    assert made.document["password"] == "********"
    secret = ArchivePassword.objects.get(submission=made)
    assert CANARY.encode() not in bytes(secret.ciphertext)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM jobs_app_submission s WHERE s::text LIKE %s", [f"%{CANARY}%"])
        assert cursor.fetchone() == (0,)
    assert not Event.objects.filter(line__contains=CANARY).exists()


def test_nothing_is_stored_of_a_request_with_an_error(operator: User) -> None:
    events = Event.objects.count()
    with pytest.raises(Invalid):
        submissions.submit(body("copy", files=0), by=operator_actor(operator))
    assert not Submission.objects.exists()
    assert Event.objects.count() == events


@pytest.mark.parametrize("person", ["approver", "auditor", "administrator", "stranger"])
def test_only_an_operator_submits_and_the_refusal_is_told(person: str, request: pytest.FixtureRequest) -> None:
    user = request.getfixturevalue(person)
    with pytest.raises(NotAllowed):
        submissions.submit(body("copy"), by=operator_actor(user))
    assert not Submission.objects.exists()
    denied = json.loads(Event.objects.latest("seq").line)["event"]
    assert (denied["action"], denied["outcome"]) == ("permission.denied", "denied")
    assert denied["actor"]["id"] == f"person:{user.pk}"


def test_a_superuser_of_djangos_has_no_way_round(stranger: User) -> None:
    stranger.is_superuser = stranger.is_staff = True
    stranger.save()
    with pytest.raises(NotAllowed):
        submissions.submit(body("copy"), by=operator_actor(stranger))


def test_submitting_the_same_review_twice_gives_one_submission(operator: User) -> None:
    id_ = uuid.uuid4()
    first = submissions.submit(body("copy"), by=operator_actor(operator), as_id=id_)
    again = submissions.submit(body("copy"), by=operator_actor(operator), as_id=id_)
    assert first.pk == again.pk == id_
    assert Submission.objects.count() == 1
    assert len(read.of_submission(id_)) == 1


def test_the_id_of_another_request_is_refused(operator: User) -> None:
    id_ = uuid.uuid4()
    submissions.submit(body("copy"), by=operator_actor(operator), as_id=id_)
    with pytest.raises(AlreadySubmitted):
        submissions.submit(body("move"), by=operator_actor(operator), as_id=id_)
    assert Submission.objects.count() == 1


def test_a_submission_with_a_later_start_is_due_then(operator: User) -> None:
    start = timezone.now().replace(microsecond=0) + timedelta(hours=2)
    made = submissions.submit(body("copy", notBefore=start.isoformat()), by=operator_actor(operator))
    assert made.due_at == made.not_before == start


def test_the_warnings_are_kept_with_the_submission(operator: User) -> None:
    given = VENDOR_EXAMPLE | {"reason": "no target"}
    given["taskInfo"] = {name: value for name, value in given["taskInfo"].items() if name != "newFilePath"}
    made = submissions.submit(given, by=operator_actor(operator))
    assert [warning["code"] for warning in made.warnings] == ["target_folder_missing"]


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "sending"},
        {"status": "accepted"},
        {"status": "succeeded"},
        {"status": "bogus"},
        {"task_id": "12a"},
        {"files_failed": 2},
        {"request_sha256": "x" * 64},
        {"operation": "clear"},
        {"person": None},
    ],
    ids=str,
)
def test_the_database_refuses_rows_that_make_no_sense(operator: User, changes: dict[str, Any]) -> None:
    made = submissions.submit(body("copy"), by=operator_actor(operator))
    made.pk = uuid.uuid4()
    for name, value in changes.items():
        setattr(made, name, value)
    with pytest.raises(IntegrityError):
        made.save(force_insert=True)
