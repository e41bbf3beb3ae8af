"""What weighs most takes a second factor of the last minutes, at every door; what was begun goes on afterwards."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from jobs_app import (
    accounts,
    approvals,
    credentials,
    directory,
    pauses,
    policymaking,
    proposals,
    receivers,
    roles,
    rotation,
    services,
    submissions,
    tokens,
)
from jobs_app.actors import Actor, Role
from jobs_app.errors import Reauthenticate
from jobs_app.models import ApiToken, Proposal, Service, Submission, User
from jobs_app.token_limits import Limits
from tests.doors import newest_event, operator_actor
from tests.examples import body
from tests.services import make_token
from tests.signing_in import code, grows_older, with_app

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def _required(settings: Any) -> None:
    settings.MFA_REQUIRED = True


@pytest.fixture
def waiting(operator: User) -> Submission:
    return submissions.submit(body("delete"), by=operator_actor(operator))


def stale(person: User) -> Client:
    client = with_app(person)
    grows_older(client, 601)
    return client


def decision(row: Submission) -> dict[str, str]:
    return {"decision": "approve", "requestSha256": row.request_sha256, "comment": "looked at"}


def test_an_approval_goes_on_after_the_confirmation(waiting: Submission, approver: User) -> None:
    client = stale(approver)
    path = f"/submissions/{waiting.pk}/decide/"
    asked = client.post(path, decision(waiting))
    assert asked.url == f"/sign-in/again/code/?next={path.replace('/', '%2F')}"
    waiting.refresh_from_db()
    assert waiting.status == "awaiting_approval"
    assert client.get(asked.url).status_code == 200
    done = client.post(asked.url, {"code": code(approver, 1), "next": path})
    assert done.url == f"/submissions/{waiting.pk}/"
    waiting.refresh_from_db()
    assert waiting.status == "queued"
    event = newest_event("submission.approved")
    assert (event["auth"], event["comment"]) == ("session+totp", "looked at")


def test_a_wrong_code_decides_nothing(waiting: Submission, approver: User) -> None:
    client = stale(approver)
    asked = client.post(f"/submissions/{waiting.pk}/decide/", decision(waiting))
    assert client.post(asked.url, {"code": "000000"}).status_code == 200
    waiting.refresh_from_db()
    assert waiting.status == "awaiting_approval"


def test_within_ten_minutes_nothing_is_asked(waiting: Submission, approver: User) -> None:
    client = with_app(approver)
    grows_older(client, 500)
    assert client.post(f"/submissions/{waiting.pk}/decide/", decision(waiting)).url == f"/submissions/{waiting.pk}/"
    waiting.refresh_from_db()
    assert waiting.status == "queued"


def test_the_api_says_that_it_takes_a_confirmation(waiting: Submission, approver: User) -> None:
    client = stale(approver)
    path = f"/api/v1/submissions/{waiting.pk}/approve/"
    sent = {"data": {"requestSha256": waiting.request_sha256}, "content_type": "application/json"}
    refused = client.post(path, **sent)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:koodrive-portal:problem:reauthenticate")
    assert refused.headers["Content-Type"] == "application/problem+json"
    client.post("/sign-in/again/code/", {"code": code(approver, 1)})
    assert client.post(path, **sent).status_code == 200


def test_somebody_without_the_right_is_not_asked_first(waiting: Submission, administrator: User) -> None:
    client = stale(administrator)
    assert client.post(f"/submissions/{waiting.pk}/decide/", decision(waiting)).status_code == 403


def test_a_secret_that_was_typed_is_not_kept_meanwhile(administrator: User) -> None:
    client = stale(administrator)
    asked = client.post("/credentials/", {"token": "a-secret-of-koodrive", "reason": "it died"})
    assert asked.url.startswith("/sign-in/again/code/?next=%2Fcredentials%2F")
    assert "a-secret-of-koodrive" not in str([each.get_decoded() for each in Session.objects.all()])
    assert client.post(asked.url, {"code": code(administrator, 1)}).url == "/credentials/"


def test_where_none_is_required_nothing_is_asked(waiting: Submission, approver: User, settings: Any) -> None:
    settings.MFA_REQUIRED = False
    client = stale(approver)
    client.post(f"/submissions/{waiting.pk}/decide/", decision(waiting))
    waiting.refresh_from_db()
    assert waiting.status == "queued"


Try = Callable[[Actor, Service, ApiToken], object]
WEIGHS: dict[str, Try] = {
    "make a service": lambda by, service, token: services.create({"name": "new"}, reason="why", by=by),
    "change a service": lambda by, service, token: services.change(service, {}, reason="why", by=by),
    "make a token": lambda by, service, token: tokens.make(
        service, scopes=["submissions:read"], days=1, limits=Limits(), reason="why", by=by
    ),
    "change a token": lambda by, service, token: tokens.change(token, Limits(), reason="why", by=by),
    "revoke a token": lambda by, service, token: tokens.revoke(token, reason="why", by=by),
    "resume a token": lambda by, service, token: tokens.resume(token, reason="why", by=by),
    "rotate a token": lambda by, service, token: rotation.rotate(
        token, overlap=timedelta(minutes=5), reason="why", by=by
    ),
    "set a callback": lambda by, service, token: receivers.put(service, "https://hooks.example.com/", by=by),
    "remove a callback": lambda by, service, token: receivers.remove(service, by=by),
    "set credentials": lambda by, service, token: credentials.replace("x", reason="why", by=by),
    "propose a change": lambda by, service, token: proposals.propose(
        next(iter(Proposal.Kind)), "policy", before={}, after={"x": 1}, reason="why", by=by
    ),
    "change the policy": lambda by, service, token: policymaking.change({}, version=0, reason="why", by=by),
    "end the set-up": lambda by, service, token: policymaking.end_set_up(reason="why", by=by),
    "add a space": lambda by, service, token: directory.add("F1", {"name": "new"}, reason="why", by=by),
    "give roles": lambda by, service, token: roles.change(service.owner, [Role.AUDITOR], reason="why", by=by),
    "deactivate": lambda by, service, token: accounts.deactivate(service.owner, reason="why", by=by),
    "resume sending": lambda by, service, token: pauses.resume(reason="why", by=by),
}


@pytest.mark.parametrize("name", WEIGHS)
def test_every_verb_that_weighs_asks_for_it(administrator: User, name: str) -> None:
    token, _ = make_token()
    with pytest.raises(Reauthenticate):
        WEIGHS[name](replace(operator_actor(administrator), confirmed=False), token.service, token)


@pytest.mark.parametrize("verb", [approvals.approve, approvals.reject])
def test_every_decision_asks_for_it(waiting: Submission, approver: User, verb: Any) -> None:
    by = replace(operator_actor(approver), confirmed=False)
    with pytest.raises(Reauthenticate):
        verb(waiting, by=by, request_sha256=waiting.request_sha256, comment="x")
