"""Drafts: a submission as template for another, and what undoes one or goes on with its files."""

import uuid
from typing import Any

import pytest
from django.db import IntegrityError

from jobs_app import submissions
from jobs_app.actors import Role
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.koodrive.sandbox.magic import file_id as magic
from jobs_app.models import Submission, SubmissionFile, User
from tests.composing import field, reviewed, submit, text
from tests.conftest import make_person
from tests.doors import operator_actor as acting
from tests.examples import FOLDER, OTHER_SPACE, SPACE, body, file_id
from tests.following import Send, browser_of, events, page, polled

NAMES = ("operation", "files", "source", "target", "folder", "entries", "reason", "reference", "origin")


@pytest.fixture
def finished(send: Send, sandbox: Sandbox, client: Client) -> Any:
    """Sends an operation on these files to its end."""

    def send_and_finish(operation: str, *file_ids: str, **changes: Any) -> Submission:
        made = send(*file_ids, operation=operation, **changes)
        sandbox.clock.advance(60)
        return polled(made, client)

    return send_and_finish


def draft(person: User, row: Submission, **query: str) -> dict[str, str]:
    """What the form is filled in with."""
    answer = browser_of(person).get("/submissions/new/", {"from": str(row.pk), **query})
    assert answer.status_code == 200, text(answer)
    shown = answer.content.decode()
    return {name: field(shown, name) for name in NAMES} | {"page": text(answer)}


def posted(person: User, filled: dict[str, str], **changes: str) -> Submission:
    """Submits a draft, with a reason, having acknowledged whatever it warns of."""
    browser = browser_of(person)
    review = reviewed(browser, {name: filled[name] for name in NAMES} | {"reason": "CHG-9"} | changes)
    phrase = field(review.replace("data-phrase=", "value="), "phrase")
    answer = submit(browser, review, acknowledged="on", phrase=phrase)
    assert answer.status_code == 302, text(answer)
    return Submission.objects.get(pk=answer.url.split("/")[-2])


# --- As a template ---------------------------------------------------------------------------------------------------
def test_a_clone_is_the_same_request_and_says_what_it_was_made_from(operator: User) -> None:
    given = body("extract_some", labels={file_id(0): "march.zip"}, password="secret", reference="R-1")
    first = submissions.submit(given, by=acting(operator))
    filled = draft(operator, first)
    assert f'Clone of <a href="/submissions/{first.pk}/">' in filled["page"]
    assert "password isn't carried over" in filled["page"]
    assert "secret" not in filled["page"]
    assert "********" not in filled["page"]
    assert filled["files"] == f"{file_id(0)}\tmarch.zip"
    assert (filled["folder"], filled["entries"]) == (FOLDER, "reports/2026/march.pdf")
    assert (filled["reason"], filled["reference"]) == (first.reason, "R-1")
    made = posted(operator, filled, password="secret")
    assert (made.clone_of_id, made.follows_id, made.request) == (first.pk, None, first.request)
    assert events(made)[0]["cloneOf"] == str(first.pk)
    assert str(first.pk) in page(browser_of(operator), made)


def test_a_template_without_its_files_keeps_the_rest(operator: User) -> None:
    first = submissions.submit(body("copy", files=3), by=acting(operator))
    filled = draft(operator, first, files="none")
    assert (filled["files"], filled["source"], filled["folder"]) == ("", SPACE, FOLDER)
    assert filled["origin"] == f"clone:{first.pk}"


def test_the_clone_of_a_deletion_takes_its_own_phrase_and_approval(operator: User) -> None:
    first = submissions.submit(body("delete"), by=acting(operator))
    assert posted(operator, draft(operator, first)).status == "awaiting_approval"


@pytest.mark.parametrize("role", [None, Role.APPROVER, Role.AUDITOR, Role.ADMINISTRATOR])
def test_who_may_not_submit_gets_no_draft(operator: User, role: Role | None) -> None:
    first = submissions.submit(body("copy"), by=acting(operator))
    other = browser_of(make_person("else", *([role] if role else [])))
    assert other.get("/submissions/new/", {"from": str(first.pk)}).status_code == 403
    assert "Use as template" not in text(other.get(f"/submissions/{first.pk}/"))


@pytest.mark.parametrize("wrong", ["", "1", "nothing", str(uuid.UUID(int=7)), "\x00", "'; DROP TABLE x"])
def test_what_is_no_submission_gives_no_draft(operator: User, wrong: str) -> None:
    assert browser_of(operator).get("/submissions/new/", {"from": wrong}).status_code == 404


@pytest.mark.parametrize("origin", ["clone:", "clone:1", f"clone:{uuid.UUID(int=7)}", "retry:x", "\x00"])
def test_an_origin_that_is_none_never_makes_a_clone(operator: User, origin: str) -> None:
    browser = browser_of(operator)
    fields = {
        "operation": "copy",
        "files": file_id(0),
        "source": SPACE,
        "target": SPACE,
        "reason": "r",
        "origin": origin,
    }
    answer = submit(browser, reviewed(browser, fields), acknowledged="on")
    assert answer.status_code in (302, 404)
    assert not Submission.objects.exclude(clone_of=None).exists()


def test_the_database_holds_that_a_submission_has_one_origin(operator: User) -> None:
    first = submissions.submit(body("copy"), by=acting(operator))
    both = submissions.Review(acknowledged=True, shown=frozenset([first.pk]), clone_of=first, follows=first)
    with pytest.raises(IntegrityError, match="filled_in_from_one"):
        submissions.submit(body("copy"), by=acting(operator), review=both)


# --- To undo it, or to go on with its files --------------------------------------------------------------------------
def test_what_was_moved_to_the_bin_can_be_restored(operator: User, finished: Any) -> None:
    labels = {file_id(1): "good.pdf", magic("fails"): "bad.pdf"}
    row = finished("trash", file_id(1), magic("fails"), labels=labels, reference="R-7")
    filled = draft(operator, row, **{"as": "restore"})
    assert (filled["operation"], filled["files"]) == ("restore", f"{file_id(1)}\tgood.pdf")
    assert (filled["source"], filled["reference"], filled["reason"]) == (SPACE, "R-7", "")
    assert "1 file of it isn't known to have succeeded and is left out." in filled["page"]
    assert "No path was given for 1 file" in filled["page"]
    made = posted(operator, filled)
    assert (made.operation, made.follows_id, made.clone_of_id) == ("restore", row.pk, None)
    assert events(made)[0]["follows"] == str(row.pk)


def test_what_was_moved_to_the_bin_can_be_deleted_for_good(operator: User, finished: Any) -> None:
    row = finished("trash", file_id(1), file_id(2))
    assert "Delete for good what this moved" in page(browser_of(operator), row)
    made = posted(operator, draft(operator, row, **{"as": "delete"}))
    assert (made.operation, made.status, made.files_total) == ("delete", "awaiting_approval", 2)


def test_what_was_moved_can_be_moved_back_into_a_folder_that_the_person_names(operator: User, finished: Any) -> None:
    row = finished("move", file_id(1), dstContainerId=OTHER_SPACE)
    SubmissionFile.objects.filter(submission=row).update(new_file_id=None)
    filled = draft(operator, row, **{"as": "move"})
    assert (filled["source"], filled["target"], filled["folder"]) == (OTHER_SPACE, SPACE, "")
    assert "doesn't know which folder the files came from" in filled["page"]
    assert "KooDrive told no new id of 1 file" in filled["page"]


def test_copies_are_moved_to_the_bin_by_their_new_ids(operator: User, finished: Any) -> None:
    row = finished("copy", file_id(1), file_id(2), dstContainerId=OTHER_SPACE)
    known, lost = row.files.all()
    SubmissionFile.objects.filter(pk=known.pk).update(new_file_id="Fnew", new_file_path="/root/new")
    SubmissionFile.objects.filter(pk=lost.pk).update(new_file_id=None)
    filled = draft(operator, row, **{"as": "trash"})
    assert (filled["files"], filled["source"]) == ("Fnew\t\t/root/new", OTHER_SPACE)
    assert "KooDrive did not tell the new id of 1 copy, so it is left out." in filled["page"]


def test_a_deletion_offers_nothing_and_says_why(operator: User) -> None:
    row = submissions.submit(body("delete"), by=acting(operator))
    assert "There is no way back." in text(browser_of(operator).get(f"/submissions/{row.pk}/"))
    assert browser_of(operator).get("/submissions/new/", {"from": str(row.pk), "as": "restore"}).status_code == 404


@pytest.mark.parametrize("wanted", ["delete", "package", "", "nonsense"])
def test_a_copy_offers_its_own_way_back_only(operator: User, finished: Any, wanted: str) -> None:
    row = finished("copy", file_id(1))
    assert browser_of(operator).get("/submissions/new/", {"from": str(row.pk), "as": wanted}).status_code == 404


def test_nothing_is_offered_before_the_end(operator: User, send: Send) -> None:
    row = send(file_id(1), operation="trash")
    assert "as=restore" not in page(browser_of(operator), row)
    assert browser_of(operator).get("/submissions/new/", {"from": str(row.pk), "as": "restore"}).status_code == 404
