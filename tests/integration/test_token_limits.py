"""What a token may submit and where, the default reason of its service, and what it can see of its own limits."""

from typing import Any

import pytest

from jobs_app import people, tokens
from jobs_app.actors import COMMAND_LINE, SUBMISSION_SCOPES, Role, Scope
from jobs_app.errors import Invalid, NotAllowed, WrongState
from jobs_app.models import Event, Submission, User
from jobs_app.token_limits import Limits
from tests.conftest import Api, make_person, token_of
from tests.doors import newest_event
from tests.doors import operator_actor as acting
from tests.examples import OTHER_SPACE, SPACE, body
from tests.services import REASON, make_service, make_token

pytestmark = pytest.mark.usefixtures("database")


def spaces(source: str, target: str) -> dict[str, Any]:
    document = body("copy")
    document["taskInfo"]["srcContainerId"], document["dstContainerId"] = source, target
    return document


def without_reason(operation: str = "copy") -> dict[str, Any]:
    return {name: value for name, value in body(operation).items() if name != "reason"}


# --- Operations and spaces -------------------------------------------------------------------------------------------


def test_an_operation_that_it_is_not_for_is_refused_by_name() -> None:
    token, secret = make_token(operations=["copy", "move"])
    api = Api(token=secret)
    assert api.post("submissions/", body("copy")).status_code == 201
    for path in ("submissions/", "submissions/validate/"):
        answer = api.post(path, body("delete"))
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (403, "not_allowed")
        assert "may not submit delete" in answer.json()["detail"]
    event = newest_event("permission.denied")
    assert (event["to"], event["operation"], event["auth"]) == ("submit", "delete", token.ref)
    assert Submission.objects.count() == 1


@pytest.mark.parametrize(
    ("source", "target", "named"),
    [(SPACE, SPACE, []), (SPACE, OTHER_SPACE, [OTHER_SPACE]), (OTHER_SPACE, SPACE, [OTHER_SPACE])],
)
def test_source_and_target_must_both_be_its_spaces(source: str, target: str, named: list[str]) -> None:
    _, secret = make_token(spaces=[SPACE])
    answer = Api(token=secret).post("submissions/", spaces(source, target))
    assert answer.status_code == (403 if named else 201)
    assert all(space in answer.json()["detail"] for space in named)
    if named:
        event = newest_event("permission.denied")
        assert (event["space"], event["sourceSpace"]) == (target, source)


def test_a_space_is_named_once_although_it_is_both() -> None:
    _, secret = make_token(spaces=[SPACE])
    detail = Api(token=secret).post("submissions/", spaces(OTHER_SPACE, OTHER_SPACE)).json()["detail"]
    assert detail.count(OTHER_SPACE) == 1


def test_another_try_is_held_to_the_limits_of_that_moment() -> None:
    token, secret = make_token()
    api = Api(token=secret)
    id_ = api.post("submissions/", body("move")).json()["id"]
    assert api.post(f"submissions/{id_}/cancel/", {}).status_code == 200
    tokens.change(token, Limits(operations=["copy"]), reason=REASON, by=COMMAND_LINE)
    assert api.get(f"submissions/{id_}/").status_code == 200
    assert api.post(f"submissions/{id_}/retry/", {"reason": "again"}).status_code == 403


def test_the_limits_hold_for_no_person_and_for_no_other_token(operator: User) -> None:
    service = make_service()
    make_token(service, operations=["copy"], spaces=[OTHER_SPACE])
    _, free = make_token(service)
    assert Api(token=free).post("submissions/", body("move")).status_code == 201
    assert Api(person=operator).post("submissions/", body("trash")).status_code == 201


# --- The default reason ----------------------------------------------------------------------------------------------


def test_the_default_reason_stands_for_one_that_is_not_given() -> None:
    api = Api(token=make_token(make_service(default_reason="nightly archive"))[1])
    answer = api.post("submissions/", without_reason())
    assert (answer.status_code, answer.json()["reason"]) == (201, "nightly archive")
    assert newest_event("submission.created")["reason"] == "nightly archive"
    assert api.post("submissions/", body("copy", reason="by hand")).json()["reason"] == "by hand"
    assert api.post("submissions/validate/", without_reason()).json()["errors"] == []
    id_ = answer.json()["id"]
    api.post(f"submissions/{id_}/cancel/", {})
    assert api.post(f"submissions/{id_}/retry/", {}).json()["reason"] == "nightly archive"


@pytest.mark.parametrize("reason", ["", "  ", None, 7])
def test_a_reason_that_is_given_must_be_one(reason: Any) -> None:
    api = Api(token=make_token(make_service(default_reason="nightly archive"))[1])
    assert api.post("submissions/", without_reason() | {"reason": reason}).status_code == 400


def test_without_a_default_a_reason_is_required_of_services_and_people(operator: User) -> None:
    for api in (Api(token=make_token()[1]), Api(person=operator)):
        [error] = api.post("submissions/", without_reason()).json()["errors"]
        assert (error["pointer"], error["code"]) == ("/reason", "required")


# --- Approval --------------------------------------------------------------------------------------------------------


def test_what_nobodys_service_submits_needs_an_approver_like_any_other(administrator: User, approver: User) -> None:
    api = Api(token=token_of("cron", *SUBMISSION_SCOPES))
    made = api.post("submissions/", body("delete")).json()
    path, decision = f"submissions/{made['id']}/approve/", {"requestSha256": made["requestSha256"]}
    assert made["status"] == "awaiting_approval"
    assert api.post(path, decision).status_code == 403
    assert Api(person=administrator).post(path, decision).status_code == 403
    assert Api(person=approver).post(path, decision).status_code == 200


def test_a_new_owner_may_not_be_the_second_person_for_the_old_ones_submission() -> None:
    owner, other = make_person("olaf", Role.APPROVER), make_person("ada", Role.APPROVER)
    api = Api(token=make_token(make_service(owner=owner))[1])
    made = api.post("submissions/", body("delete")).json()
    path, decision = f"submissions/{made['id']}/approve/", {"requestSha256": made["requestSha256"]}
    assert Api(person=owner).post(path, decision).status_code == 403
    assert Api(person=other).post(path, decision).status_code == 200


# --- Changing them ---------------------------------------------------------------------------------------------------


def test_a_change_is_told_with_before_and_after_and_no_change_is_not() -> None:
    token, _ = make_token(rate="5/s", name="old")
    limits = Limits(name="new", rate="5/s", addresses=["2001:DB8::/32", "192.0.2.7"])
    tokens.change(token, limits, reason=REASON, by=COMMAND_LINE)
    event = newest_event("token.changed")
    assert event["before"] == {"name": "old", "rate": "5/s"}
    assert event["after"] == {"name": "new", "rate": "5/s", "addresses": ["192.0.2.7/32", "2001:db8::/32"]}
    assert event["reason"] == REASON
    count = Event.objects.filter(action="token.changed").count()
    tokens.change(token, limits, reason=REASON, by=COMMAND_LINE)
    assert Event.objects.filter(action="token.changed").count() == count


def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = Limits("n" * 101, ["10.0.0.1/8", "somewhere"], ["burn"], ["a\x00b"], "lots")
    with pytest.raises(Invalid) as caught:
        tokens.make(make_service(), scopes=["root"], days=366, limits=wrong, reason=" ", by=COMMAND_LINE)
    pointers = [problem.pointer for problem in caught.value.problems]
    assert sorted(set(pointers)) == sorted(
        ["/name", "/addresses", "/operations", "/spaces", "/rate", "/scopes", "/days", "/reason"]
    )
    assert any("bits beyond its mask" in problem.detail for problem in caught.value.problems)


@pytest.mark.parametrize("verb", [tokens.pause, tokens.resume, tokens.revoke])
@pytest.mark.parametrize("person", ["operator", "approver", "auditor", "stranger"])
def test_only_an_administrator_does_any_of_it(verb: Any, person: str, request: pytest.FixtureRequest) -> None:
    token, _ = make_token()
    by = acting(request.getfixturevalue(person))
    with pytest.raises(NotAllowed):
        verb(token, reason=REASON, by=by)
    with pytest.raises(NotAllowed):
        tokens.change(token, Limits(), reason=REASON, by=by)
    with pytest.raises(NotAllowed):
        tokens.make(token.service, scopes=[Scope.READ], days=1, limits=Limits(), reason=REASON, by=by)
    assert newest_event("permission.denied")["actor"]["id"] == by.id


def test_what_has_ended_can_not_be_changed_any_more(administrator: User) -> None:
    token, _ = make_token()
    tokens.revoke(token, reason=REASON, by=acting(administrator))
    token.refresh_from_db()
    assert (token.revoked_by, token.revoke_reason) == (administrator, REASON)
    for verb in (tokens.pause, tokens.resume, tokens.revoke):
        with pytest.raises(WrongState):
            verb(token, reason=REASON, by=acting(administrator))
    with pytest.raises(WrongState):
        tokens.change(token, Limits(rate="1/s"), reason=REASON, by=acting(administrator))


# --- me/ -------------------------------------------------------------------------------------------------------------


def test_a_token_sees_its_own_limits() -> None:
    _, secret = make_token(rate="100/min", addresses=["127.0.0.0/8"], operations=["copy"], spaces=[SPACE])
    found = Api(token=secret).get("me/").json()
    assert found["limits"] == {
        "maxFiles": 1000,
        "rate": "100/min",
        "addresses": ["127.0.0.0/8"],
        "operations": ["copy"],
        "spaces": [SPACE],
    }
    assert found["tokenExpiresAt"].endswith("Z")
    assert found["tokenRotatedAt"] is None


def test_without_limits_they_are_null(operator: User) -> None:
    people.create_token("cron", scopes=[Scope.READ], days=1, by=COMMAND_LINE, secret="a-token-of-the-environment")
    for api in (Api(token="a-token-of-the-environment"), Api(person=operator)):
        limits = api.get("me/").json()["limits"]
        assert {name: limits[name] for name in limits if name != "maxFiles"} == dict.fromkeys(
            ["rate", "addresses", "operations", "spaces"]
        )
