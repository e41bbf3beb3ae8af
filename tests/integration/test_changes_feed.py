"""What a service reads instead of asking after each submission: every change, once, in order."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connections, transaction

from jobs_app import audit, cancelling, feed, submissions
from jobs_app.actors import COMMAND_LINE, SUBMISSION_SCOPES, Scope
from jobs_app.audit import Action
from jobs_app.models import Event, User
from tests.conftest import Api, token_of
from tests.doors import operator_actor
from tests.examples import body


def now(api: Api) -> str:
    return position_of(api.get("changes/", after="now").json())


def position_of(answer: dict[str, Any]) -> str:
    return parse_qs(urlsplit(answer["next"]).query)["after"][0]


def read_on(api: Api, after: str, **parameters: str) -> tuple[list[dict[str, Any]], str]:
    answer = api.get("changes/", after=after, **parameters).json()
    return answer["results"], position_of(answer)


def test_each_change_comes_once_and_in_order(service: Api) -> None:
    start = now(service)
    made = service.post("submissions/", body("copy", reference="R-1")).json()
    service.post(f"submissions/{made['id']}/cancel/", {})
    changes, after = read_on(service, start)
    assert [(each["submission"], each["status"], each["final"]) for each in changes] == [
        (made["id"], "queued", False),
        (made["id"], "cancelled", True),
    ]
    assert changes[0]["reference"] == "R-1"
    assert int(changes[0]["position"]) < int(changes[1]["position"])
    assert read_on(service, after) == ([], after)


def test_a_page_ends_and_the_next_one_goes_on(service: Api) -> None:
    start = now(service)
    made = [service.post("submissions/", body("copy")).json()["id"] for _ in range(3)]
    seen = []
    for _ in range(3):
        changes, start = read_on(service, start, limit="1")
        seen += [each["submission"] for each in changes]
    assert seen == made


def test_nobody_sees_the_changes_of_another_service(service: Api) -> None:
    start = now(service)
    service.post("submissions/", body("copy"))
    other = Api(token=token_of("other", *[scope for scope in SUBMISSION_SCOPES if scope is not Scope.READ_ALL]))
    changes, after = read_on(other, start)
    assert changes == []
    assert int(after) > int(start)
    assert len(read_on(Api(token=token_of("all", Scope.READ_ALL)), start)[0]) == 1
    assert Api(token=token_of("w", Scope.WRITE)).get("changes/").status_code == 403


def test_whoever_waits_is_answered_when_it_happens(service: Api) -> None:
    start = now(service)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: (read_on(service, start, wait="20"), connections.close_all())[0])
        made = service.post("submissions/", body("copy")).json()
        changes, _ = waiting.result(timeout=10)
    assert [each["submission"] for each in changes] == [made["id"]]


def test_waiting_ends_without_a_change(service: Api) -> None:
    start = now(service)
    began = time.monotonic()
    assert read_on(service, start, wait="0.5") == ([], start)
    assert time.monotonic() - began >= 0.5


def test_waiting_calls_leave_threads_for_others(service: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_waiting", threading.BoundedSemaphore(1))
    start = now(service)
    assert feed._waiting.acquire()
    answer = service.get("changes/", after=start, wait="5")
    assert answer.status_code == 429
    assert answer["Retry-After"]
    assert service.get("changes/", after=start).status_code == 200


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        ({"after": "x"}, "after"),
        ({"after": "-1"}, "after"),
        ({"wait": "26"}, "wait"),
        ({"wait": "nan"}, "wait"),
        ({"wait": "-1"}, "wait"),
    ],
)
def test_what_cannot_be_understood(service: Api, parameters: dict[str, str], pointer: str) -> None:
    answer = service.get("changes/", **parameters)
    assert answer.status_code == 400
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


def test_a_change_that_is_committed_late_is_waited_for(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LONGEST_TRANSACTION", 0.05)
    by = operator_actor(operator)
    start = feed.newest()
    written, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                audit.record(Action.SESSION_STARTED, by=COMMAND_LINE)
                written.set()
                assert may_end.wait(10)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(slow)
        assert written.wait(10)
        made = submissions.submit(body("copy"), by=by)
        assert feed.changes(after=start, limit=10, by=by).changes == []
        may_end.set()
        running.result()
    found = feed.changes(after=start, limit=10, by=by)
    assert [each.row.pk for each in found.changes] == [made.pk]


def test_a_reader_beside_eight_writers_gets_every_change_once(operator: User) -> None:
    by = operator_actor(operator)
    start = position = feed.newest()
    done = threading.Event()

    def write(_: int) -> None:
        try:
            for _ in range(25):
                cancelling.cancel(submissions.submit(body("copy"), by=by), by=by)
        finally:
            connections.close_all()

    seen: list[int] = []
    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, number) for number in range(8)]
        threading.Thread(target=lambda: ([each.exception() for each in writers], done.set()), daemon=True).start()
        while not done.is_set():
            found = feed.changes(after=position, limit=50, wait=1, by=by)
            seen, position = [*seen, *(each.position for each in found.changes)], found.position
    for writer in writers:
        writer.result()
    while found.changes or found.position < feed.newest(position):
        found = feed.changes(after=position, limit=50, by=by)
        seen, position = [*seen, *(each.position for each in found.changes)], found.position
    stored = Event.objects.filter(seq__gt=start, submission__isnull=False).order_by("seq").values_list("seq", flat=True)
    assert seen == list(stored)
    assert len(seen) == 400
