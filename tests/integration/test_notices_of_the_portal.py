"""Who is told of what the portal does and what is done to it: sending, the trail, rights, services and exports."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs_app import (
    accounts,
    approvals,
    audit,
    pauses,
    people,
    proposals,
    roles,
    sweeping,
    tokens,
)
from jobs_app.actors import COMMAND_LINE, NOTIFIER, SWEEPER, WORKER, Role
from jobs_app.audit import Action
from jobs_app.koodrive.client import Client
from jobs_app.models import Heartbeat, Notice, NoticeState, Pause, Proposal, User
from jobs_app.notices import watching, words
from tests.conftest import Api, make_person, token_of
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.notices import listen, told, words_for, work
from tests.services import REASON, ends_in, make_service, make_token

DAY = timedelta(days=1)
Decision = approvals.Decision


pytestmark = pytest.mark.usefixtures("told_from_now_on")


# --- Sending -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (Pause.Cause.CREDENTIALS, "credentials_refused"),
        (Pause.Cause.ADDRESS, "breaker_open"),
        (Pause.Cause.UNREACHABLE, "breaker_open"),
    ],
)
def test_a_pause_of_the_machine_is_told_to_those_who_can_help_and_those_who_wait(
    administrator: User, operator: User, auditor: User, cause: Pause.Cause, kind: str
) -> None:
    owner = make_person("selma")
    Api(token=token_of("billing", "submissions:write", owner=owner)).post("submissions/", body("copy"))
    pauses.begin(cause, "It was refused.", by=WORKER)
    work()
    assert [told(each) for each in (administrator, operator, owner)] == [[(kind, 1)]] * 3
    assert told(auditor) == []
    assert "It was refused." in words_for(administrator, kind).text
    pauses.end(by=SWEEPER)
    work()
    assert told(administrator) == [(kind, 1), ("resumed", 1)]


def test_who_paused_need_not_be_told(administrator: User, operator: User) -> None:
    pauses.stop("the disk is full", by=acting(operator), operation="copy")
    work()
    assert told(operator) == []
    said = words_for(administrator, "paused")
    assert "By olga. the disk is full." in said.text
    assert "Only: Copy" in said.text
    pauses.resume(by=acting(administrator), reason="it has room again", operation="copy")
    work()
    assert told(administrator) == [("paused", 1)]
    assert told(operator) == [("resumed", 1)]


# --- The trail -----------------------------------------------------------------------------------------------------
def sealed(ago: timedelta) -> None:
    Heartbeat.objects.update_or_create(part="sealer", defaults={"at": timezone.now() - ago})


def test_an_overdue_seal_is_told_once_a_day(administrator: User, auditor: User, operator: User) -> None:
    sealed(timedelta(minutes=10))
    watching.look()
    assert told(auditor) == []
    sealed(timedelta(hours=1))
    for _ in range(2):
        watching.look()
    assert told(auditor) == told(administrator) == [("seal_overdue", 1)]
    assert told(operator) == []


def test_a_portal_that_has_just_been_started_waits_for_its_sealer(auditor: User) -> None:
    sealed(DAY)
    NoticeState.objects.update(looked_at=timezone.now() - DAY)
    watching.look()
    assert told(auditor) == []
    watching.look()
    assert told(auditor) == [("seal_overdue", 1)]


def test_a_broken_trail_is_told(auditor: User, administrator: User, operator: User, mended: None) -> None:
    audit.record(Action.TRAIL_VERIFIED, by=SWEEPER, sealedUpToSeq=1)
    work()
    assert told(auditor) == []
    audit.record(Action.TRAIL_VERIFIED, by=SWEEPER, outcome="failed", detail="Event 7 is not the one that was sealed.")
    work()
    assert told(auditor) == told(administrator) == [("trail_broken", 1)]
    assert told(operator) == []
    assert "Event 7" in words_for(auditor, "trail_broken").text


# --- Rights and people ---------------------------------------------------------------------------------------------
def test_changed_roles_are_told_to_the_person_and_the_heavy_ones_to_the_overseers(
    administrator: User, auditor: User, operator: User, approver: User
) -> None:
    roles.change(operator, {Role.OPERATOR, Role.AUDITOR}, reason=REASON, by=acting(administrator))
    work()
    assert told(operator) == [("roles_changed", 1)]
    assert told(auditor) == []
    roles.change(approver, set(), reason=REASON, by=acting(administrator))
    work()
    assert told(approver) == [("roles_changed", 1)]
    assert told(auditor) == told(administrator) == [("rights_changed", 1)]
    assert "approver" in words_for(auditor, "rights_changed").title
    assert words_for(auditor, "rights_changed").path == f"/people/{approver.pk}/"


def test_a_proposal_and_its_end_are_told_to_the_overseers(administrator: User, second: User, auditor: User) -> None:
    listen()
    made = proposals.propose(
        Proposal.Kind.POLICY, "policy", before={}, after={"x": 1}, reason=REASON, by=acting(administrator)
    )
    proposals.settle(made.pk, Proposal.State.REFUSED, comment="not now", by=acting(second), carry_out=lambda *_: None)
    work()
    assert told(auditor) == told(administrator) == told(second) == [("rights_changed", 1)] * 2
    said = words.of(*Notice.objects.filter(person=auditor).order_by("at"))
    assert "Policy (policy)" in said[0].title
    assert all(REASON in each.text for each in said)
    assert said[0].path == "/policy/"


def test_commands_on_the_server_are_told(auditor: User, approver: User, operator: User) -> None:
    people.change_password(approver, "another horse battery staple", by=COMMAND_LINE)
    people.reset_sign_in(approver, by=COMMAND_LINE)
    people.reset_sign_in(operator, by=COMMAND_LINE)
    people.create_person("alma", None, roles=[Role.APPROVER], by=COMMAND_LINE)
    work()
    assert told(auditor) == [("rights_changed", 1)] * 3
    assert told(approver) == [("sign_in_changed", 1)] * 2
    assert told(operator) == [("sign_in_changed", 1)]
    assert "by a command on the server" in words.of(*Notice.objects.filter(person=auditor))[0].text


def test_last_days_are_told_before_and_afterwards(administrator: User, auditor: User, operator: User) -> None:
    make_service("payroll", owner=operator)
    today = timezone.now().date()
    for left, count in ((15, 0), (14, 1), (3, 2)):
        User.objects.using("owner").filter(pk=operator.pk).update(last_day=today + left * DAY)
        for _ in range(2):
            watching.look()
        assert told(auditor) == told(administrator) == [("last_day", 1)] * count
    [said] = words.of(Notice.objects.filter(person=auditor).latest("pk"))
    assert "olga" in said.title
    assert "payroll" in said.text
    assert said.path == f"/people/{operator.pk}/"


def test_a_last_day_that_is_over_is_told(auditor: User, operator: User, client: Client) -> None:
    User.objects.using("owner").filter(pk=operator.pk).update(last_day=timezone.now().date() - DAY)
    for _ in range(2):
        sweeping.sweep(client=client)
        work()
    assert told(auditor) == [("last_day", 1)]
    assert "is over" in words_for(auditor, "last_day").title


def test_another_address_is_told_to_the_old_one_the_person_and_the_overseers(
    administrator: User, auditor: User, approver: User, mailoutbox: Any
) -> None:
    listen(approver, auditor)
    accounts.change_email(approver, "elsewhere@example.com", reason=REASON, by=acting(administrator))
    work()
    to = sorted(address for each in mailoutbox for address in each.to)
    assert to == ["anton@example.com", "aurora@example.com", "elsewhere@example.com"]
    assert told(approver) == [("sign_in_changed", 1)]


def test_an_account_of_a_guarded_role_that_ends_is_told(administrator: User, auditor: User, approver: User) -> None:
    accounts.deactivate(approver, reason=REASON, by=acting(administrator))
    work()
    assert told(auditor) == [("rights_changed", 1)]
    assert told(approver) == []


# --- Services, exports, KooDrive -----------------------------------------------------------------------------------
def test_a_token_that_ends_is_told_at_fourteen_and_at_three_days(operator: User, mailoutbox: Any) -> None:
    listen(operator)
    token = make_token(make_service(owner=operator, contact="team@example.com"))[0]
    for left, letters in ((15, 0), (14, 2), (13, 2), (4, 2), (3, 4), (2, 4), (1, 4)):
        ends_in(token, left * DAY)
        watching.look()
        work()
        assert len(mailoutbox) == letters, left
    assert told(operator) == [("token_ending", 1)] * 2
    assert sorted({each.to[0] for each in mailoutbox}) == ["olga@example.com", "team@example.com"]
    assert all("of the service billing ends" in each.body for each in mailoutbox)


@pytest.mark.parametrize("lack", ["end", "life"])
def test_a_token_that_needs_nobody_is_not_told(operator: User, lack: str) -> None:
    token = make_token(make_service(owner=operator))[0]
    ends_in(token, timedelta(seconds=-1) if lack == "end" else 2 * DAY)
    if lack == "life":
        tokens.revoke(token, reason=REASON, by=COMMAND_LINE)
    watching.look()
    assert told(operator) == []


def test_a_receiver_that_wants_no_notices_is_told(administrator: User, operator: User, auditor: User) -> None:
    service = make_service(owner=operator)
    audit.record(Action.CALLBACK_DISABLED, by=NOTIFIER, service=service.ref, detail="It answered 410.")
    work()
    assert told(operator) == told(administrator) == [("callback_disabled", 1)]
    assert told(auditor) == []


def test_an_export_is_told_to_who_asked(auditor: User, administrator: User) -> None:
    audit.record(Action.TRAIL_EXPORTED, by=WORKER, requestedBy=auditor.ref, query="")
    audit.record(Action.TRAIL_EXPORTED, by=COMMAND_LINE, query="")
    work()
    assert told(auditor) == [("export_ready", 1)]
    assert told(administrator) == []


def test_tasks_of_others_are_told_to_administrators(administrator: User, operator: User) -> None:
    for tasks in ([], [{"taskId": "17"}, {"taskId": "18"}]):
        until = "2026-11-24T00:00:00Z"
        audit.record(Action.TASKS_COMPARED, by=SWEEPER, until=until, new=len(tasks), tasks=tasks)
    work()
    assert told(administrator) == [("foreign_tasks", 1)]
    assert "17, 18" in words_for(administrator, "foreign_tasks").text
    assert told(operator) == []
