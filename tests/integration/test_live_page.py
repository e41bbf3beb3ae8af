"""The part of a submission's page that changes has the whole page loaded anew when what stands beside it does."""

import re

import pytest

from jobs_app import approvals, dispatch, submissions
from jobs_app.actors import Role
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.koodrive.sandbox.faults import Fault, Kind, When
from jobs_app.models import Submission, User
from tests.conftest import make_person
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.following import browser_of, page


def asks(person: User, row: Submission) -> str:
    """The address that the page asks for its part that changes."""
    found = re.search(r'hx-get="([^"]+)"', page(browser_of(person), row))
    assert found
    return found.group(1).replace("&amp;", "&")


def is_loaded_anew(person: User, address: str) -> bool:
    answer = browser_of(person).get(address)
    assert answer.status_code == 200
    return answer.headers.get("HX-Refresh") == "true"


def test_what_comes_to_be_in_doubt_brings_the_form_to_settle_it(
    operator: User, client: Client, sandbox: Sandbox
) -> None:
    row = submissions.submit(body("copy"), by=acting(operator))
    address = asks(operator, row)
    assert not is_loaded_anew(operator, address)
    sandbox.faults.add(Fault(Kind.RESET, when=When.AFTER))
    dispatch.send(row.pk, client=client)
    assert is_loaded_anew(operator, address)
    assert not is_loaded_anew(operator, asks(operator, row)), "nothing that somebody types is lost again and again"


def test_what_goes_on_as_it_was_loses_nobody_s_typing(operator: User, client: Client) -> None:
    row = submissions.submit(body("copy"), by=acting(operator))
    address = asks(operator, row)
    dispatch.send(row.pk, client=client)
    assert Submission.objects.get().status == "accepted"
    assert not is_loaded_anew(operator, address)


@pytest.mark.parametrize("shown", ["", "?shown=", "?shown=nonsense", "?shown=queued&shown=unknown"])
def test_whatever_is_asked_gives_the_part(operator: User, deletion: Submission, shown: str) -> None:
    answer = browser_of(operator).get(f"/submissions/{deletion.pk}/live/{shown}")
    assert answer.status_code == 200
    assert "Awaiting approval" in answer.content.decode()


def test_what_was_decided_by_somebody_else_is_no_longer_offered(approver: User, deletion: Submission) -> None:
    address = asks(approver, deletion)
    assert not is_loaded_anew(approver, address)
    other = acting(make_person("bea", Role.APPROVER))
    approvals.approve(deletion, by=other, request_sha256=deletion.request_sha256, comment="")
    assert is_loaded_anew(approver, address)
