"""The first use of a token is an event, once; a token that can't be told of can't be used."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from jobs_app.actors import Scope
from jobs_app.models import ApiToken, Event
from tests.conftest import Api, token_of
from tests.doors import newest_event, without_the_trail

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def token() -> str:
    return token_of("payroll", Scope.READ)


def uses(secret: str) -> int:
    pk = ApiToken.objects.of_secret(secret).get().pk
    return Event.objects.filter(action="token.used", line__contains=f'"token":"token:{pk}"').count()


def test_the_first_use_is_told_and_no_later_one(token: str) -> None:
    assert uses(token) == 0
    assert Api(token=token).get("me/").status_code == 200
    row = ApiToken.objects.of_secret(token).get()
    event = newest_event("token.used")
    assert (event["auth"], event["token"], event["channel"]) == (f"token:{row.pk}", f"token:{row.pk}", "api")
    assert (event["ip"], event["actor"]["id"]) == ("127.0.0.1", f"service:{row.service_id}")
    count = Event.objects.count()
    assert Api(token=token).get("submissions/").status_code == 200
    assert Event.objects.count() == count
    assert ApiToken.objects.of_secret(token).get().first_used_at == row.first_used_at


def test_another_token_of_the_same_service_has_its_own_first_use(token: str) -> None:
    other = token_of("payroll", Scope.WRITE)
    Api(token=token).get("me/")
    assert (uses(token), uses(other)) == (1, 0)
    Api(token=other).get("me/")
    assert uses(other) == 1


def test_a_call_that_is_not_allowed_is_a_use_too(token: str) -> None:
    assert Api(token=token).post("submissions/", {}).status_code == 403
    assert uses(token) == 1


def test_requests_at_the_same_moment_are_one_first_use(token: str) -> None:
    together = Barrier(6)

    def call(_: int) -> int:
        try:
            together.wait()
            return int(Api(token=token).get("me/").status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(call, range(6))) == {200}
    assert uses(token) == 1


def test_without_the_trail_the_first_use_is_refused_and_a_later_one_goes_on(token: str) -> None:
    with without_the_trail():
        answer = Api(token=token).get("me/")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:koodrive-portal:problem:audit_unavailable")
        assert answer["Retry-After"]
    assert ApiToken.objects.of_secret(token).get().first_used_at is None
    assert Api(token=token).get("me/").status_code == 200
    assert uses(token) == 1
    with without_the_trail():
        assert Api(token=token).get("me/").status_code == 200


def test_a_stranger_uses_nothing(token: str) -> None:
    assert Api(token=token + "x").get("me/").status_code == 401
    assert uses(token) == 0
