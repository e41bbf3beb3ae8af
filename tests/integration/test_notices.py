"""Who is told of what: each kind, to those whom it concerns and nobody else, once, counted in digests."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as portal_settings
from django.db import connections
from django.utils import timezone

from jobs_app import (
    accounts,
    approvals,
    audit,
    badges,
    bulk,
    cancelling,
    dispatch,
    pauses,
    people,
    proposals,
    roles,
    submissions,
    sweeping,
    tokens,
)
from jobs_app.actors import COMMAND_LINE, NOTIFIER, SWEEPER, WORKER, Role
from jobs_app.audit import Action
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.koodrive.sandbox.faults import Fault, Kind
from jobs_app.models import Heartbeat, Notice, NoticeChoice, NoticeState, Pause, Proposal, Service, Submission, User
from jobs_app.notices import inbox, kinds, reading, watching, words
from tests import searching
from tests.conftest import Api, make_person, token_of
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.notices import links, listen, told, work
from tests.services import REASON, ends_in, make_service, make_token

DAY = timedelta(days=1)
Decision = approvals.Decision


@pytest.fixture(autouse=True)
def listening(
    operator: User, approver: User, auditor: User, administrator: User, stranger: User, settings: Any
) -> None:
    """Everybody is there; that they came is told to nobody."""
    settings.HAS_MAIL = True
    listen()


@pytest.fixture
def row(operator: User) -> Submission:
    return submissions.submit(body("delete"), by=acting(operator))


def words_for(person: User, kind: str) -> words.Words:
    return words.of(Notice.objects.get(person=person, kind=kind))[0]


def decide(row: Submission, decision: Decision, by: User, comment: str = "no") -> None:
    verb = approvals.approve if decision is Decision.APPROVED else approvals.reject
    verb(row, by=acting(by), request_sha256=row.request_sha256, comment=comment)


def becomes(row: Submission, status: str, action: Action, **said: Any) -> None:
    """As if the worker's way had led there: the event alone is what is read."""
    audit.record(action, by=WORKER, submission=row, after={"status": status}, **said)


# --- Approvals -----------------------------------------------------------------------------------------------------
def test_an_approval_is_wanted_of_those_who_may_decide(
    operator: User, approver: User, auditor: User, stranger: User
) -> None:
    both = make_person("bea", Role.OPERATOR, Role.APPROVER)
    listen()
    row = submissions.submit(body("delete"), by=acting(operator))
    own = submissions.submit(body("delete", files=2), by=acting(both))
    work()
    assert told(approver) == [("approval_wanted", 1), ("approval_wanted", 1)]
    assert Notice.objects.get(person=both).about["submission"] == str(row.pk)
    assert str(own.pk) not in str(list(Notice.objects.filter(person=both).values_list("about")))
    assert [told(each) for each in (operator, auditor, stranger)] == [[], [], []]


def test_what_somebody_decided_need_not_be_decided_by_the_others(
    row: Submission, operator: User, approver: User
) -> None:
    other = make_person("olaf", Role.APPROVER)
    work()
    assert badges.of(acting(other)).unread == 1
    decide(row, Decision.APPROVED, approver)
    work()
    assert badges.of(acting(other)).unread == badges.of(acting(approver)).unread == 0
    assert told(operator) == [("decided", 1)]
    assert words_for(operator, "decided").title == "A submission was approved"
    assert "By anton." in words_for(operator, "decided").text


def test_what_is_decided_before_anybody_was_told_is_no_notice(row: Submission, operator: User, approver: User) -> None:
    cancelling.cancel(row, by=acting(operator))
    work()
    assert told(approver) == []


def test_a_rejection_says_why(row: Submission, operator: User, approver: User) -> None:
    decide(row, Decision.REJECTED, approver, "these are still needed")
    work()
    said = words_for(operator, "decided")
    assert said.title == "A submission was rejected"
    assert "these are still needed" in said.text
    assert said.path == f"/submissions/{row.pk}/"


def test_what_expires_is_told(row: Submission, operator: User, client: Client) -> None:
    Submission.objects.filter(pk=row.pk).update(due_at=timezone.now() - DAY)
    sweeping.sweep(client=client)
    work()
    assert told(operator) == [("expired", 1)]


def test_what_comes_back_is_told_to_both_sides(row: Submission, operator: User, approver: User) -> None:
    work()
    becomes(row, "awaiting_approval", Action.SUBMISSION_RETURNED)
    work()
    assert told(operator) == [("returned", 1)]
    assert told(approver) == [("approval_wanted", 1)] * 2


# --- What came of it -----------------------------------------------------------------------------------------------
ENDS = [
    ("failed", Action.TASK_FINISHED, "failed", "A submission failed"),
    ("refused", Action.SEND_REFUSED, "failed", "KooDrive refused a submission"),
    ("partially_failed", Action.TASK_FINISHED, "partially_failed", "A submission finished with failures"),
    ("unknown", Action.SEND_UNKNOWN, "unknown", "The outcome of a submission is unknown"),
]


@pytest.mark.parametrize(("status", "action", "kind", "title"), ENDS)
def test_the_submitter_hears_of_a_bad_end(
    operator: User, auditor: User, status: str, action: Action, kind: str, title: str
) -> None:
    other = make_person("oscar", Role.OPERATOR)
    row = submissions.submit(body("copy"), by=acting(operator))
    becomes(row, status, action)
    work()
    assert told(operator) == [(kind, 1)]
    assert words_for(operator, kind).title == title
    assert [told(each) for each in (other, auditor)] == [[], []]


def test_a_good_end_is_no_notice(operator: User) -> None:
    row = submissions.submit(body("copy"), by=acting(operator))
    becomes(row, "succeeded", Action.TASK_FINISHED)
    work()
    assert told(operator) == []


def in_doubt(by: User, sandbox: Sandbox, client: Client) -> Submission:
    """Really sent, and without an answer."""
    sandbox.faults.add(Fault(Kind.RESET, call="create"))
    row = submissions.submit(body("copy"), by=acting(by))
    dispatch.send(row.pk, client=client)
    return Submission.objects.get(pk=row.pk, status="unknown")


def test_an_answer_that_never_came_is_told(operator: User, sandbox: Sandbox, client: Client) -> None:
    in_doubt(operator, sandbox, client)
    work()
    assert told(operator) == [("unknown", 1)]


def test_the_owner_of_a_service_hears_of_it_by_the_hour(operator: User) -> None:
    api = Api(token=token_of("billing", "submissions:write", "submissions:read", owner=operator))
    ids = [api.post("submissions/", body("copy", files=n)).json()["id"] for n in (1, 2, 3)]
    for row in Submission.objects.filter(pk__in=ids):
        becomes(row, "failed", Action.TASK_FINISHED)
    work()
    assert sum(count for _, count in told(operator)) == 3
    assert len(told(operator)) <= 2  # the hour may have changed
    assert "billing" in words.of(Notice.objects.filter(person=operator).latest("pk"))[0].text


def test_what_stays_unknown_is_told_again_every_day(
    operator: User, approver: User, sandbox: Sandbox, client: Client
) -> None:
    boss = make_person("oscar", Role.OPERATOR)
    owner = make_person("selma")
    token_of("billing", "submissions:write", owner=owner)
    in_doubt(operator, sandbox, client)
    watching.look()
    assert told(boss) == told(operator) == []
    Submission.objects.update(sent_at=timezone.now() - 2 * DAY)
    for _ in range(2):
        watching.look()
    assert told(boss) == told(operator) == [("still_unknown", 1)]
    assert words_for(boss, "still_unknown").title == "1 outcome is still unknown"
    assert told(approver) == []
    assert told(owner) == [("token_ending", 1)], "nothing of theirs is unknown"
    Notice.objects.using("owner").update(key="day:2026-01-01")  # as if that were told on another day
    watching.look()
    assert told(boss) == [("still_unknown", 1)] * 2


# --- Digests, and nothing lost or told twice -----------------------------------------------------------------------
def batch_of(count: int, by: User, operation: str = "delete") -> Any:
    rows = [body(operation, files=1) | {"reference": f"R-{n}"} for n in range(count)]
    return bulk.submit({"submissions": rows}, by=acting(by))


def test_a_thousand_rows_of_a_batch_are_one_notice_that_counts(operator: User, approver: User, mailoutbox: Any) -> None:
    listen(operator, approver)
    batch = batch_of(1000, operator)
    assert work() == 1
    assert told(approver) == [("approval_wanted", 1000)]
    assert words_for(approver, "approval_wanted").title == "1000 submissions wait for approval"
    assert words_for(approver, "approval_wanted").path == f"/batches/{batch.pk}/"
    [letter] = mailoutbox
    assert letter.subject == "Batch portal: 1000 submissions wait for approval"


def test_more_of_a_digest_counts_on_and_one_that_was_read_begins_anew(operator: User) -> None:
    first, second, third = Submission.objects.filter(batch=batch_of(3, operator, "copy").pk)
    for row in (first, second):
        becomes(row, "failed", Action.TASK_FINISHED)
        work()
    assert told(operator) == [("failed", 2)]
    inbox.read(operator.pk, Notice.objects.get().pk)
    becomes(third, "failed", Action.TASK_FINISHED)
    work()
    assert told(operator) == [("failed", 1)]
    assert badges.of(acting(operator)).unread == 1


def test_readers_at_the_same_time_make_each_notice_once(operator: User, approver: User) -> None:
    for n in range(1, 6):
        submissions.submit(body("delete", files=n), by=acting(operator))

    def read(_: int) -> None:
        try:
            reading.read_on()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, range(4)))
    assert told(approver) == [("approval_wanted", 1)] * 5


def test_a_reader_that_fails_loses_nothing(row: Submission, approver: User, monkeypatch: pytest.MonkeyPatch) -> None:
    position = NoticeState.objects.get().position
    # A person's choice that the database can't take, as a stand-in for whatever may fail in the middle.
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_app_notice ADD CONSTRAINT no_more CHECK (false) NOT VALID")
        try:
            with pytest.raises(Exception, match="no_more"):
                reading.read_on()
            assert NoticeState.objects.get().position == position
        finally:
            cursor.execute("ALTER TABLE jobs_app_notice DROP CONSTRAINT no_more")
    work()
    assert told(approver) == [("approval_wanted", 1)]


def test_a_line_that_nobody_can_read_stops_nothing(operator: User, approver: User) -> None:
    submissions.submit(body("delete"), by=acting(operator))
    newest = NoticeState.objects.get().position
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit.event WHERE seq > %s", [newest])
        assert cursor.fetchone()[0] == 1
    assert reading._happened((1, timezone.now(), "x", "ok", None, None, "no json")) is None
    work()
    assert told(approver) == [("approval_wanted", 1)]


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


@pytest.fixture
def mended(database: None) -> Iterator[None]:
    """The trail outlives the test, and must not stay broken in it."""
    yield
    audit.record(Action.TRAIL_VERIFIED, by=SWEEPER, sealedUpToSeq=1)


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


# --- Leavers, choices, retention -----------------------------------------------------------------------------------
@pytest.mark.parametrize("left", [{"is_active": False}, {"last_day": timezone.now().date() - DAY}])
def test_leavers_get_none(row: Submission, approver: User, left: dict[str, Any]) -> None:
    User.objects.using("owner").filter(pk=approver.pk).update(**left)
    work()
    assert not Notice.objects.filter(person=approver).exists()


def choose(person: User, kind: str, *, portal: bool, mail: bool) -> None:
    NoticeChoice.objects.create(person=person, kind=kind, in_portal=portal, by_mail=mail)


@pytest.mark.parametrize("portal", [True, False])
@pytest.mark.parametrize("mail", [True, False])
def test_everybody_chooses_where_to_hear_of_a_kind(
    operator: User, approver: User, mailoutbox: Any, portal: bool, mail: bool
) -> None:
    listen(approver)
    choose(approver, "approval_wanted", portal=portal, mail=mail)
    submissions.submit(body("delete"), by=acting(operator))
    assert work() == len(mailoutbox) == int(mail)
    assert told(approver) == [("approval_wanted", 1)] * int(portal)
    assert Notice.objects.filter(person=approver).count() == int(portal or mail)


@pytest.mark.parametrize("kind", [kind.name for kind in kinds.KINDS if kind.is_security])
def test_security_stays_in_the_portal(auditor: User, kind: str) -> None:
    choose(auditor, kind, portal=False, mail=False)
    inbox.choose(auditor, in_portal=[], by_mail=[])
    [found] = [each for each in inbox.choices(auditor) if each.kind.name == kind]
    assert (found.in_portal, found.by_mail) == (True, False)


def test_a_broken_trail_can_not_be_switched_off(auditor: User, mended: None) -> None:
    choose(auditor, "trail_broken", portal=False, mail=False)
    audit.record(Action.TRAIL_VERIFIED, by=SWEEPER, outcome="failed", detail="Event 7 is not the one that was sealed.")
    work()
    assert told(auditor) == [("trail_broken", 1)]


def test_what_was_read_weeks_ago_is_forgotten(operator: User, approver: User, client: Client) -> None:
    for n in (1, 2, 3, 4):
        submissions.submit(body("delete", files=n), by=acting(operator))
    work()
    fresh, unread, read, ancient = Notice.objects.order_by("pk")
    now = timezone.now()
    Notice.objects.filter(pk=fresh.pk).update(read_at=now - timedelta(weeks=3))
    Notice.objects.using("owner").filter(pk=unread.pk).update(at=now - timedelta(weeks=20))
    Notice.objects.using("owner").filter(pk=read.pk).update(
        at=now - timedelta(weeks=6), read_at=now - timedelta(weeks=5)
    )
    Notice.objects.using("owner").filter(pk=ancient.pk).update(at=now - timedelta(weeks=30))
    Notice.objects.update(mail="none", due_at=None)
    sweeping.sweep(client=client)
    assert set(Notice.objects.values_list("pk", flat=True)) == {fresh.pk, unread.pk}


def test_an_erased_name_stands_in_no_notice(operator: User, auditor: User, approver: User) -> None:
    listen(approver)
    submissions.submit(body("delete"), by=acting(operator))
    pauses.stop("the disk is full", by=acting(operator))
    work()
    assert "olga" in words_for(approver, "approval_wanted").text
    places = dict(searching.tables())
    people.erase_name(operator, reason="asked for it", by=COMMAND_LINE)
    assert "olga" not in words_for(approver, "approval_wanted").text
    notices = [content for name, content in places.items() if "jobs_app_notice " in name]
    assert notices
    assert not any(b"olga" in content for content in notices)


# --- The table of kinds, the words, the rights ---------------------------------------------------------------------
def test_every_kind_has_words() -> None:
    assert list(words._TEXTS)
    assert set(words._TEXTS) == set(kinds.BY_NAME)


@pytest.fixture
def nasty(operator: User, approver: User) -> Iterator[Notice]:
    service = Service.objects.create(name="billing\r\nBcc: eve@example.com", owner=operator)
    token = make_token(service)[0]
    ends_in(token, DAY)
    watching.look()
    return Notice.objects.get(person=operator)


def test_no_text_breaks_a_line(nasty: Notice) -> None:
    [said] = words.of(nasty)
    assert "\n" not in said.title + said.text
    assert "\r" not in said.title + said.text
    assert "billing Bcc: eve@example.com" in said.title


def test_the_application_may_not_change_whom_a_notice_is_for(row: Submission, approver: User, operator: User) -> None:
    work()
    notice = Notice.objects.get()
    for column, value in {"person_id": operator.pk, "kind": "failed", "key": "x", "subject": "x"}.items():
        with pytest.raises(Exception, match="permission denied"):
            Notice.objects.filter(pk=notice.pk).update(**{column: value})
    Notice.objects.filter(pk=notice.pk).update(read_at=timezone.now())


def test_links_lead_to_the_portal(row: Submission, operator: User, approver: User, mailoutbox: Any) -> None:
    listen(approver)
    submissions.submit(body("delete", files=3), by=acting(operator))
    work()
    found = links(mailoutbox[0].body)
    assert found
    assert all(each.startswith(portal_settings.PORTAL_BASE_URL + "/") for each in found)
