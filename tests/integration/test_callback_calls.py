"""The REST calls of callbacks: a service and its own, tokens of too few scopes, other services, people, strangers."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from jobs_app.actors import Scope
from jobs_app.models import Callback, Delivery, Event, User
from tests.callbacks import Subscriber, snippet, work
from tests.conftest import Api, token_of
from tests.doors import newest_event, without_the_trail
from tests.receiver import receiving, status

OWN = "me/callback/"
CHANGES = (("put", OWN), ("delete", OWN), ("post", OWN + "rotate-secret/"))
LOOKS = (OWN, OWN + "deliveries/")


pytestmark = pytest.mark.usefixtures("loopback_allowed")


def call(api: Api, method: str, path: str, url: str = "http://127.0.0.1:9/") -> Any:
    return api.delete(path) if method == "delete" else getattr(api, method)(path, {"url": url})


def test_a_service_sets_its_callback_and_sees_how_it_goes(payroll: Subscriber) -> None:
    shown = payroll.api.get(OWN).json()
    assert shown | {"setAt": None} == {
        "url": payroll.receiver.url,
        "state": "active",
        "failing": False,
        "detail": None,
        "pending": 0,
        "pendingSince": None,
        "lastSuccessAt": None,
        "formerSecretUntil": None,
        "setAt": None,
    }
    event = newest_event("callback.set")
    assert (event["service"], event["url"]) == (event["actor"]["id"], payroll.receiver.url)
    payroll.submit()
    work()
    assert payroll.api.get(OWN).json()["lastSuccessAt"]


def test_another_address_keeps_the_secret_gets_what_waits_and_lets_a_stopped_one_go_on(payroll: Subscriber) -> None:
    payroll.submit()
    payroll.receiver.answer = status(410)
    work()
    with receiving() as moved:
        answer = payroll.api.put(OWN, {"url": moved.url})
        assert (answer.status_code, "secret" in answer.json()) == (200, False)
        work()
        [got] = moved.received
        assert snippet()(payroll.secret, got.headers, got.body)
    event = newest_event("callback.set")
    assert event["before"] == {"url": payroll.receiver.url, "state": "disabled"}


def test_what_follows_a_question_mark_is_called_and_stands_in_no_event(payroll: Subscriber) -> None:
    assert payroll.api.put(OWN, {"url": payroll.receiver.url + "?key=hush"}).status_code == 200
    payroll.submit()
    work()
    assert payroll.receiver.received[0].path == "/hooks?key=hush"
    payroll.api.delete(OWN)
    assert not Event.objects.filter(line__contains="hush").exists()


def test_during_a_rotation_both_secrets_sign_and_after_a_day_only_the_new_one(payroll: Subscriber) -> None:
    answer = payroll.api.post(OWN + "rotate-secret/", {})
    assert answer["Cache-Control"] == "no-store, private"
    new = answer.json()["secret"]
    assert new != payroll.secret
    payroll.submit()
    work()
    Callback.objects.update(former_until=timezone.now() - timedelta(seconds=1))
    payroll.submit()
    work()
    both, later = payroll.receiver.received
    for secret in (new, payroll.secret):
        assert snippet()(secret, both.headers, both.body)
    assert snippet()(new, later.headers, later.body)
    with pytest.raises(ValueError, match="not signed"):
        snippet()(payroll.secret, later.headers, later.body)


def test_no_secret_stands_anywhere_in_the_clear(payroll: Subscriber, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    new = payroll.api.post(OWN + "rotate-secret/", {}).json()["secret"]
    payroll.submit()
    work()
    payroll.api.delete(OWN)
    everything = "\n".join([caplog.text, json.dumps(payroll.api.get(OWN).json()), *rows()])
    for secret in (new, payroll.secret):
        assert secret.removeprefix("whsec_") not in everything


def rows() -> Iterator[str]:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'audit')")
        for schema, table in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{schema}"."{table}" AS t')
            yield from (row for (row,) in cursor.fetchall())


def test_a_removed_callback_leaves_nothing(payroll: Subscriber) -> None:
    payroll.submit()
    work()
    assert payroll.api.delete(OWN).status_code == 204
    assert (Callback.objects.count(), Delivery.objects.count()) == (0, 0)
    assert newest_event("callback.removed")["url"] == payroll.receiver.url
    for path in LOOKS:
        assert payroll.api.get(path).status_code == 404
    assert payroll.api.delete(OWN).status_code == 404
    assert payroll.api.post(OWN + "rotate-secret/", {}).status_code == 404


def test_the_log_tells_newest_first_what_became_of_each_notice(payroll: Subscriber) -> None:
    first, second = payroll.submit(), payroll.submit()
    payroll.receiver.answer = status(500)
    work()
    payroll.receiver.answer = status(204)
    Delivery.objects.filter(submission=first).update(due_at=timezone.now())
    work()
    [newer, older] = payroll.api.get(OWN + "deliveries/").json()["results"]
    assert (newer["submission"], newer["state"], newer["statusCode"], newer["endedAt"]) == (
        second,
        "pending",
        500,
        None,
    )
    assert newer["error"]
    assert newer["nextAttemptAt"]
    assert (older["submission"], older["state"], older["attempts"], older["error"]) == (first, "delivered", 2, None)
    assert older["id"] == payroll.receiver.received[-1].headers["webhook-id"]
    page = payroll.api.get(OWN + "deliveries/", limit="1").json()
    assert [each["id"] for each in page["results"]] == [newer["id"]]
    assert f"cursor={Delivery.objects.get(submission=second).pk}" in page["next"]
    only = payroll.api.get(OWN + "deliveries/", state="delivered").json()["results"]
    assert [each["id"] for each in only] == [older["id"]]
    for wrong in ({"state": "lost"}, {"cursor": "x"}, {"limit": "0"}):
        assert payroll.api.get(OWN + "deliveries/", **wrong).status_code == 400


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/url", "required"),
        ({"url": 1}, "/url", "wrong_type"),
        ({"url": "https://h.example.com/", "secret": "x"}, "/secret", "unknown_field"),
        ({"url": "https://10.0.0.1/"}, "/url", "refused_address"),
        ({"url": "https://localhost./"}, "/url", "refused_address"),
        ({"url": "https://user@example.com/"}, "/url", "refused_address"),
        ({"url": "http://[::1]/"}, "/url", "refused_address"),
        ({"url": "https://nowhere.invalid/"}, "/url", "unresolved_host"),
        ([], "", "wrong_type"),
    ],
    ids=str,
)
def test_what_is_no_callback_is_refused(service: Api, body: Any, pointer: str, code: str) -> None:
    answer = service.put(OWN, body)
    assert answer.status_code == 400
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)]
    assert not Callback.objects.exists()


def test_localhost_leads_inside(service: Api, settings: Any) -> None:
    settings.CALLBACK_NETWORKS = ()
    answer = service.put(OWN, {"url": "https://localhost/"})
    assert [each["code"] for each in answer.json()["errors"]] == ["refused_address"]


def test_a_service_reaches_its_own_callback_alone(payroll: Subscriber) -> None:
    other = Api(token=token_of("other", Scope.READ_ALL, Scope.WRITE))
    for path in LOOKS:
        assert other.get(path).status_code == 404
    assert other.delete(OWN).status_code == 404
    assert other.put(OWN, {"url": payroll.receiver.url + "/other"}).status_code == 201
    assert payroll.api.get(OWN).json()["url"] == payroll.receiver.url
    assert other.get(OWN + "deliveries/").json()["results"] == []


@pytest.mark.parametrize(
    ("scopes", "looks", "changes"),
    [
        ([Scope.READ, Scope.WRITE], True, True),
        ([Scope.READ_ALL, Scope.WRITE], True, True),
        ([Scope.READ], True, False),
        ([Scope.READ_ALL], True, False),
        ([Scope.WRITE], False, False),
        ([Scope.AUDIT], False, False),
    ],
    ids=str,
)
def test_what_a_token_needs(payroll: Subscriber, scopes: list[Scope], looks: bool, changes: bool) -> None:
    api = Api(token=token_of("payroll", *scopes))
    for path in LOOKS:
        assert api.get(path).status_code == (200 if looks else 403)
    for method, path in CHANGES:
        answer = call(api, method, path, payroll.receiver.url)
        assert (answer.status_code != 403) == changes, (method, path, answer.content)
    if not changes:
        assert newest_event("permission.denied")["outcome"] == "denied"


def test_people_have_none_of_their_own(payroll: Subscriber, administrator: User, operator: User) -> None:
    for person in (administrator, operator):
        api = Api(person=person)
        for path in LOOKS:
            assert api.get(path).status_code == 403
        for method, path in CHANGES:
            assert call(api, method, path).status_code == 403


def test_without_the_trail_nothing_is_changed(payroll: Subscriber) -> None:
    before = Callback.objects.values().get()
    count = Event.objects.count()
    with without_the_trail():
        for method, path in CHANGES:
            assert call(payroll.api, method, path).status_code == 503
    assert Callback.objects.values().get() == before
    assert Event.objects.count() == count
