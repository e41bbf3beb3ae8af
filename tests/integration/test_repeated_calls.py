"""A call that is repeated with its key does its work once, whatever comes between."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from jobs_app import idempotency, submissions
from jobs_app.actors import SUBMISSION_SCOPES
from jobs_app.models import IdempotencyKey, Submission, User
from tests.conftest import Api, token_of
from tests.doors import operator_actor, without_the_trail
from tests.examples import SPACE, body
from tests.services import make_service, make_token

KEY = {"Idempotency-Key": "order-4711"}


def test_the_same_again_gives_the_first_one(service: Api) -> None:
    first = service.post("submissions/", body("copy"), **KEY)
    again = service.post("submissions/", body("copy"), **KEY)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Submission.objects.count() == 1


def test_the_order_of_fields_makes_no_other_request(service: Api) -> None:
    values = body("copy")
    service.post("submissions/", values, **KEY)
    assert service.post("submissions/", dict(reversed(values.items())), **KEY).status_code == 200


@pytest.mark.parametrize("change", [{"reason": "another"}, {"password": "another"}, {"reference": "R-2"}])
def test_another_request_with_the_key_is_refused(service: Api, change: dict[str, Any]) -> None:
    values = body("extract", password="secret-1")
    service.post("submissions/", values, **KEY)
    answer = service.post("submissions/", values | change, **KEY)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(":key_reused")
    assert Submission.objects.count() == 1


def test_the_stored_key_tells_nothing_of_the_body(service: Api) -> None:
    service.post("submissions/", body("extract", password="canary-4711"), **KEY)
    [row] = IdempotencyKey.objects.values_list("digest", flat=True)
    assert len(row) == 64
    assert "canary" not in row


def test_a_key_belongs_to_the_service_and_not_to_its_token(service: Api) -> None:
    first = service.post("submissions/", body("copy"), **KEY).json()
    other_token = Api(token=token_of("payroll", *SUBMISSION_SCOPES))
    assert other_token.post("submissions/", body("copy"), **KEY).json()["id"] == first["id"]
    other_service = Api(token=token_of("archive", *SUBMISSION_SCOPES))
    assert other_service.post("submissions/", body("copy"), **KEY).status_code == 201


def test_a_key_gives_the_first_one_to_a_token_that_could_not_make_it_anew(database: None) -> None:
    service = make_service()
    _, wide = make_token(service)
    _, narrow = make_token(service, operations=["move"])
    first = Api(token=wide).post("submissions/", body("copy"), **KEY)
    again = Api(token=narrow).post("submissions/", body("copy"), **KEY)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert Api(token=narrow).post("submissions/", body("copy"), **{"Idempotency-Key": "another"}).status_code == 403
    assert Submission.objects.count() == 1


def test_a_person_and_a_service_of_the_same_number_have_keys_of_their_own(service: Api, operator: User) -> None:
    service.post("submissions/", body("copy"), **KEY)
    assert Api(person=operator).post("submissions/", body("copy"), **KEY).status_code == 201


def test_a_failed_attempt_uses_nothing_up(service: Api) -> None:
    bad = body("copy") | {"dstContainerId": ""}
    assert service.post("submissions/", bad, **KEY).status_code == 400
    with without_the_trail():
        assert service.post("submissions/", body("copy"), **KEY).status_code == 503
    assert IdempotencyKey.objects.count() == 0
    assert service.post("submissions/", body("copy"), **KEY).status_code == 201


def test_a_replay_needs_no_time_window_that_is_still_open(service: Api) -> None:
    soon = (timezone.now() + timedelta(seconds=0.4)).isoformat()
    values = body("copy", notAfter=soon)
    first = service.post("submissions/", values, **KEY)
    assert first.status_code == 201
    threading.Event().wait(0.5)  # The window has to pass, whatever else happens.
    assert service.post("submissions/", values).status_code == 400
    assert service.post("submissions/", values, **KEY).status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "clé"])
def test_a_key_that_is_none_is_refused(service: Api, key: str) -> None:
    answer = service.post("submissions/", body("copy"), **{"Idempotency-Key": key})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "Idempotency-Key"


def test_trying_again_is_repeated_safely_too(service: Api) -> None:
    first = service.post("submissions/", body("copy"), **KEY).json()
    service.post(f"submissions/{first['id']}/cancel/", {})
    retried = [
        service.post(f"submissions/{first['id']}/retry/", {"reason": "again"}, **{"Idempotency-Key": "r"}) for _ in "12"
    ]
    assert [each.status_code for each in retried] == [201, 200]
    assert retried[0].json()["id"] == retried[1].json()["id"]
    assert service.post(f"submissions/{first['id']}/retry/", {"reason": "again"}, **KEY).status_code == 422


def test_two_hundred_at_once_make_one(operator: User) -> None:
    by, values = operator_actor(operator), body("copy")

    def submit(_: int) -> tuple[Submission, bool]:
        call = idempotency.call("one-key", "submit", values, by=by)
        try:
            return idempotency.once(call, lambda: submissions.submit(values, by=by, call=call), submissions.get)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(submit, range(200)))
    assert len({row.pk for row, _ in made}) == 1
    assert [replayed for _, replayed in made].count(False) == 1
    assert Submission.objects.filter(space=SPACE).count() == 1


def test_a_first_call_that_does_not_end_is_not_waited_for_long(service: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    service.post("submissions/", body("copy"), **KEY)
    row = IdempotencyKey.objects.get()
    with closing(connection.copy("default")) as other, other.cursor() as cursor:
        other.set_autocommit(False)
        cursor.execute(
            "INSERT INTO jobs_app_idempotencykey (owner, key, digest, made) VALUES (%s, 'slow', %s, %s)",
            [row.owner, row.digest, row.made],
        )
        monkeypatch.setattr(idempotency, "_CLAIM", idempotency._CLAIM.replace("3s", "100ms"))
        answer = service.post("submissions/", body("copy"), **{"Idempotency-Key": "slow"})
        other.rollback()
    assert answer.status_code == 409
    assert answer["Retry-After"]
    assert answer.json()["type"].endswith(":key_busy")
    assert Submission.objects.count() == 1


def test_keys_are_forgotten_after_a_week_and_not_before(service: Api) -> None:
    for key in ("young", "old"):
        service.post("submissions/", body("copy"), **{"Idempotency-Key": key})
    with connections["owner"].cursor() as cursor:
        for key, age in (("young", "7 days"), ("old", "9 days")):
            cursor.execute(
                "UPDATE jobs_app_idempotencykey SET created_at = now() - %s::interval WHERE key = %s", [age, key]
            )
    idempotency.forget_old()
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["young"]
