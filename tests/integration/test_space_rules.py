"""What the directory forbids: at every door before something is stored, and at the moment of sending."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs_app import approvals, bulk, cancelling, claiming, dispatch, explain, spaces, submissions, sweeping
from jobs_app.actors import Role
from jobs_app.errors import Invalid
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Submission, User
from jobs_app.operations import BY_NAME
from jobs_app.spaces import Known
from tests.conftest import Api, make_person
from tests.doors import client_of
from tests.doors import operator_actor as acting
from tests.examples import OTHER_SPACE, SPACE, body
from tests.integration.test_dispatch import sandbox
from tests.processes import address
from tests.rows import numbered
from tests.spaces import MATTER, add_space, change_space, confirm, past_the_end

__all__ = ["sandbox"]

PROTECTED, HELD, ALWAYS = {"protected": "yes"}, {"hold": MATTER}, {"approvalAlways": "yes"}


@pytest.fixture
def second(administrator: User) -> User:
    return make_person("arthur", Role.ADMINISTRATOR)


def between(operation: str, source: str, target: str) -> dict[str, Any]:
    given = body(operation, dstContainerId=target)
    given["taskInfo"]["srcContainerId"] = source
    return given


def codes(call: Callable[[], object]) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        call()
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


def rules(source: str, target: str, operation: str) -> spaces.Rules:
    return Known(spaces.found([source, target]), others_allowed=True).rules(source, target, operation)


def no() -> bool:
    return False


# --- Before anything is stored ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("operation", BY_NAME)
@pytest.mark.parametrize(
    ("rule", "forbidden_from", "forbidden_to"),
    [(PROTECTED, {"trash", "delete"}, {"trash", "delete"}), (HELD, {"trash", "delete", "move"}, {"trash", "delete"})],
    ids=["protected", "hold"],
)
def test_which_operation_may_not_touch_which_space(
    administrator: User, operation: str, rule: dict[str, str], forbidden_from: set[str], forbidden_to: set[str]
) -> None:
    """Of a deletion KooDrive leaves open which of the two spaces it means."""
    add_space(administrator, **rule)
    for source, target, forbidden in ((SPACE, OTHER_SPACE, forbidden_from), (OTHER_SPACE, SPACE, forbidden_to)):
        problems, approvals_, why = rules(source, target, operation)
        assert bool(problems) == (operation in forbidden)
        assert (approvals_, why) == (0, [])


@pytest.mark.parametrize(
    ("source", "target", "needed"), [(SPACE, OTHER_SPACE, 1), (OTHER_SPACE, SPACE, 1), (OTHER_SPACE, OTHER_SPACE, 0)]
)
def test_approval_always_asks_for_one_from_and_to_the_space(
    administrator: User, operator: User, approver: User, source: str, target: str, needed: int
) -> None:
    add_space(administrator, **ALWAYS)
    made = submissions.submit(between("copy", source, target), by=acting(operator))
    assert made.approvals_needed == needed
    assert made.status == ("awaiting_approval" if needed else "queued")
    if needed:
        approvals.approve(made, by=acting(approver), request_sha256=made.request_sha256)
    assert Submission.objects.get(pk=made.pk).status == "queued"


def test_a_deletion_takes_no_more_approvals_than_before(administrator: User, operator: User) -> None:
    add_space(administrator, **ALWAYS)
    assert submissions.submit(body("delete"), by=acting(operator)).approvals_needed == 1


def test_a_hold_that_is_over_forbids_nothing(administrator: User) -> None:
    space = add_space(administrator, hold=MATTER, holdUntil="2099-12-31")
    assert rules(SPACE, SPACE, "delete").problems
    past_the_end(space)
    assert not rules(SPACE, SPACE, "delete").problems


def test_a_space_that_nobody_added_is_refused_where_the_policy_says_so(administrator: User) -> None:
    add_space(administrator)
    known = Known(spaces.found([SPACE, OTHER_SPACE]), others_allowed=True)
    assert known.rules(SPACE, OTHER_SPACE, "copy").problems == []
    strict = Known(known.spaces, others_allowed=False)
    found = strict.rules(SPACE, OTHER_SPACE, "copy").problems
    assert [(problem.pointer, problem.code) for problem in found] == [("/dstContainerId", "unknown_space")]
    found = strict.rules("elsewhere", "elsewhere", "copy").problems
    assert [(problem.pointer, problem.code) for problem in found] == [("/taskInfo/srcContainerId", "unknown_space")]


def test_every_door_refuses_and_stores_nothing(administrator: User, operator: User, service: Api) -> None:
    retried = cancelling.cancel(submissions.submit(body("trash"), by=acting(operator)), by=acting(operator))
    add_space(administrator, hold=MATTER, protected="yes")
    place = "/taskInfo/srcContainerId"
    both = [(place, "space_protected"), (place, "space_on_hold")]
    assert codes(lambda: submissions.submit(body("trash"), by=acting(operator))) == both
    assert codes(lambda: submissions.retry(retried, reason="again", password=None, by=acting(operator))) == both
    answer = service.post("submissions/", body("delete"))
    assert (answer.status_code, [each["code"] for each in answer.json()["errors"]]) == (
        400,
        ["space_protected", "space_on_hold"],
    )
    assert MATTER in answer.json()["errors"][1]["detail"]
    tried = service.post("submissions/validate/", body("move")).json()
    assert [each["code"] for each in tried["errors"]] == ["space_on_hold"]
    table = f"fileId,operation,srcContainerId,dstContainerId,reason\nF1,trash,{SPACE},{SPACE},weekly\n"
    found = codes(lambda: bulk.submit_table(table, {}, by=acting(operator)))
    assert found == [("/srcContainerId", "space_protected"), ("/srcContainerId", "space_on_hold")]
    assert Submission.objects.count() == 1


def test_bulk_names_every_bad_row_and_takes_the_good_ones(administrator: User, operator: User) -> None:
    add_space(administrator, **HELD)
    rows = [numbered(0), numbered(1, "trash"), {"taskType": 1}, between("move", OTHER_SPACE, SPACE)]
    found = codes(lambda: bulk.submit({"submissions": rows}, by=acting(operator)))
    assert ("/submissions/1/taskInfo/srcContainerId", "space_on_hold") in found
    assert [pointer.split("/")[2] for pointer, _ in found] == sorted(pointer.split("/")[2] for pointer, _ in found)
    batch = bulk.submit({"submissions": rows, "atomic": False}, by=acting(operator))
    assert list(batch.members.order_by("row").values_list("row", flat=True)) == [0, 3]


def test_bulk_asks_the_directory_once_however_many_rows_and_spaces(administrator: User, operator: User) -> None:
    add_space(administrator, **ALWAYS)

    def statements(rows: int) -> int:
        given = [between("copy", SPACE, f"space-{number}") for number in range(rows)]
        for number, each in enumerate(given):
            each["taskInfo"]["fileInfo"] = [{"fileId": f"F{rows}x{number}"}]
        with CaptureQueriesContext(connection) as asked:
            batch = bulk.submit({"submissions": given}, by=acting(operator))
        assert set(batch.members.values_list("approvals_needed", flat=True)) == {1}
        assert sum("jobs_app_space" in each["sql"] for each in asked.captured_queries) == 1
        return len(asked)

    statements(1)  # What is remembered from then on isn't asked again.
    assert statements(2) == statements(60)


# --- What waits already ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "operation"),
    [(HELD, "trash"), (HELD, "move"), (PROTECTED, "trash")],
    ids=["hold-trash", "hold-move", "protected"],
)
def test_a_rule_set_after_the_submission_stops_it_and_it_goes_on_when_two_have_lifted_it(
    administrator: User, second: User, operator: User, sandbox: Sandbox, rule: dict[str, str], operation: str
) -> None:
    client = client_of(sandbox)
    row, copied = (submissions.submit(body(each), by=acting(operator)) for each in (operation, "copy"))
    space = add_space(administrator, **rule)
    assert dispatch.send(row.pk, client=client) is None
    assert sweeping.sweep(client=client) == 1
    assert dispatch.send(client=client) is not None
    row.refresh_from_db()
    copied.refresh_from_db()
    assert (row.status, row.due_at, copied.status) == ("queued", None, "accepted")
    why = explain.explain(row)
    assert (why.waiting_for, why.needs_person) == ("space", True)
    assert "The space Archive is" in why.sentence
    confirm(change_space(space, administrator, protected="no", hold="", holdUntil=""), second)
    assert sweeping.sweep(client=client) == 1
    assert dispatch.send(client=client) is not None
    row.refresh_from_db()
    assert row.status == "accepted"


def test_what_waits_for_a_hold_goes_on_when_the_hold_ends_by_itself(
    administrator: User, operator: User, sandbox: Sandbox
) -> None:
    row = submissions.submit(body("move"), by=acting(operator))
    space = add_space(administrator, hold=MATTER, holdUntil="2099-12-31")
    assert sweeping.sweep(client=client_of(sandbox)) == 0
    past_the_end(space)
    assert sweeping.sweep(client=client_of(sandbox)) == 1
    assert dispatch.send(row.pk, client=client_of(sandbox)) is not None


def test_a_hold_set_between_the_look_and_the_claim_still_stops_it(
    administrator: User, operator: User, sandbox: Sandbox
) -> None:
    """The worker may have looked the row up before; the claim itself asks again."""
    row = submissions.submit(body("move"), by=acting(operator))
    looked_up = Submission.objects.get(pk=row.pk)
    add_space(administrator, **HELD)
    with pytest.raises(Exception, match="no longer in a state"):
        claiming.claim(looked_up, client=client_of(sandbox))
    assert sandbox.received.of("create") == []
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("queued", 0)


def test_what_is_being_sent_is_finished_truthfully(administrator: User, operator: User, sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    row = submissions.submit(body("move"), by=acting(operator))
    claim = claiming.take(client=client, only=row.pk)
    assert claim is not None
    add_space(administrator, **HELD)
    dispatch._send(claim, client, no)
    row.refresh_from_db()
    assert row.status == "accepted"


def test_a_call_that_did_nothing_comes_back_to_the_queue_and_waits_there(
    administrator: User, operator: User, sandbox: Sandbox
) -> None:
    nowhere = client_of(sandbox, base_url="http://127.0.0.1:9")
    row = submissions.submit(body("move"), by=acting(operator))
    claim = claiming.take(client=nowhere, only=row.pk)
    assert claim is not None
    add_space(administrator, **HELD)
    dispatch._send(claim, nowhere, no)
    row.refresh_from_db()
    assert (row.status, row.hold) == ("queued", "unreachable")
    assert explain.explain(row).waiting_for == "space"


def test_an_approver_is_told_that_it_would_wait(
    administrator: User, operator: User, approver: User, sandbox: Sandbox
) -> None:
    row = submissions.submit(body("delete"), by=acting(operator))
    add_space(administrator, **HELD)
    assert "Approved, it waits until that is over." in (explain.explain(row).advice or "")
    approvals.approve(row, by=acting(approver), request_sha256=row.request_sha256)
    assert sweeping.sweep(client=client_of(sandbox)) == 0
    assert dispatch.send(row.pk, client=client_of(sandbox)) is None
    assert sandbox.received.of("create") == []


# --- The database ----------------------------------------------------------------------------------------------------
@pytest.fixture
def intruder(database: None) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Signed in as the application, past all of its code."""
    with psycopg.connect(address("default"), autocommit=True) as signed_in:
        yield signed_in


_CLAIM = """WITH done AS (UPDATE jobs_app_submission SET status = 'sending', claim = gen_random_uuid(), trace_id = 'x',
    sent_at = now(), due_at = now() WHERE id = %s RETURNING TRUE)
    SELECT audit.record(ARRAY[%s]) FROM done"""
_EVENT = (
    '{{"action":"send.intended","outcome":"ok","channel":"worker","actor":{{"kind":"system","id":"system:x","name":"x"}},'
    '"submission":"{}","after":{{"status":"sending"}}}}'
)


@pytest.mark.parametrize("operation", ["trash", "move", "delete", "copy"])
def test_the_application_itself_sends_nothing_from_a_held_space(
    administrator: User,
    operator: User,
    approver: User,
    intruder: "psycopg.Connection[tuple[object, ...]]",
    operation: str,
) -> None:
    row = submissions.submit(body(operation), by=acting(operator))
    if row.approvals_needed:
        approvals.approve(row, by=acting(approver), request_sha256=row.request_sha256)
    add_space(administrator, **HELD)
    call = (_CLAIM, [row.pk, _EVENT.format(row.pk)])
    if operation == "copy":
        intruder.execute(*call)
    else:
        with pytest.raises(psycopg.Error, match=re.escape("forbids to send it")):
            intruder.execute(*call)
    row.refresh_from_db()
    assert row.status == ("sending" if operation == "copy" else "queued")


def test_nor_is_anything_stored_as_being_sent(administrator: User, operator: User) -> None:
    row = submissions.submit(body("move"), by=acting(operator))
    add_space(administrator, **HELD)
    values = {
        "status": "sending",
        "claim": "0" * 32,
        "trace_id": "x",
        "sent_at": timezone.now(),
        "request_sha256": "a" * 64,
    }
    copied = Submission.objects.get(pk=row.pk)
    copied.pk = "00000000-0000-0000-0000-000000000001"
    for name, value in values.items():
        setattr(copied, name, value)
    with pytest.raises(IntegrityError, match="forbids to send it"), transaction.atomic():
        copied.save(force_insert=True)
