"""Readiness and the health page: every trouble is noticed, named in a sentence, and nothing else is."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from jobs_app import audit, claiming, dispatch, meters, pauses, pulse, submissions
from jobs_app.actors import COMMAND_LINE, WORKER, Scope
from jobs_app.audit import Action
from jobs_app.health import in_words
from jobs_app.models import Credential, Heartbeat, Pause, Submission, User
from tests.conftest import token_of
from tests.doors import client_of, newest_event, without_the_trail
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.integration.test_dispatch import sandbox
from tests.outside import begin_anew, told_so_long_ago
from tests.servers import Broker

__all__ = ["sandbox"]

Queue = Callable[..., Submission]


@pytest.fixture
def well(database: None, broker: Broker, settings: Any) -> None:
    """Everything that readiness asks for, and a token."""
    settings.SWEEP_SECONDS = 10
    Credential.objects.create(ciphertext=b"", fingerprint="bearer:1", origin=Credential.Origin.PORTAL)
    pulse.beat("worker")
    pulse.beat("beat")
    pulse.beat("sealer")
    audit.record(Action.TRAIL_VERIFIED, by=COMMAND_LINE, sealedUpToSeq=1)
    pulse.beat("koodrive")


@pytest.fixture
def queue(operator: User) -> Queue:
    def queue(age: float, operation: str = "copy", **changes: Any) -> Submission:
        made = submissions.submit(body(operation, **changes), by=acting(operator))
        Submission.objects.filter(pk=made.pk).update(due_at=Now() - timedelta(seconds=age))
        return made

    return queue


def silent(part: str, seconds: float) -> None:
    Heartbeat.objects.filter(part=part).update(at=Now() - timedelta(seconds=seconds))


def reasons(address: str = "/readyz") -> list[str]:
    answer = Client().get(address)
    document = answer.json()
    assert (answer.status_code == 200) == document["ready"] == (not document["reasons"])
    assert answer.status_code in (200, 503)
    found: list[str] = document["reasons"]
    return found


def shown(user: User) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get("/health/")
    assert answer.status_code == 200
    return str(answer.content.decode())


# --- Readiness -------------------------------------------------------------------------------------------------------


def test_it_is_ready_when_every_part_works(well: None, queue: Queue) -> None:
    queue(50)
    assert reasons() == []


def test_without_a_broker_it_is_not_ready_but_the_web_is(well: None, broker: Broker) -> None:
    broker.kill()
    [reason] = reasons()
    assert "broker doesn't answer" in reason
    assert reasons("/readyz?part=web") == []


def test_without_the_trail_nothing_is_ready(well: None) -> None:
    with without_the_trail():
        for address in ("/readyz", "/readyz?part=web"):
            [reason] = reasons(address)
            assert "audit trail can't be written" in reason


@pytest.mark.parametrize(
    ("part", "never", "silence"),
    [
        ("worker", "No worker has swept yet", "No worker has swept for 31 s"),
        ("beat", "No beat has rung yet", "No beat has rung for 31 s"),
        ("sealer", "No sealer has run yet", "wasn't sealed for 31 s"),
    ],
)
def test_what_is_silent_or_never_came_is_noticed_apart_from_the_others(
    well: None, settings: Any, part: str, never: str, silence: str
) -> None:
    settings.SWEEP_SECONDS, settings.SEAL_SECONDS = 10, 10
    silent(part, 29)
    assert reasons() == []
    silent(part, 31)
    [reason] = reasons()
    assert silence in reason
    Heartbeat.objects.filter(part=part).delete()
    [reason] = reasons()
    assert never in reason


@pytest.mark.parametrize(("sweep", "silence", "ready"), [(10, 29, True), (10, 31, False), (60, 170, True)])
def test_a_worker_that_is_silent_or_deaf_is_noticed(
    well: None, settings: Any, sweep: int, silence: int, ready: bool
) -> None:
    settings.SWEEP_SECONDS = sweep
    silent("worker", silence)
    found = reasons()
    assert (not found) == ready
    assert all("No worker has swept for" in reason for reason in found)


def test_a_submission_that_waits_too_long_is_noticed(well: None, queue: Queue) -> None:
    queue(61)
    [reason] = reasons()
    assert "has waited for" in reason


def test_what_waits_for_its_time_is_no_trouble(well: None, queue: Queue) -> None:
    queue(-60, notBefore=(timezone.now() + timedelta(minutes=1)).isoformat())
    assert reasons() == []


def test_what_waits_for_an_approval_is_no_trouble(well: None, queue: Queue) -> None:
    queue(3600, "delete")
    assert reasons() == []


def test_what_waits_for_a_pause_is_no_trouble_nor_is_it_right_after(
    well: None, queue: Queue, operator: User, administrator: User
) -> None:
    queue(3600)
    pauses.stop("audit week", by=acting(operator))
    assert reasons() == []
    pauses.resume(reason="over", by=acting(administrator))
    assert reasons() == []
    silent("resumed", 61)
    [reason] = reasons()
    assert "has waited for" in reason


def test_what_waits_for_its_twin_is_no_trouble(well: None, queue: Queue, sandbox: Any) -> None:
    first, _ = queue(3600), queue(3600)
    assert claiming.take(client=client_of(sandbox), only=first.pk)
    assert reasons() == []


def test_every_reason_is_told_at_once(well: None, broker: Broker, queue: Queue) -> None:
    queue(3600)
    silent("worker", 3600)
    broker.kill()
    assert len(reasons()) == 3


def test_what_needs_a_person_does_not_make_it_unready(well: None, queue: Queue, sandbox: Any) -> None:
    silent("koodrive", 86400)
    row = queue(0)
    assert claiming.take(client=client_of(sandbox), only=row.pk)
    Submission.objects.filter(pk=row.pk).update(due_at=Now() - timedelta(seconds=1))
    dispatch.give_up_lost_claims()
    assert reasons() == []


# --- The page --------------------------------------------------------------------------------------------------------


def test_a_trail_that_is_broken_makes_it_unready(well: None) -> None:
    audit.record(Action.TRAIL_VERIFIED, by=COMMAND_LINE, outcome="failed", detail="Event 7 is missing.")
    assert any("Event 7 is missing." in reason for reason in reasons())
    audit.record(Action.TRAIL_VERIFIED, by=COMMAND_LINE, sealedUpToSeq=7)
    assert reasons() == []


NIGHTLY = [(Action.TRAIL_VERIFIED, {"sealedUpToSeq": 1}), (Action.TASKS_COMPARED, {"until": "2026-11-24T00:00:00Z"})]


@pytest.fixture
def trail_of_a_month(database: None) -> Iterator[None]:
    begin_anew(timedelta(days=30))
    yield
    begin_anew(timedelta())


@pytest.mark.parametrize("action", dict(NIGHTLY))
@pytest.mark.parametrize(("hours", "is_missed"), [(47, False), (49, True)])
def test_what_is_due_every_night_is_missed_after_two_days(
    trail_of_a_month: None, well: None, auditor: User, action: Action, hours: int, is_missed: bool
) -> None:
    for each, fields in NIGHTLY:
        audit.record(each, by=COMMAND_LINE, **fields)
    told_so_long_ago(action, timedelta(hours=hours))
    assert ("has not gone well for 2 days" in shown(auditor)) == is_missed
    assert reasons() == []


def test_a_night_that_failed_does_not_count(trail_of_a_month: None, well: None, auditor: User) -> None:
    audit.record(Action.TASKS_COMPARED, by=COMMAND_LINE, until="2026-11-24T00:00:00Z")
    told_so_long_ago(Action.TASKS_COMPARED, timedelta(hours=49))
    audit.record(Action.TASKS_COMPARED, by=COMMAND_LINE, outcome="failed", detail="KooDrive was away.")
    page = shown(auditor)
    assert "compared up to 2026-11-24 00:00 UTC; failed" in page
    assert "KooDrive was away." in page
    assert "has not gone well for 2 days" in page


@pytest.mark.parametrize("age", [timedelta(hours=47), timedelta(hours=49)])
def test_a_check_that_was_never_done_is_missed_when_the_trail_is_two_days_old(
    trail_of_a_month: None, well: None, auditor: User, age: timedelta
) -> None:
    begin_anew(age)
    page = shown(auditor)
    assert page.count("has not gone well for 2 days") == (2 if age > timedelta(days=2) else 0)
    assert page.count("that happens every night") == 2
    assert reasons() == []


@pytest.mark.parametrize("person", ["operator", "approver", "auditor", "administrator"])
def test_every_role_sees_how_it_is(well: None, person: str, request: pytest.FixtureRequest) -> None:
    page = shown(request.getfixturevalue(person))
    # Approvers don't see the tasks that the portal did not send, nor do they and operators see the callbacks; only
    # administrators see the tokens and the sign-in to KooDrive.
    assert page.count("All is well.") == {"approver": 12, "operator": 13, "administrator": 16}.get(person, 14)
    assert "Nothing holds sending back." in page


@pytest.mark.parametrize(
    ("seconds", "told", "is_off"),
    [(None, "KooDrive&#x27;s is not known yet", False), (-59, "-59.0 s", False), (61, "+61.0 s", True)],
)
def test_clocks_that_are_apart_are_noticed_and_block_nothing(
    well: None,
    counting_anew: None,
    auditor: User,
    seconds: float | None,
    told: str,
    is_off: bool,
) -> None:
    if seconds is not None:
        meters.note(meters.CLOCK, seconds, "koodrive")
        meters.hand_on()
    page = shown(auditor)
    assert told in page
    assert ("A clock is off by more than 60 s" in page) == is_off
    assert reasons() == []


def test_administrators_see_how_old_the_token_is_and_that_there_is_none(
    well: None, settings: Any, administrator: User
) -> None:
    Credential.objects.using("owner").update(set_at=Now() - timedelta(hours=5))
    assert "token set 5 h ago" in shown(administrator)
    Credential.objects.using("owner").all().delete()
    assert "There is no token, so nothing can be sent" in shown(administrator)
    assert reasons() == []
    settings.KOODRIVE_AUTH = "app"
    assert "app signing" in shown(administrator)


def test_a_stranger_and_a_token_do_not(well: None, stranger: User) -> None:
    client = Client()
    client.force_login(stranger)
    assert client.get("/health/").status_code == 403
    assert newest_event("permission.denied")["to"] == "see health"
    headers = {"Authorization": f"Bearer {token_of('some', *Scope)}"}
    for address in ("/health/", "/health/pause/", "/health/resume/", "/credentials/"):
        assert Client().get(address, headers=headers).status_code == 302


def test_it_counts_and_names_every_trouble(
    well: None, queue: Queue, auditor: User, broker: Broker, sandbox: Any
) -> None:
    row = queue(0, "move")
    assert claiming.take(client=client_of(sandbox), only=row.pk)
    Submission.objects.filter(pk=row.pk).update(due_at=Now() - timedelta(seconds=1))
    dispatch.give_up_lost_claims()
    queue(7200)
    silent("worker", 600)
    silent("koodrive", 3 * 86400)
    broker.kill()
    page = shown(auditor)
    for words in (
        *("waits for 2 h", "swept 10 min ago", "accepted a call 3 days ago", "broker doesn&#x27;t answer"),
        "Nobody knows what KooDrive made of it",
    ):
        assert words in page
    for state in ("queued", "unknown"):
        assert f'?status={state}">' in page
    assert page.count("<dd>1</dd>") == 2


@pytest.mark.parametrize(
    ("person", "may_pause", "may_resume"),
    [
        ("operator", True, False),
        ("approver", True, False),
        ("auditor", False, False),
        ("administrator", True, True),
    ],
)
def test_who_may_not_use_the_switch_is_told_why(
    well: None, person: str, may_pause: bool, may_resume: bool, request: pytest.FixtureRequest
) -> None:
    user = request.getfixturevalue(person)
    page = shown(user)
    assert ('action="/health/pause/"' in page) == may_pause
    assert ("You do not have the right" in page) == (not may_pause)
    Pause.objects.create(cause=Pause.Cause.PERSON, detail="stop", by=user)
    page = shown(user)
    assert ('action="/health/pause/"' in page) == may_pause
    assert ('action="/health/resume/"' in page) == may_resume
    assert ("Only an administrator resumes sending." in page) == (not may_resume)


def test_a_machines_pause_stands_on_the_page(well: None, operator: User) -> None:
    pauses.begin(Pause.Cause.ADDRESS, "What answers isn't KooDrive.", by=WORKER)
    page = shown(operator)
    assert "What answers isn&#x27;t KooDrive." in page
    assert "none: all sending is paused" in page


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=119.9), "119 s"),
        (timedelta(minutes=2), "2 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=2, hours=5), "2 days"),
    ],
)
def test_an_age_in_words(age: timedelta, words: str) -> None:
    assert in_words(age) == words
