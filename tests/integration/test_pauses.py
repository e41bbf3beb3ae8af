"""Who may stop all sending, who lets it go on, and that a machine never ends what a person began."""

import pytest
from django.test import Client

from jobs_app import pauses, submissions, sweeping
from jobs_app.actors import WORKER
from jobs_app.errors import AuditUnavailable, Invalid, NotAllowed, WrongState
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Pause, Submission, User
from tests.doors import client_of, newest_event, without_the_trail
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.integration.test_dispatch import sandbox, sent

__all__ = ["sandbox"]

REASON = "the wrong folder was deleted"


@pytest.fixture
def stopped(operator: User) -> Pause:
    pauses.stop(REASON, by=acting(operator))
    return Pause.objects.get()


def page(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("person", ["operator", "approver", "administrator"])
def test_who_works_with_it_may_stop_it(person: str, request: pytest.FixtureRequest) -> None:
    user = request.getfixturevalue(person)
    pauses.stop(f" {REASON} ", by=acting(user))
    pause = Pause.objects.get()
    assert (pause.cause, pause.detail, pause.by) == ("person", REASON, user)
    event = newest_event("dispatch.paused")
    assert (event["cause"], event["reason"], event["actor"]["id"]) == ("person", REASON, f"person:{user.pk}")


@pytest.mark.parametrize("person", ["auditor", "stranger"])
def test_others_may_not(person: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(NotAllowed):
        pauses.stop(REASON, by=acting(request.getfixturevalue(person)))
    assert newest_event("permission.denied")["to"] == "pause sending"
    assert not Pause.objects.exists()


@pytest.mark.parametrize("person", ["operator", "approver", "auditor", "stranger"])
def test_only_an_administrator_resumes(stopped: Pause, person: str, request: pytest.FixtureRequest) -> None:
    user = User.objects.get(username="olga") if person == "operator" else request.getfixturevalue(person)
    with pytest.raises(NotAllowed):
        pauses.resume(reason="all well", by=acting(user))
    assert newest_event("permission.denied")["to"] == "resume sending"
    assert Pause.objects.exists()


def test_nothing_is_sent_until_an_administrator_resumes(
    stopped: Pause, operator: User, administrator: User, sandbox: Sandbox
) -> None:
    row = submissions.submit(body("copy"), by=acting(operator))
    assert sweeping.sweep(client=client_of(sandbox)) == 0
    assert sent(row, client_of(sandbox)).attempts == 0
    pauses.resume(reason="checked", by=acting(administrator))
    event = newest_event("dispatch.resumed")
    assert (event["causes"], event["reason"]) == (["person"], "checked")
    assert sweeping.sweep(client=client_of(sandbox)) == 1
    assert sent(row, client_of(sandbox)).status == "accepted"


@pytest.mark.parametrize("reason", ["", "  ", "nul\0", "x" * 1001])
def test_both_need_a_reason(operator: User, administrator: User, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        pauses.stop(reason, by=acting(operator))
    assert [problem.pointer for problem in refused.value.problems] == ["/reason"]
    assert not Pause.objects.exists()
    pauses.stop(REASON, by=acting(operator))
    with pytest.raises(Invalid):
        pauses.resume(reason=reason, by=acting(administrator))
    assert Pause.objects.exists()


def test_stopping_twice_keeps_the_first_reason(stopped: Pause, approver: User) -> None:
    with pytest.raises(WrongState, match="paused by a person already"):
        pauses.stop("me too", by=acting(approver))
    assert Pause.objects.get().detail == REASON


def test_a_working_call_ends_the_machines_pauses_and_never_a_persons(stopped: Pause) -> None:
    pauses.begin(Pause.Cause.CREDENTIALS, "KooDrive refused the portal's credentials.", by=WORKER)
    pauses.begin(Pause.Cause.UNREACHABLE, "KooDrive can't be reached.", by=WORKER)
    assert [pause.cause for pause in pauses.all_current()] == ["person", "credentials", "unreachable"]
    pauses.end(by=WORKER)
    assert newest_event("dispatch.resumed")["causes"] == ["credentials", "unreachable"]
    assert pauses.all_current() == [stopped]
    pauses.end(by=WORKER)
    assert pauses.all_current() == [stopped]


def test_a_persons_pause_is_shown_first_and_other_causes_outlast_it(operator: User, administrator: User) -> None:
    pauses.begin(Pause.Cause.ADDRESS, "What answers isn't KooDrive.", by=WORKER)
    with pytest.raises(WrongState, match="nothing to resume"):
        pauses.resume(reason="checked", by=acting(administrator))
    pauses.stop(REASON, by=acting(operator))
    shown = pauses.current()
    assert shown is not None
    assert shown.cause == "person"
    pauses.resume(reason="checked", by=acting(administrator))
    assert [pause.cause for pause in pauses.all_current()] == ["address"]


def test_what_was_held_for_the_cause_is_due_when_it_ends(
    stopped: Pause, operator: User, administrator: User, sandbox: Sandbox
) -> None:
    row = submissions.submit(body("copy"), by=acting(operator))
    later = "2099-01-01T00:00:00Z"
    Submission.objects.filter(pk=row.pk).update(hold=Pause.Cause.PERSON, due_at=later)
    pauses.end(by=WORKER)
    assert not Submission.objects.due(row.state).exists()
    pauses.resume(reason="checked", by=acting(administrator))
    assert Submission.objects.due(row.state).get() == row


def test_without_the_trail_nothing_changes(stopped: Pause, administrator: User) -> None:
    with without_the_trail(), pytest.raises(AuditUnavailable):
        pauses.resume(reason="checked", by=acting(administrator))
    assert pauses.current() == stopped
    pauses.resume(reason="checked", by=acting(administrator))
    with without_the_trail(), pytest.raises(AuditUnavailable):
        pauses.stop(REASON, by=acting(administrator))
    assert pauses.current() is None


# --- On the pages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["auditor", "approver", "stranger"])
def test_everybody_sees_that_it_is_paused_since_when_by_whom_and_why(
    stopped: Pause, person: str, request: pytest.FixtureRequest
) -> None:
    shown = page(request.getfixturevalue(person)).get("/").content.decode()
    for words in ("All sending is paused", "by olga", REASON, f"{stopped.since:%Y-%m-%d %H:%M}", "administrator"):
        assert words in shown


def test_a_machines_pause_says_how_it_ends(operator: User) -> None:
    pauses.begin(Pause.Cause.CREDENTIALS, "KooDrive refused the portal's credentials (HTTP 401).", by=WORKER)
    shown = page(operator).get("/").content.decode()
    assert "refused the portal&#x27;s credentials (HTTP 401)" in shown
    assert "It ends by itself once KooDrive accepts a call" in shown


def test_the_switch_on_the_health_page(operator: User, administrator: User) -> None:
    answer = page(operator).post("/health/pause/", {"reason": REASON}, follow=True)
    assert "All sending is paused; an administrator resumes it." in answer.content.decode()
    assert page(operator).post("/health/resume/", {"reason": "well"}).status_code == 403
    answer = page(administrator).post("/health/resume/", {"reason": ""}, follow=True)
    assert "Say why you do this" in answer.content.decode()
    assert Pause.objects.exists()
    answer = page(administrator).post("/health/resume/", {"reason": "well"}, follow=True)
    assert "The pause is over" in answer.content.decode()
    assert not Pause.objects.exists()
    again = page(administrator).post("/health/resume/", {"reason": "well"}, follow=True)
    assert "nothing to resume" in again.content.decode()


@pytest.mark.parametrize("person", ["auditor", "stranger"])
def test_the_switch_refuses_others(person: str, request: pytest.FixtureRequest) -> None:
    client = page(request.getfixturevalue(person))
    assert client.post("/health/pause/", {"reason": REASON}).status_code == 403
    assert not Pause.objects.exists()
