"""Door x role x state x operation: each action on a submission succeeds in the cells of this table and in no other."""

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone

from jobs_app import links, submissions
from jobs_app.actors import SUBMISSION_SCOPES, Role, Scope
from jobs_app.models import Approval, Event, Service, Submission, User
from jobs_app.operations import BY_NAME
from jobs_app.states import State
from tests.conftest import Api, make_person
from tests.doors import operator_actor
from tests.examples import SPACE, body, file_id
from tests.following import browser_of
from tests.services import make_service, make_token

# In how many ways somebody may stand to a submission; "submitter" has all four roles, and so has the owner of the
# service: what they may not do, no role lets them do.
PERSONS = ["operator", "approver", "auditor", "administrator", "stranger", "submitter", "owner"]
SERVICES = ["own service", "own reader", "other service"]
SEES_NOTHING = {"stranger", "other service"}
HAS_ALL_ROLES = {"submitter", "owner"}
OPERATES = {"operator", "own service", *HAS_ALL_ROLES}

OPEN = {"awaiting_approval", "queued", "sending", "accepted", "running"}
ENDED_SHORT = {"partially_failed", "failed", "refused", "expired", "cancelled", "closed"}
PACKED = {"succeeded", "partially_failed"}

# Who may, in which states, and for which operations.
ALLOWED: dict[str, tuple[set[str], set[str], set[str]]] = {
    "approve": ({"approver"}, {"awaiting_approval"}, set(BY_NAME)),
    "reject": ({"approver"}, {"awaiting_approval"}, set(BY_NAME)),
    "cancel": (OPERATES, OPEN, set(BY_NAME)),
    "retry": (OPERATES, ENDED_SHORT, set(BY_NAME)),
    "close": (OPERATES - {"own service"}, {"unknown"}, set(BY_NAME)),
    "download-link": (OPERATES | {"own reader"}, PACKED, {"package"}),
}
# The others go the ways of these two, through the same doors.
OPERATIONS = ["package", "delete"]
REFUSALS = {403, 404, 409, 410}


@dataclass
class Cast:
    people: dict[str, User]
    service: Service
    tokens: dict[str, str]

    def api(self, who: str) -> Api:
        return Api(token=self.tokens[who]) if who in self.tokens else Api(person=self.people[who])


@pytest.fixture
def cast(database: None) -> Cast:
    roles: dict[str, list[Role]] = {role.value: [role] for role in Role}
    roles |= {"stranger": [], "submitter": list(Role), "owner": list(Role)}
    people = {name: make_person(f"{name}-1", *given) for name, given in roles.items()}
    service = make_service(owner=people["owner"])
    tokens = {
        "own service": make_token(service)[1],
        "own reader": make_token(service, scopes=(Scope.READ,))[1],
        "other service": make_token(make_service("another"), scopes=set(SUBMISSION_SCOPES) - {Scope.READ_ALL})[1],
    }
    return Cast(people, service, tokens)


_number = itertools.count()


def given(cast: Cast, by: str, operation: str, state: str) -> Submission:
    """A submission that the person, or the service, made, put into the state by the owner of the tables."""
    request = body(operation)
    request["taskInfo"]["fileInfo"][0]["fileId"] = file_id(next(_number))
    if by == "submitter":
        row = submissions.submit(request, by=operator_actor(cast.people[by]))
    else:
        row = Submission.objects.get(pk=cast.api("own service").post("submissions/", request).json()["id"])
    put_into(state, row)
    return Submission.objects.get(pk=row.pk)


def put_into(state: str, row: Submission) -> None:
    now, final = timezone.now(), state not in OPEN | {"unknown"}
    columns: dict[str, Any] = {
        "status": state,
        "approvals_needed": int(state == "awaiting_approval"),
        "approval_expires_at": now + timedelta(days=7),
        "due_at": None if final else now + timedelta(hours=1),
        "finished_at": now if final else None,
        "task_id": str(next(_number) + 10**17) if state in PACKED | {"accepted", "running", "failed"} else None,
        "outcome_basis": "answer",
    }
    if state == "sending":
        columns |= {"claim": uuid.uuid4(), "trace_id": "trace", "sent_at": now}
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_app_submission DISABLE TRIGGER USER")
        Submission.objects.using("owner").filter(pk=row.pk).update(**columns)
        cursor.execute("ALTER TABLE jobs_app_submission ENABLE TRIGGER USER")
    if state in PACKED and row.operation == "package":
        links.keep(row, "http://127.0.0.1:9/package.zip")


def may(action: str, who: str, row: Submission) -> bool:
    people, states, operations = ALLOWED[action]
    return who in people and row.status in states and row.operation in operations


def in_api(action: str, who: str, row: Submission) -> set[int]:
    """What the API may answer."""
    if may(action, who, row):
        return {200, 201}
    if who in SEES_NOTHING:
        return {404}
    return {409} if who in ALLOWED[action][0] else {403}


def call(api: Api, action: str, row: Submission) -> Any:
    fields: dict[str, Any] = {
        "approve": {"requestSha256": row.request_sha256},
        "reject": {"requestSha256": row.request_sha256, "comment": "not this one"},
        "retry": {"reason": "once more"},
        "close": {"decision": "close", "reason": "nobody can tell"},
    }.get(action, {})
    return api.post(f"submissions/{row.pk}/{'resolve' if action == 'close' else action}/", fields)


def press(browser: Client, action: str, row: Submission) -> Any:
    where = {"approve": "decide", "reject": "decide"}.get(action, action)
    address = f"/unknowns/{row.pk}/resolve/" if action == "close" else f"/submissions/{row.pk}/{where}/"
    form = {
        "decision": action,
        "requestSha256": row.request_sha256,
        "comment": "said",
        "reason": "said",
        "phrase": f"delete 1 from {SPACE}",
    }
    return browser.post(address, form)


def print_of(row: Submission) -> tuple[object, ...]:
    """What any action would change."""
    row.refresh_from_db()
    decided = Approval.objects.filter(submission=row).count()
    return row.status, row.cancel_requested_at, decided, Submission.objects.filter(retry_of=row).count()


def denials(row: Submission) -> int:
    return Event.objects.filter(action="permission.denied", submission=row.pk).count()


def by_api(cast: Cast, who: str) -> Callable[[str, Submission], str | None]:
    api = cast.api(who)

    def tried(action: str, row: Submission) -> str | None:
        before, said, wanted = print_of(row), denials(row), in_api(action, who, row)
        answer = call(api, action, row)
        if answer.status_code not in wanted:
            return f"answers {answer.status_code}"
        if answer.status_code in REFUSALS:
            if print_of(row) != before:
                return "is refused, and done"
            if not answer.json()["detail"]:
                return "is refused without a reason"
            if answer.status_code == 403 and denials(row) != said + 1:
                return "is refused, and the trail says nothing"
        elif action != "download-link" and print_of(row) == before:
            return "is allowed, and not done"
        return None

    return tried


def by_page(cast: Cast, who: str) -> Callable[[str, Submission], str | None]:
    browser = browser_of(cast.people[who])

    def tried(action: str, row: Submission) -> str | None:
        before, said, allowed = print_of(row), denials(row), may(action, who, row)
        answer = press(browser, action, row)
        is_done = print_of(row) != before or (action == "download-link" and answer.status_code == 200)
        if is_done != allowed:
            return f"answers {answer.status_code}: {'done' if is_done else 'not done'}"
        if not is_done:
            wanted = in_api(action, who, row)
            page = browser.get(answer.headers["Location"]) if answer.status_code == 302 else answer
            if answer.status_code not in wanted | {302} or (answer.status_code == 302 and wanted != {409}):
                return f"answers {answer.status_code} instead of {wanted}"
            if wanted == {409} and not ("alert-danger" in page.content.decode() or page.status_code in REFUSALS):
                return "is refused without a reason"
            if wanted == {403} and denials(row) != said + 1:
                return "is refused, and the trail says nothing"
        return None

    return tried


DOORS = [(by_api, who) for who in PERSONS + SERVICES] + [(by_page, who) for who in PERSONS]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("door", "who"), DOORS, ids=[f"{door.__name__}-{who}" for door, who in DOORS])
def test_only_the_cells_of_the_table_succeed(cast: Cast, door: Any, who: str) -> None:
    tried, wrong, cells = door(cast, who), [], 0
    is_of_service = who == "owner" or who in SERVICES
    for operation, state in itertools.product(OPERATIONS, State):
        row = None
        for action in ALLOWED:
            if row is None or print_of(row)[0] != state or print_of(row)[1:] != (None, 0, 0):
                row = given(cast, "own service" if is_of_service else "submitter", operation, state)
            cells += 1
            if said := tried(action, row):
                wrong.append((action, operation, state.value, said))
    assert (cells, wrong) == (len(OPERATIONS) * len(State) * len(ALLOWED), [])
