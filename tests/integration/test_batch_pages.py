"""The pages of a batch: one decision, cancelling and trying again with one click, and one row in the inbox."""

import re
from typing import Any

import pytest

from jobs_app import batches, bulk
from jobs_app.models import Batch, User
from tests.doors import operator_actor
from tests.examples import body
from tests.following import browser_of
from tests.rows import numbered


def make(user: User, count: int, operation: str = "delete") -> Batch:
    rows = [numbered(number, operation) for number in range(count)]
    return bulk.submit({"submissions": rows}, by=operator_actor(user))


def states(batch: Batch) -> set[str]:
    return set(batch.members.values_list("status", flat=True))


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_page_counts_the_members_and_leads_to_each(operator: User) -> None:
    batch = make(operator, 60)
    first = browser_of(operator).get(f"/batches/{batch.pk}/")
    shown = text_of(first)
    assert "Awaiting approval: 60" in shown
    assert f"/api/v1/batches/{batch.pk}/results.csv" in shown
    assert shown.count('href="/submissions/') >= 50
    assert re.search(r'href="\?cursor=[^"]+" rel="next"', shown)
    assert str(batch.pk) in text_of(browser_of(operator).get(f"/submissions/{batch.members.first().pk}/"))
    assert f"/batches/{batch.pk}/" in text_of(browser_of(operator).get("/submissions/"))


def test_the_live_part_asks_again_until_the_end(operator: User) -> None:
    batch = make(operator, 2)
    path = f"/batches/{batch.pk}/live/"
    assert f'hx-get="{path}"' in text_of(browser_of(operator).get(path))
    batches.cancel(batch, by=operator_actor(operator))
    ended = text_of(browser_of(operator).get(path))
    assert "hx-get" not in ended
    assert "Cancelled: 2" in ended


def test_an_approver_decides_about_all_with_the_hash_of_the_page(operator: User, approver: User) -> None:
    batch, browser = make(operator, 3), browser_of(approver)
    found = re.search(r'name="requestSha256" value="([0-9a-f]{64})"', text_of(browser.get(f"/batches/{batch.pk}/")))
    assert found
    path = f"/batches/{batch.pk}/decide/"
    stale = browser.post(path, {"requestSha256": "0" * 64, "decision": "approve"}, follow=True)
    assert "not the one that you looked at" in text_of(stale)
    assert states(batch) == {"awaiting_approval"}
    no_comment = browser.post(path, {"requestSha256": found.group(1), "decision": "reject"}, follow=True)
    assert "Say why you reject it" in text_of(no_comment)
    done = browser.post(path, {"requestSha256": found.group(1), "decision": "approve"}, follow=True)
    assert "is recorded" in text_of(done)
    assert states(batch) == {"queued"}


@pytest.mark.parametrize("person", ["operator", "auditor", "administrator"])
def test_who_may_not_decide_sees_why_and_cannot(person: str, request: pytest.FixtureRequest) -> None:
    batch = make(request.getfixturevalue("operator"), 1)
    browser = browser_of(request.getfixturevalue(person))
    assert "Approve all" not in text_of(browser.get(f"/batches/{batch.pk}/"))
    sha256 = batches.standing(batch).sha256
    answer = browser.post(f"/batches/{batch.pk}/decide/", {"requestSha256": sha256, "decision": "approve"})
    assert answer.status_code == 403
    assert states(batch) == {"awaiting_approval"}


def test_a_stranger_sees_nothing_of_it(operator: User, stranger: User) -> None:
    batch, browser = make(operator, 1), browser_of(stranger)
    for path in ("", "live/"):
        assert browser.get(f"/batches/{batch.pk}/{path}").status_code == 404
    for verb in ("decide", "cancel", "retry"):
        assert browser.post(f"/batches/{batch.pk}/{verb}/").status_code == 404
    assert states(batch) == {"awaiting_approval"}


def test_cancelling_and_trying_again_tell_what_happened(operator: User) -> None:
    batch, browser = make(operator, 2, "copy"), browser_of(operator)
    assert "asked to stop: 2." in text_of(browser.post(f"/batches/{batch.pk}/cancel/", follow=True))
    assert "None of its submissions can be cancelled" in text_of(
        browser.post(f"/batches/{batch.pk}/cancel/", follow=True)
    )
    no_reason = browser.post(f"/batches/{batch.pk}/retry/", {"key": "k1"}, follow=True)
    assert Batch.objects.count() == 1
    assert "Put something here" in text_of(no_reason)
    for _ in "12":
        answer = browser.post(f"/batches/{batch.pk}/retry/", {"key": "k1", "reason": "again"}, follow=True)
        assert "Submitted again: 2." in text_of(answer)
    assert Batch.objects.count() == 2, "a second click made a second batch"


def test_what_was_left_out_is_told(operator: User) -> None:
    rows = [body("extract", password="first-1"), numbered(4)]
    batch = bulk.submit({"submissions": rows}, by=operator_actor(operator))
    batches.cancel(batch, by=operator_actor(operator))
    answer = browser_of(operator).post(f"/batches/{batch.pk}/retry/", {"reason": "again"}, follow=True)
    shown = text_of(answer)
    assert "1 submission was left as it is: Give the archive&#x27;s password again" in shown
    assert "Not taken" in shown


def test_the_inbox_shows_a_batch_as_one_row(operator: User, approver: User) -> None:
    batch = make(operator, 30)
    single = bulk.submit({"submissions": [numbered(99, "delete")]}, by=operator_actor(operator))
    shown = text_of(browser_of(approver).get("/approvals/"))
    assert (shown.count(f"/batches/{batch.pk}/"), shown.count(f"/batches/{single.pk}/")) == (1, 1)
    assert "/submissions/" not in re.sub(r'href="/submissions/(new/)?"', "", shown), "members stand in the inbox"
    assert "30 waiting" in shown
    own = text_of(browser_of(operator).get("/approvals/"))
    assert own.count(f"/batches/{batch.pk}/") == 1
    batches.approve(batch, by=operator_actor(approver), request_sha256=batches.standing(batch).sha256)
    decided = text_of(browser_of(approver).get("/approvals/?tab=decided"))
    assert f"/batches/{batch.pk}/" in decided


def test_the_badge_counts_decisions_and_not_members(operator: User, approver: User) -> None:
    make(operator, 30)
    answer = browser_of(approver).get("/")
    assert answer.context["waiting_for_me"] == 1
