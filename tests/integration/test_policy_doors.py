"""No door gets round the policy, and at each of them only an approver decides, and only what waits."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from jobs_app import approvals, batches, bulk, cancelling, submissions
from jobs_app.actors import Role
from jobs_app.models import Submission, User
from jobs_app.operations import BY_NAME
from tests.conftest import Api, make_person
from tests.doors import operator_actor as acting
from tests.examples import SPACE, body, file_id
from tests.following import browser_of
from tests.policies import ruled

OPERATIONS = ["copy", "trash", "delete"]
REASON = "CHG-5 once more"


def by_page(operation: str, operator: User) -> None:
    browser = browser_of(operator)
    fields = {"operation": operation, "files": f"{file_id(0)},a name,/root/a", "source": SPACE, "target": SPACE}
    fields |= {"reason": REASON, "folder": "F1"} if BY_NAME[operation].new_file_path != "no" else {"reason": REASON}
    shown = browser.post("/submissions/new/review/", fields).content.decode()
    assert "has to approve exactly this request" in shown
    assert "takes 1 approval." in shown
    [sealed] = re.findall(r'name="sealed" value="([^"]+)"', shown)
    said = {"sealed": sealed, "phrase": f"delete 1 from {SPACE}"}
    assert browser.post("/submissions/new/submit/", said).status_code == 302


def by_rest(operation: str, operator: User) -> None:
    assert Api(person=operator).post("submissions/", body(operation)).status_code == 201


def by_bulk(operation: str, operator: User) -> None:
    bulk.submit({"submissions": [body(operation)]}, by=acting(operator))


def by_table(operation: str, operator: User) -> None:
    shared = {"operation": operation, "srcContainerId": SPACE, "dstContainerId": SPACE, "reason": REASON}
    bulk.submit_table(f"fileId,filePath\n{file_id(0)},/root/a\n", shared, by=acting(operator))


def by_another_try(operation: str, operator: User) -> None:
    row = submissions.submit(body(operation), by=acting(operator))
    cancelling.cancel(row, by=acting(operator))
    row.refresh_from_db()
    submissions.retry(row, reason=REASON, password=None, by=acting(operator))


def by_another_try_of_a_batch(operation: str, operator: User) -> None:
    batch = bulk.submit({"submissions": [body(operation)]}, by=acting(operator))
    batches.cancel(batch, by=acting(operator))
    batches.retry(batch, reason=REASON, password=None, by=acting(operator))


DOORS = [by_page, by_rest, by_bulk, by_table, by_another_try, by_another_try_of_a_batch]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("door", DOORS, ids=[door.__name__ for door in DOORS])
def test_whatever_the_door_it_waits_for_another_person(
    operator: User, administrator: User, operation: str, door: Callable[[str, User], None]
) -> None:
    if operation != "delete":  # which takes one anyway
        ruled(administrator, **{f"approvals.{operation}": 1})
    door(operation, operator)
    made = Submission.objects.latest("created_at")
    assert (made.status, made.approvals_needed) == ("awaiting_approval", 1)
    assert made.approval_rules == [f"“{BY_NAME[operation].label}” takes 1 approval."]


def waits(row: Submission, other: User) -> None:
    """As it is."""


def is_queued(row: Submission, other: User) -> None:
    approvals.approve(row, by=acting(other), request_sha256=row.request_sha256)


def is_rejected(row: Submission, other: User) -> None:
    approvals.reject(row, by=acting(other), request_sha256=row.request_sha256, comment="no")


def is_cancelled(row: Submission, other: User) -> None:
    cancelling.cancel(row, by=acting(User.objects.get(username="olga")))


STATES = [waits, is_queued, is_rejected, is_cancelled]


@pytest.mark.parametrize("role", [*Role, None])
@pytest.mark.parametrize("brought", STATES, ids=[each.__name__ for each in STATES])
@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_only_an_approver_decides_and_only_what_waits(
    operator: User, decision: str, brought: Callable[[Submission, User], None], role: Role | None
) -> None:
    row = submissions.submit(body("delete"), by=acting(operator))
    brought(row, make_person("berta", Role.APPROVER))
    before = Submission.objects.get(pk=row.pk).status
    person = make_person("paul", *([role] if role else []))
    given: dict[str, Any] = {"requestSha256": row.request_sha256, "comment": "said"}
    answer = Api(person=person).post(f"submissions/{row.pk}/{decision}/", given).status_code
    browser_of(person).post(f"/submissions/{row.pk}/decide/", given | {"decision": decision})
    after = Submission.objects.get(pk=row.pk).status
    if role is Role.APPROVER and brought is waits:
        assert (answer, after) == (200, "queued" if decision == "approve" else "rejected")
    else:
        assert answer == (404 if role is None else 409 if role is Role.APPROVER else 403)
        assert after == before
