"""A pause of one operation, of one space, or of both: what it holds back, what goes on, and how it ends."""

from typing import Any

import pytest
from django.test import Client

from jobs_app import dispatch, explain, health, pauses, submissions, sweeping
from jobs_app.errors import Invalid, NotAllowed, WrongState
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Pause, Submission, User
from tests.conftest import Api
from tests.doors import client_of, newest_event
from tests.doors import operator_actor as acting
from tests.examples import OTHER_SPACE, SPACE, body
from tests.integration.test_dispatch import sandbox
from tests.spaces import add_space

__all__ = ["sandbox"]

REASON = "the wrong folder was moved"


def submit(operation: str, by: User, number: int = 0, *, source: str = SPACE, target: str = SPACE) -> Submission:
    given = body(operation, dstContainerId=target)
    given["taskInfo"] |= {
        "srcContainerId": source,
        "fileInfo": [{"fileId": f"F{number}", "filePath": f"/root/{number}"}],
    }
    return submissions.submit(given, by=acting(by))


def statuses(*rows: Submission) -> list[str]:
    return [Submission.objects.get(pk=row.pk).status for row in rows]


def all_sent(sandbox: Sandbox) -> None:
    sweeping.sweep(client=client_of(sandbox))
    while dispatch.send(client=client_of(sandbox)):
        pass


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        ({"operation": "move"}, [True, False, True, True]),
        ({"space": OTHER_SPACE}, [False, False, True, True]),
        ({"operation": "move", "space": OTHER_SPACE}, [False, False, True, True]),
        ({"operation": "copy", "space": OTHER_SPACE}, [False, False, False, False]),
        ({"operation": "copy"}, [False, True, False, False]),
    ],
    ids=["operation", "space", "both", "both, of nothing here", "another operation"],
)
def test_exactly_what_a_pause_covers_waits(
    operator: User, administrator: User, sandbox: Sandbox, scope: dict[str, str], held: list[bool]
) -> None:
    rows = [
        submit("move", operator),
        submit("copy", operator),
        submit("move", operator, source=OTHER_SPACE),
        submit("move", operator, target=OTHER_SPACE),
    ]
    pauses.stop(REASON, by=acting(operator), **scope)
    all_sent(sandbox)
    assert statuses(*rows) == ["queued" if each else "accepted" for each in held]
    for row, each in zip(rows, held, strict=True):
        assert (pauses.holding(row) is not None) == each
        assert dispatch.send(row.pk, client=client_of(sandbox)) is None
    pauses.resume(reason="checked", by=acting(administrator), **scope)
    all_sent(sandbox)
    assert set(statuses(*rows)) == {"accepted"}
    assert len(sandbox.received.of("create")) == len(rows)


def test_the_sweep_sets_aside_what_is_held_and_never_rings_for_it(
    operator: User, administrator: User, sandbox: Sandbox
) -> None:
    row, other = submit("move", operator), submit("copy", operator)
    pauses.stop(REASON, by=acting(operator), operation="move")
    assert sweeping.sweep(client=client_of(sandbox)) == 1
    row.refresh_from_db()
    assert (row.status, row.due_at) == ("queued", None)
    assert dispatch.send(client=client_of(sandbox)) is not None
    assert not dispatch.is_due()
    assert sweeping.sweep(client=client_of(sandbox)) == 0
    assert statuses(row, other) == ["queued", "accepted"]
    pauses.resume(reason="checked", by=acting(administrator), operation="move")
    row.refresh_from_db()
    assert row.due_at == row.created_at
    assert sweeping.sweep(client=client_of(sandbox)) == 1


def test_what_was_set_aside_still_expires_and_is_cancelled(operator: User, service: Api, sandbox: Sandbox) -> None:
    row, late = submit("move", operator), submit("move", operator, 1)
    pauses.stop(REASON, by=acting(operator), operation="move")
    sweeping.sweep(client=client_of(sandbox))
    Submission.objects.using("owner").filter(pk=late.pk).update(not_after="2020-01-01T00:00:00Z")
    sweeping.sweep(client=client_of(sandbox))
    assert Api(person=operator).post(f"submissions/{row.pk}/cancel/", {}).status_code == 200
    assert statuses(row, late) == ["cancelled", "expired"]


def test_what_is_not_yet_to_be_sent_keeps_its_time(operator: User, administrator: User, sandbox: Sandbox) -> None:
    row = submit("move", operator)
    later = "2099-01-01T00:00:00Z"
    Submission.objects.using("owner").filter(pk=row.pk).update(not_before=later, due_at=None)
    pauses.stop(REASON, by=acting(operator), operation="move")
    pauses.resume(reason="checked", by=acting(administrator), operation="move")
    row.refresh_from_db()
    assert row.due_at == row.not_before


def test_what_is_withheld_is_not_taken_back(operator: User, sandbox: Sandbox) -> None:
    row = submit("move", operator)
    Submission.objects.filter(pk=row.pk).update(hold="withheld", due_at=None)
    sweeping.sweep(client=client_of(sandbox))
    row.refresh_from_db()
    assert row.due_at is None


def test_whoever_waits_is_told_for_what(operator: User, service: Api, sandbox: Sandbox) -> None:
    row, other = submit("move", operator, source=OTHER_SPACE), submit("copy", operator)
    pauses.stop(REASON, by=acting(operator), operation="move", space=OTHER_SPACE)
    document = next(each for each in service_sees(operator) if each["id"] == str(row.pk))
    assert (document["waitingFor"], document["needsPerson"]) == ("person", True)
    assert f"Sending of move for the space {OTHER_SPACE} is paused since" in document["statusDetail"]
    assert explain.explain(other).waiting_for == "worker"
    sweeping.sweep(client=client_of(sandbox))
    Pause.objects.all().delete()
    row.refresh_from_db()
    assert "queued again within seconds" in explain.explain(row).sentence


def service_sees(person: User) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Api(person=person).get("submissions/").json()["results"]
    return found


def test_readiness_and_the_oldest_wait_pass_over_what_is_held(operator: User) -> None:
    row = submit("move", operator)
    Submission.objects.filter(pk=row.pk).update(due_at="2020-01-01T00:00:00Z")
    waits = [sign for sign in health.look() if sign.name.startswith("Oldest submission that")]
    assert waits[0].trouble
    pauses.stop(REASON, by=acting(operator), operation="move")
    waits = [sign for sign in health.look() if sign.name.startswith("Oldest submission that")]
    assert (waits[0].value, waits[0].trouble) == ("none", "")


def test_several_may_stand_and_each_ends_by_itself(
    operator: User, approver: User, administrator: User, sandbox: Sandbox
) -> None:
    row = submit("move", operator)
    pauses.stop(REASON, by=acting(operator), operation="move")
    pauses.stop("audit week", by=acting(approver), space=SPACE)
    with pytest.raises(WrongState, match="paused by a person already"):
        pauses.stop("me too", by=acting(administrator), space=SPACE)
    event = newest_event("dispatch.paused")
    assert (event["space"], event["reason"], event.get("operation")) == (SPACE, "audit week", None)
    with pytest.raises(WrongState, match="nothing to resume"):
        pauses.resume(reason="checked", by=acting(administrator))
    pauses.resume(reason="checked", by=acting(administrator), operation="move")
    assert newest_event("dispatch.resumed")["operation"] == "move"
    all_sent(sandbox)
    assert statuses(row) == ["queued"]
    pauses.resume(reason="over", by=acting(administrator), space=SPACE)
    all_sent(sandbox)
    assert statuses(row) == ["accepted"]
    assert pauses.current() is None


@pytest.mark.parametrize("person", ["operator", "approver", "auditor", "stranger"])
def test_only_an_administrator_resumes_one(administrator: User, person: str, request: pytest.FixtureRequest) -> None:
    pauses.stop(REASON, by=acting(administrator), operation="move")
    with pytest.raises(NotAllowed):
        pauses.resume(reason="well", by=acting(request.getfixturevalue(person)), operation="move")
    assert Pause.objects.exists()


@pytest.mark.parametrize(
    ("scope", "pointer"),
    [({"operation": "burn"}, "/operation"), ({"space": "a\0b"}, "/space"), ({"space": "x" * 257}, "/space")],
    ids=["unknown operation", "control character", "too long"],
)
def test_what_cannot_be_meant_is_refused(operator: User, scope: dict[str, str], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        pauses.stop("", by=acting(operator), **scope)
    assert [problem.pointer for problem in refused.value.problems] == ["/reason", pointer]
    assert not Pause.objects.exists()


def test_the_health_page_pauses_and_resumes_one_by_one(operator: User, administrator: User, auditor: User) -> None:
    add_space(administrator)
    browser = Client()
    browser.force_login(operator)
    assert f'<option value="{SPACE}">Archive</option>' in browser.get("/health/").content.decode()
    for scope in ({"operation": "delete"}, {"space": SPACE}):
        answer = browser.post("/health/pause/", {"reason": REASON, **scope}, follow=True).content.decode()
        assert "What you named is paused" in answer
    browser.force_login(auditor)
    banner = browser.get("/").content.decode()
    assert "Sending: Delete for good is paused by olga" in " ".join(banner.split())
    assert f'space Archive <code class="text-break">{SPACE}</code>' in " ".join(banner.split())
    browser.force_login(administrator)
    answer = browser.post("/health/resume/", {"reason": "well", "space": SPACE}, follow=True)
    assert "The pause is over" in answer.content.decode()
    assert list(Pause.objects.values_list("operation", "space")) == [("delete", "")]
