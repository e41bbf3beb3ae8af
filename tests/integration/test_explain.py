"""Why is it not done: each state says what it waits for, whether a person is needed, and when the portal looks next."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs_app import explain, pauses, submissions
from jobs_app.actors import WORKER
from jobs_app.explain import Circumstances
from jobs_app.models import Pause, Submission, User
from jobs_app.states import FINAL, State
from tests.conftest import Api
from tests.doors import operator_actor as acting
from tests.examples import body

MOMENT = timezone.now()


def row(state: State, **values: Any) -> Submission:
    known = {"operation": "copy", "status": state, "files_total": 1, "approvals_needed": 1, "created_at": MOMENT}
    return Submission(**(known | values))


@pytest.mark.parametrize("state", sorted(set(State) - {State.AWAITING_APPROVAL}))
def test_every_state_has_its_sentence(state: State) -> None:
    due = None if state in FINAL else MOMENT
    why = explain.explain(row(state, sent_at=MOMENT, accepted_at=MOMENT, due_at=due), Circumstances())
    assert why.sentence.endswith(".")
    assert "unknown time" not in why.sentence
    assert (why.waiting_for is None) == (state in FINAL)
    assert not why.needs_person


@pytest.mark.parametrize(
    ("values", "waiting_for", "needs_person", "says"),
    [
        ({"hold": "busy", "due_at": MOMENT}, "busy", False, "next try"),
        ({"hold": "unreachable", "due_at": MOMENT, "detail": "It was refused."}, "unreachable", False, "next try"),
        ({"hold": "withheld", "detail": "The key is missing."}, "person", True, "taken out of the queue"),
        ({"not_before": MOMENT, "due_at": MOMENT}, "not_before", False, "must not be sent"),
        ({"due_at": MOMENT}, "worker", False, "waits for a worker"),
    ],
)
def test_what_holds_a_queued_one_back(values: dict[str, Any], waiting_for: str, needs_person: bool, says: str) -> None:
    why = explain.explain(row(State.QUEUED, **values), Circumstances())
    assert (why.waiting_for, why.needs_person) == (waiting_for, needs_person)
    assert says in why.sentence


@pytest.mark.parametrize(
    ("due_at", "waiting_for", "needs_person"), [(MOMENT, "evidence", False), (None, "person", True)]
)
def test_a_doubt_is_looked_into_and_then_a_persons(due_at: Any, waiting_for: str, needs_person: bool) -> None:
    why = explain.explain(row(State.UNKNOWN, sent_at=MOMENT, due_at=due_at), Circumstances())
    assert (why.waiting_for, why.needs_person) == (waiting_for, needs_person)
    assert "never sends it again" in why.sentence


def test_a_doubtful_twin_needs_a_person_only_when_the_portal_looks_no_more() -> None:
    twin = row(State.UNKNOWN, request_sha256="a", updated_at=MOMENT, due_at=MOMENT)
    queued = row(State.QUEUED, request_sha256="a", due_at=MOMENT)
    assert not explain.explain(queued, Circumstances(twins={"a": twin})).needs_person
    twin.due_at = None
    assert explain.explain(queued, Circumstances(twins={"a": twin})).needs_person


def test_a_wish_to_cancel_is_told_while_it_is_open() -> None:
    wished = row(State.RUNNING, accepted_at=MOMENT, due_at=MOMENT, cancel_requested_at=MOMENT)
    assert "to be cancelled" in (explain.explain(wished, Circumstances()).advice or "")
    wished.cancel_asked_at = MOMENT
    assert "was asked" in (explain.explain(wished, Circumstances()).advice or "")


@pytest.mark.parametrize(("cause", "needs_person"), [("credentials", True), ("address", True), ("unreachable", False)])
def test_a_pause_is_told_to_everybody_who_waits(service: Api, operator: User, cause: str, needs_person: bool) -> None:
    service.post("submissions/", body("copy"))
    submissions.submit(body("move"), by=acting(operator))
    pauses.begin(Pause.Cause(cause), "HTTP 418.", by=WORKER)
    for document in service.get("submissions/").json()["results"]:
        assert (document["waitingFor"], document["needsPerson"]) == (cause, needs_person)
        assert "paused since" in document["statusDetail"]


def test_an_open_approval_says_until_when(operator: User, service: Api) -> None:
    made = submissions.submit(body("delete"), by=acting(operator))
    document = service.get(f"submissions/{made.pk}/").json()
    assert "0 of 1 given" in document["statusDetail"]
    assert document["nextCheckAt"] == document["approval"]["expiresAt"]
    assert datetime.fromisoformat(document["nextCheckAt"]) > timezone.now() + timedelta(days=6)
