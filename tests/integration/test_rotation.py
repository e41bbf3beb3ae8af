"""Rotation: both tokens work for a while, a lost answer locks nobody out, and the trail tells all of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connections
from django.utils import timezone

from jobs_app import rotation, tokens
from jobs_app.actors import COMMAND_LINE, Scope
from jobs_app.errors import Invalid, NotAllowed, WrongState
from jobs_app.models import ApiToken, Event, User
from tests.conftest import Api
from tests.doors import newest_event, without_the_trail
from tests.doors import operator_actor as acting
from tests.examples import SPACE
from tests.services import REASON, ends_in, make_token, past_the_rights

pytestmark = pytest.mark.usefixtures("database")

HOUR = timedelta(hours=1)


def rotate(secret: str, **values: Any) -> Any:
    return Api(token=secret).post("me/rotate-token/", values)


def works(secret: str) -> bool:
    return bool(Api(token=secret).get("me/").status_code == 200)


def test_a_service_rotates_its_own_token_and_both_work_for_an_hour() -> None:
    old, secret = make_token()
    answer = rotate(secret)
    document = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store, private")
    assert list(document) == ["token", "id", "expiresAt", "oldTokenEndsAt"]
    assert works(secret)
    assert works(document["token"])
    old.refresh_from_db()
    assert old.rotated_at is not None
    assert old.retires_at == old.rotated_at + HOUR
    past_the_rights(old, retires_at=timezone.now())
    assert not works(secret)
    assert works(document["token"])


def test_the_new_one_has_the_same_rights_and_limits_and_as_long_to_live() -> None:
    limits: dict[str, Any] = {
        "name": "host 7",
        "addresses": ["127.0.0.0/8"],
        "operations": ["copy"],
        "spaces": [SPACE],
        "rate": "",
    }
    old, secret = make_token(days=30, scopes=[Scope.READ, Scope.WRITE], **limits)
    new = ApiToken.objects.get(pk=int(rotate(secret).json()["id"].removeprefix("token:")))
    assert (new.scopes, new.service, new.replaces) == (old.scopes, old.service, old)
    assert {name: getattr(new, name) for name in limits} == limits
    assert abs(new.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)


def test_no_token_ends_later_than_the_policy_says() -> None:
    old, secret = make_token(days=365)
    past_the_rights(old, expires_at=timezone.now() + timedelta(days=4000))
    new = ApiToken.objects.get(pk=int(rotate(secret).json()["id"].removeprefix("token:")))
    assert new.expires_at <= timezone.now() + timedelta(days=365)


def test_an_old_token_that_ends_in_the_overlap_ends_then() -> None:
    old, secret = make_token()
    ends_in(old, timedelta(minutes=5))
    old.refresh_from_db()
    assert rotate(secret).json()["oldTokenEndsAt"] == old.expires_at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(("seconds", "status"), [(60, 201), (86400, 201), (59, 400), (0, 400), (-1, 400), (86401, 400)])
def test_the_overlap_is_a_minute_at_least_and_a_day_at_most(seconds: int, status: int) -> None:
    _, secret = make_token()
    assert rotate(secret, overlapSeconds=seconds).status_code == status
    assert ApiToken.objects.count() == (2 if status == 201 else 1)


@pytest.mark.parametrize("values", [{"overlapSeconds": "60"}, {"overlapSeconds": 10**30}, {"overlap": 60}, [1]])
def test_a_body_that_is_wrong_rotates_nothing(values: Any) -> None:
    _, secret = make_token()
    assert Api(token=secret).post("me/rotate-token/", values).status_code == 400
    assert ApiToken.objects.count() == 1


def test_the_trail_tells_of_both_and_of_no_secret() -> None:
    old, secret = make_token()
    new = rotate(secret).json()
    event = newest_event("token.rotated")
    assert (event["token"], event["successor"], event["auth"]) == (old.ref, new["id"], old.ref)
    assert event["actor"]["id"] == f"service:{old.service_id}"
    assert newest_event("token.created")["replaces"] == old.ref
    for each in (secret, new["token"]):
        assert not Event.objects.filter(line__contains=each[4:40]).exists()


def test_me_tells_of_the_last_rotation() -> None:
    _, secret = make_token()
    new = rotate(secret).json()
    before, after = (Api(token=each).get("me/").json() for each in (secret, new["token"]))
    assert before["tokenExpiresAt"] == new["oldTokenEndsAt"]
    assert after["tokenExpiresAt"] == new["expiresAt"]
    assert before["tokenRotatedAt"]
    assert after["tokenRotatedAt"]


# --- A lost answer ---------------------------------------------------------------------------------------------------


def test_a_lost_answer_is_asked_for_again_and_the_lost_token_is_worth_nothing() -> None:
    old, secret = make_token()
    lost, found = rotate(secret).json(), rotate(secret).json()
    assert works(secret)
    assert not works(lost["token"])
    assert works(found["token"])
    event = newest_event("token.revoked")
    assert (event["token"], event["reason"]) == (lost["id"], "Replaced before its first use.")


def test_asking_again_does_not_make_the_old_one_live_longer() -> None:
    _, secret = make_token()
    first = rotate(secret, overlapSeconds=60).json()
    again = rotate(secret, overlapSeconds=86400).json()
    assert again["oldTokenEndsAt"] == first["oldTokenEndsAt"]
    assert rotate(secret, overlapSeconds=60).json()["oldTokenEndsAt"] <= first["oldTokenEndsAt"]


def test_the_database_holds_that_too() -> None:
    old, secret = make_token()
    rotate(secret)
    with pytest.raises(IntegrityError):
        ApiToken.objects.filter(pk=old.pk).update(retires_at=timezone.now() + timedelta(hours=2))
    with pytest.raises(IntegrityError):
        ApiToken.objects.filter(pk=old.pk).update(rotated_at=None, retires_at=None)


def test_once_the_new_one_is_used_the_old_one_is_rotated_for_good() -> None:
    _, secret = make_token()
    new = rotate(secret).json()["token"]
    assert works(new)
    answer = rotate(secret)
    assert (answer.status_code, "rotate that one" in answer.json()["detail"]) == (409, True)
    assert works(new)
    assert rotate(new).status_code == 201


def test_of_many_at_once_one_new_token_is_left() -> None:
    _, secret = make_token()

    def once(_: int) -> Any:
        try:
            return rotate(secret).json()["token"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(once, range(4)))
    assert len(set(made)) == 4
    assert sum(works(each) for each in made) == 1
    assert works(secret)


def test_without_the_trail_nothing_is_rotated() -> None:
    _, secret = make_token()
    assert works(secret)
    with without_the_trail():
        assert rotate(secret).status_code == 503
    assert ApiToken.objects.filter(rotated_at=None).count() == ApiToken.objects.count() == 1
    assert rotate(secret).status_code == 201


# --- Who may ---------------------------------------------------------------------------------------------------------


def test_only_a_service_rotates_by_the_api(administrator: User) -> None:
    answer = Api(person=administrator).post("me/rotate-token/", {})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (403, "services_only")
    assert Api(token="wrong").post("me/rotate-token/", {}).status_code == 401
    assert Api().post("me/rotate-token/", {}).status_code == 401


@pytest.mark.parametrize("scope", Scope)
def test_any_scope_rotates_itself_and_gains_nothing(scope: Scope) -> None:
    _, secret = make_token(scopes=[scope])
    new = rotate(secret).json()["token"]
    assert Api(token=new).get("me/").json()["scopes"] == [scope]


def test_an_administrator_rotates_with_a_reason_and_nobody_else(administrator: User, operator: User) -> None:
    token, _ = make_token()
    with pytest.raises(NotAllowed):
        rotation.rotate(token, overlap=HOUR, reason=REASON, by=acting(operator))
    with pytest.raises(Invalid):
        rotation.rotate(token, overlap=HOUR, reason=" ", by=acting(administrator))
    rotated = rotation.rotate(token, overlap=HOUR, reason=REASON, by=acting(administrator))
    assert works(rotated.secret)
    assert rotated.token.created_by == administrator
    assert newest_event("token.rotated")["reason"] == REASON


@pytest.mark.parametrize("verb", [tokens.pause, tokens.revoke])
def test_what_does_not_work_is_not_rotated(verb: Any, administrator: User) -> None:
    token, secret = make_token()
    verb(token, reason=REASON, by=COMMAND_LINE)
    assert rotate(secret).status_code == 401
    with pytest.raises(WrongState):
        rotation.rotate(token, overlap=HOUR, reason=REASON, by=acting(administrator))
    assert ApiToken.objects.get() == token
