"""Care before a submission: the phrase of a deletion, who else does the same, where data is processed."""

from typing import Any

import pytest

from jobs_app import batches, bulk, cancelling, submissions
from jobs_app.actors import Channel
from jobs_app.errors import NotReviewed
from jobs_app.models import Batch, Submission, User
from tests.composing import field, reviewed, submit, text, typed
from tests.conftest import Api
from tests.doors import operator_actor as acting
from tests.examples import OTHER_SPACE, SPACE, body, file_id
from tests.following import browser_of, events, page
from tests.rows import numbered

PHRASE = f"delete 2 from {SPACE}"
NOTICE = "Archives are unpacked in the region cn-north-4."


def deletion(*, files: int = 2) -> dict[str, str]:
    return typed("delete", *(file_id(number) for number in range(files)))


def acknowledged(row: Submission) -> dict[str, Any]:
    """What its event says was acknowledged, by code."""
    return {each["code"]: each for each in events(row)[0].get("acknowledged", [])}


# --- The phrase of a deletion ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("said", ["", "delete", "delete 3 from " + SPACE, f"delete 2 from {OTHER_SPACE}", "DELETE"])
def test_a_deletion_is_not_submitted_without_its_phrase(operator: User, said: str) -> None:
    browser = browser_of(operator)
    review = reviewed(browser, deletion())
    assert f'data-phrase="{PHRASE}"' in review
    answer = submit(browser, review, phrase=said)
    assert answer.status_code == 400
    assert f'Type exactly this: "{PHRASE}".' in text(answer)
    assert not Submission.objects.exists()
    # The page that says so is as good as the first one.
    assert submit(browser, answer.content.decode(), phrase=PHRASE).status_code == 302


def test_with_its_phrase_a_deletion_waits_for_an_approver(operator: User) -> None:
    browser = browser_of(operator)
    assert submit(browser, reviewed(browser, deletion()), phrase=f"  {PHRASE.replace(' 2', '  2')}").status_code == 302
    assert Submission.objects.get().status == "awaiting_approval"


def test_what_can_be_undone_takes_no_phrase(operator: User) -> None:
    browser = browser_of(operator)
    review = reviewed(browser, typed("trash"))
    assert "data-phrase" not in review
    assert submit(browser, review).status_code == 302


@pytest.mark.parametrize("door", ["service", "person"])
def test_the_api_takes_no_phrase_and_an_approval_all_the_same(operator: User, service: Api, door: str) -> None:
    api = service if door == "service" else Api(person=operator)
    assert api.post("submissions/", body("delete")).json()["status"] == "awaiting_approval"


def ended(operator: User, *, files: int = 2) -> Submission:
    made = submissions.submit(body("delete", files=files), by=acting(operator))
    return cancelling.cancel(made, by=acting(operator))


def test_trying_a_deletion_again_takes_the_phrase_too(operator: User) -> None:
    row, browser = ended(operator), browser_of(operator)
    assert f'data-phrase="{PHRASE}"' in page(browser, row)
    refused = browser.post(f"/submissions/{row.pk}/retry/", {"reason": "again"}, follow=True)
    assert f'Type exactly this: "{PHRASE}".' in text(refused)
    assert Submission.objects.count() == 1
    browser.post(f"/submissions/{row.pk}/retry/", {"reason": "again", "phrase": PHRASE})
    assert Submission.objects.get(retry_of=row).status == "awaiting_approval"


def test_trying_a_batch_of_deletions_again_takes_one_phrase_for_all(operator: User) -> None:
    batch = bulk.submit({"submissions": [numbered(n, "delete") for n in range(3)]}, by=acting(operator))
    batches.cancel(batch, by=acting(operator))
    browser, address = browser_of(operator), f"/batches/{batch.pk}/"
    phrase = field(browser.get(address).content.decode().replace("data-phrase=", "value="), "phrase")
    assert phrase == f"delete 3 from {SPACE}"
    refused = browser.post(f"{address}retry/", {"reason": "again"}, follow=True)
    assert f'Type exactly this: "{phrase}".' in text(refused)
    assert Batch.objects.count() == 1
    browser.post(f"{address}retry/", {"reason": "again", "phrase": phrase})
    assert Batch.objects.get(retry_of=batch).total == 3


# --- Who else does the same ------------------------------------------------------------------------------------------
def test_a_submission_of_somebody_else_to_the_same_file_has_to_be_acknowledged(operator: User, service: Api) -> None:
    other = service.post("submissions/", body("copy", files=3)).json()["id"]
    browser = browser_of(operator)
    review = reviewed(browser, typed("copy", file_id(0), file_id(9)))
    assert f"/submissions/{other}/" in review
    assert "payroll" in review
    assert submit(browser, review).status_code == 400
    assert Submission.objects.count() == 1
    assert submit(browser, review, acknowledged="on").status_code == 302
    told = acknowledged(Submission.objects.get(person=operator))
    assert told == {"same_effect": {"code": "same_effect", "submissions": [other]}}


def test_what_came_in_after_the_review_has_to_be_acknowledged_as_well(operator: User, service: Api) -> None:
    browser = browser_of(operator)
    review = reviewed(browser, typed("copy", file_id(0)))
    other = service.post("submissions/", body("copy")).json()["id"]
    answer = submit(browser, review, acknowledged="on")
    assert answer.status_code == 400
    assert f"/submissions/{other}/" in answer.content.decode()
    assert submit(browser, answer.content.decode(), acknowledged="on").status_code == 302


def test_a_second_click_is_not_taken_for_somebody_else(operator: User) -> None:
    browser = browser_of(operator)
    review = reviewed(browser, typed("copy", file_id(0)))
    first, second = submit(browser, review), submit(browser, review)
    assert first.url == second.url
    assert Submission.objects.count() == 1


def test_another_operation_or_other_files_are_no_reason_to_ask(operator: User, service: Api) -> None:
    service.post("submissions/", body("copy"))
    browser = browser_of(operator)
    for fields in (typed("move", file_id(0)), typed("copy", file_id(5))):
        assert submit(browser, reviewed(browser, fields)).status_code == 302


def test_the_verb_holds_a_review_to_what_it_was_shown(operator: User, service: Api) -> None:
    service.post("submissions/", body("copy"))
    review = submissions.Review(acknowledged=True)
    with pytest.raises(NotReviewed):
        submissions.submit(body("copy"), by=acting(operator), review=review)
    assert submissions.submit(body("copy"), by=acting(operator, Channel.API)).status == "queued"


# --- Where data is processed -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("operation", ["extract", "extract_some", "package"])
def test_the_notice_is_a_warning_of_the_api(settings: Any, service: Api, operation: str) -> None:
    settings.DATA_NOTICE = NOTICE
    warning = {"pointer": "", "code": "data_notice", "detail": NOTICE}
    assert service.post("submissions/validate/", body(operation)).json()["warnings"] == [warning]
    assert service.post("submissions/", body(operation)).json()["warnings"] == [warning]


def test_the_notice_is_acknowledged_on_the_page_and_told_in_the_event(settings: Any, operator: User) -> None:
    settings.DATA_NOTICE = NOTICE
    browser = browser_of(operator)
    review = reviewed(browser, typed("package"))
    assert NOTICE in review
    assert submit(browser, review).status_code == 400
    assert submit(browser, review, acknowledged="on").status_code == 302
    told = acknowledged(Submission.objects.get())
    assert told == {"data_notice": {"code": "data_notice", "detail": NOTICE, "count": 1}}


def test_no_notice_where_nothing_is_processed_or_none_is_set(settings: Any, operator: User) -> None:
    browser = browser_of(operator)
    assert 'name="acknowledged"' not in reviewed(browser, typed("package"))
    settings.DATA_NOTICE = NOTICE
    assert NOTICE not in reviewed(browser, typed("copy"))


def test_a_warning_of_every_file_is_told_once_with_its_number(operator: User) -> None:
    browser = browser_of(operator)
    review = reviewed(browser, typed("trash", *(file_id(number) for number in range(30))))
    assert submit(browser, review, acknowledged="on").status_code == 302
    assert acknowledged(Submission.objects.get())["file_path_missing"]["count"] == 30
