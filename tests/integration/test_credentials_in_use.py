"""Which token the portal signs in with: adopted, replaced, kept alive, refused, and never lost with what waits."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from jobs_app import connection, credentials, pauses, submissions, tasks
from jobs_app.errors import AuditUnavailable, Invalid, NotAllowed, WrongState
from jobs_app.koodrive.credentials import AppSigning, Bearer
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.koodrive.sandbox.access import TOKEN_LIFE
from jobs_app.models import Credential, Event, Heartbeat, Submission, User
from tests.doors import newest_event, without_the_trail
from tests.doors import operator_actor as acting
from tests.examples import body, file_id
from tests.servers import Broker

FIRST, SECOND, THIRD = "first-token-4711", "second-token-4712", "third-token-4713"


@pytest.fixture
def sandbox(database: None, settings: Any) -> Iterator[Sandbox]:
    """KooDrive at the address that the settings name, with a token in the environment that it knows."""
    with Sandbox(port=0, token=FIRST, speed=100) as running:
        settings.KOODRIVE_BASE_URL, settings.KOODRIVE_TOKEN, settings.KOODRIVE_AUTH = running.url, FIRST, "bearer"
        settings.KOODRIVE_CONNECT_TIMEOUT = settings.KOODRIVE_READ_TIMEOUT = 1.0
        yield running


def worker_starts() -> None:
    connection.adopt_environment()


def used() -> str:
    return connection.client(fresh=True).credential_id


def name_of(token: str) -> str:
    return Bearer(token).id


def replace(token: str, by: User, reason: str = "the old one died") -> None:
    credentials.replace(token, reason=reason, by=acting(by))


def waiting(operator: User, number: int = 1) -> Submission:
    given = body("copy")
    given["taskInfo"]["fileInfo"] = [{"fileId": file_id(number)}]
    return submissions.submit(given, by=acting(operator))


def sent(submission: Submission) -> Submission:
    tasks.send(str(submission.pk))
    return Submission.objects.get(pk=submission.pk)


# --- From the environment --------------------------------------------------------------------------------------------


def test_a_workers_start_adopts_the_environments_token(sandbox: Sandbox, operator: User) -> None:
    worker_starts()
    row = Credential.objects.get()
    assert (row.fingerprint, row.origin, row.set_by) == (name_of(FIRST), "environment", None)
    assert FIRST.encode() not in bytes(row.ciphertext)
    event = newest_event("credentials.changed")
    assert (event["after"], event["actor"]["kind"], event["origin"]) == (
        {"credential": name_of(FIRST)},
        "system",
        "environment",
    )
    assert used() == name_of(FIRST)
    assert sent(waiting(operator)).status == "accepted"
    assert newest_event("send.intended")["credential"] == row.fingerprint


def test_the_same_token_is_adopted_once(sandbox: Sandbox) -> None:
    worker_starts()
    events = Event.objects.count()
    worker_starts()
    assert (Credential.objects.count(), Event.objects.count()) == (1, events)


def test_workers_that_start_at_once_make_one_row(sandbox: Sandbox) -> None:
    def start(_: int) -> None:
        try:
            worker_starts()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(start, range(8)))
    assert Credential.objects.count() == 1


def test_a_persons_token_wins_until_the_environments_changes(
    sandbox: Sandbox, administrator: User, settings: Any
) -> None:
    worker_starts()
    replace(SECOND, administrator)
    worker_starts()
    assert used() == name_of(SECOND)
    settings.KOODRIVE_TOKEN = THIRD
    worker_starts()
    assert used() == name_of(THIRD)
    kept = {row.fingerprint: bool(row.ciphertext) for row in Credential.objects.all()}
    assert kept == {name_of(FIRST): False, name_of(SECOND): False, name_of(THIRD): True}


def test_a_process_that_could_not_adopt_does_so_before_it_sends(sandbox: Sandbox) -> None:
    assert connection._Held().client(fresh=False).credential_id == name_of(FIRST)
    assert Credential.objects.count() == 1


def test_without_the_trail_nothing_is_adopted(sandbox: Sandbox) -> None:
    with without_the_trail(), pytest.raises(AuditUnavailable):
        worker_starts()
    assert not Credential.objects.exists()


def test_without_any_token_sending_pauses_and_says_what_to_do(
    sandbox: Sandbox, operator: User, administrator: User, settings: Any
) -> None:
    settings.KOODRIVE_TOKEN = ""
    worker_starts()
    assert not Credential.objects.exists()
    row = waiting(operator)
    assert sent(row).attempts == 0
    tasks.sweep()
    pause = pauses.current()
    assert pause is not None
    assert (pause.cause, "an administrator sets one" in pause.detail) == ("credentials", True)
    replace(FIRST, administrator)
    tasks.keep_alive()
    assert sent(row).status == "accepted"


def test_a_missing_field_key_pauses_and_the_workers_go_on(sandbox: Sandbox, operator: User, settings: Any) -> None:
    worker_starts()
    row = waiting(operator)
    keys, settings.FIELD_KEYS = settings.FIELD_KEYS, [Fernet.generate_key().decode()]
    worker_starts()
    assert sent(row).attempts == 0
    tasks.sweep()
    assert Heartbeat.objects.filter(part="worker").exists()
    pause = pauses.current()
    assert pause is not None
    assert (pause.cause, "PORTAL_FIELD_KEYS" in pause.detail) == ("credentials", True)
    settings.FIELD_KEYS = keys
    worker_starts()
    tasks.sweep()
    assert sent(row).status == "accepted"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"KOODRIVE_TOKEN": "two\nlines"}, "no header can carry"),
        ({"KOODRIVE_AUTH": "app", "KOODRIVE_APP_ID": "", "KOODRIVE_APP_SECRET": "secret"}, "set all three"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_a_sentence(
    sandbox: Sandbox, settings: Any, changes: dict[str, str], words: str
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=words):
        worker_starts()


def test_app_signing_needs_no_row(sandbox: Sandbox, settings: Any) -> None:
    settings.KOODRIVE_AUTH = "app"
    settings.KOODRIVE_APP_ID, settings.KOODRIVE_APP_SECRET, settings.KOODRIVE_USER_ID = "app", "secret", "77"
    worker_starts()
    assert used() == AppSigning("app", "secret", "77").id
    assert not Credential.objects.exists()


# --- By an administrator ---------------------------------------------------------------------------------------------


def test_an_administrator_replaces_the_token(sandbox: Sandbox, administrator: User) -> None:
    worker_starts()
    replace(f"  {SECOND}\n", administrator, reason=" rotated ")
    row = Credential.objects.latest("pk")
    assert (row.fingerprint, row.origin, row.set_by) == (name_of(SECOND), "portal", administrator)
    event = newest_event("credentials.changed")
    assert (event["before"]["credential"], event["after"]["credential"]) == (name_of(FIRST), name_of(SECOND))
    assert (event["reason"], event["actor"]["id"]) == ("rotated", f"person:{administrator.pk}")
    assert used() == name_of(SECOND)


@pytest.mark.parametrize("person", ["operator", "approver", "auditor", "stranger"])
def test_nobody_else_does(sandbox: Sandbox, person: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(NotAllowed):
        replace(SECOND, request.getfixturevalue(person))
    assert newest_event("permission.denied")["to"] == "set credentials"
    assert not Credential.objects.exists()


@pytest.mark.parametrize(
    ("token", "reason", "pointers"),
    [
        ("", "why", ["/token"]),
        (" \n", "", ["/token", "/reason"]),
        ("two\nlines", "why", ["/token"]),
        ("schlüssel", "why", ["/token"]),
        ("x" * 4097, "why", ["/token"]),
        (SECOND, " ", ["/reason"]),
        (SECOND, "nul\0", ["/reason"]),
    ],
)
def test_what_cannot_be_a_token_or_has_no_reason_is_refused(
    sandbox: Sandbox, administrator: User, token: str, reason: str, pointers: list[str]
) -> None:
    with pytest.raises(Invalid) as refused:
        replace(token, administrator, reason)
    assert [problem.pointer for problem in refused.value.problems] == pointers
    assert not Credential.objects.exists()


def test_with_signing_there_is_no_token_to_set(sandbox: Sandbox, administrator: User, settings: Any) -> None:
    settings.KOODRIVE_AUTH = "app"
    with pytest.raises(WrongState, match="set by the environment"):
        replace(SECOND, administrator)


def test_without_the_trail_the_old_token_stays(sandbox: Sandbox, administrator: User) -> None:
    worker_starts()
    with without_the_trail(), pytest.raises(AuditUnavailable):
        replace(SECOND, administrator)
    assert used() == name_of(FIRST)
    assert sandbox.tokens.accepts(FIRST)


def test_a_new_token_is_tried_at_once(sandbox: Sandbox, administrator: User, broker: Broker) -> None:
    replace(SECOND, administrator)
    with tasks.keep_alive.app.connection_for_read() as link:
        queue = link.SimpleQueue("celery")
        # Nudges of other tests may lie before it; without it the queue is empty in the end, and that raises.
        while (message := queue.get(timeout=5)).headers["task"] != "jobs_app.tasks.keep_alive":
            message.ack()
        message.ack()


def test_a_worker_goes_on_with_a_client_only_while_it_is_known_to_be_in_use(
    sandbox: Sandbox, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker_starts()
    before = connection.client()
    assert connection.is_in_use(before)
    replace(SECOND, administrator)
    after = connection.client(fresh=True)
    assert (connection.is_in_use(before), connection.is_in_use(after)) == (False, True)
    monkeypatch.setattr(connection, "FRESH", 0.0)
    assert not connection.is_in_use(after)


def test_without_a_broker_the_token_is_stored_all_the_same(
    sandbox: Sandbox, administrator: User, broker: Broker
) -> None:
    broker.kill()
    replace(SECOND, administrator)
    assert used() == name_of(SECOND)


# --- Through its life ------------------------------------------------------------------------------------------------


def test_the_beat_calls_often_enough_for_two_to_fail() -> None:
    assert configured.CELERY_BEAT_SCHEDULE["keep_alive"]["schedule"].seconds * 3 < TOKEN_LIFE


def test_an_idle_portal_keeps_its_token_alive_even_while_it_is_paused(
    sandbox: Sandbox, operator: User, administrator: User
) -> None:
    worker_starts()
    pauses.stop("audit week", by=acting(administrator))
    for _ in range(12):
        sandbox.clock.advance(configured.CELERY_BEAT_SCHEDULE["keep_alive"]["schedule"].seconds)
        tasks.keep_alive()
    assert Heartbeat.objects.filter(part="koodrive").exists()
    pauses.resume(reason="done", by=acting(administrator))
    assert sent(waiting(operator)).status == "accepted"


def test_a_dead_token_pauses_loses_nothing_and_a_new_one_lets_it_go_on(
    sandbox: Sandbox, operator: User, administrator: User
) -> None:
    worker_starts()
    sandbox.clock.advance(TOKEN_LIFE + 1)
    first, second = waiting(operator, 1), waiting(operator, 2)
    assert (sent(first).status, sent(second).attempts) == ("queued", 0)
    pause = pauses.current()
    assert pause is not None
    assert pause.cause == "credentials"
    tasks.keep_alive()
    assert pauses.current() is not None
    sandbox.tokens.add(SECOND)
    replace(SECOND, administrator)
    tasks.keep_alive()
    assert pauses.current() is None
    assert [sent(each).status for each in (first, second)] == ["accepted", "accepted"]
    assert [bool(call.task_id) for call in sandbox.received.of("create")] == [False, True, True]
