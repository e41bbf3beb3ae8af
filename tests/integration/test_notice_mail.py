"""Mail of notices: claimed before it is sent, tried again while the server is away, digests, and no secret in it."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from jobs_app import audit, health, submissions, tokens
from jobs_app.actors import COMMAND_LINE, WORKER
from jobs_app.audit import Action
from jobs_app.koodrive.client import Client
from jobs_app.mail import Away, Refused
from jobs_app.models import Notice, NoticeState, Submission, User
from jobs_app.notices import courier, reading, watching
from tests import searching
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.mail_server import MailServer, mail_server
from tests.notices import everything_is_due, listen, mailed, told, work
from tests.services import ends_in, make_service, make_token


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server() as running:
        settings.HAS_MAIL, settings.EMAIL_BACKEND = True, "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", running.port, 10
        yield running


@pytest.fixture(autouse=True)
def listening(operator: User, approver: User, settings: Any) -> None:
    settings.HAS_MAIL = True
    listen(operator, approver)


def wanted(operator: User, files: int = 1) -> Submission:
    """A submission that waits for the approver."""
    return submissions.submit(body("delete", files=files), by=acting(operator))


def the_notice() -> Notice:
    return Notice.objects.select_related("person").get()


# --- What is sent --------------------------------------------------------------------------------------------------
def test_a_letter_is_plain_and_from_a_machine(operator: User, approver: User, server: MailServer) -> None:
    row = wanted(operator)
    assert work() == 1
    [got] = server.received
    assert got["To"] == "anton@example.com"
    assert got["Subject"] == "Batch portal: A submission waits for approval"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got.get_content_type() == "text/plain"
    assert f"/submissions/{row.pk}/" in got.get_content()
    assert "/profile/#notices" in got.get_content()
    assert work() == 0


def test_what_one_person_has_due_is_one_letter(operator: User, approver: User, server: MailServer) -> None:
    for n in (1, 2, 3):
        wanted(operator, n)
    assert work() == 1
    [got] = server.received
    assert got["Subject"] == "Batch portal: 3 notices"
    assert got.get_content().count("A submission waits for approval") == 3


def test_more_than_a_letter_holds_is_several(operator: User, approver: User, server: MailServer) -> None:
    wanted(operator)
    reading.read_on()
    whole = {name: getattr(the_notice(), name) for name in ("person_id", "kind", "about", "at", "in_portal")}
    rows = [Notice(**whole, key=f"more:{n}", mail="waiting", due_at=timezone.now()) for n in range(courier.MOST)]
    Notice.objects.bulk_create(rows)
    assert mailed() == 2
    assert [each["Subject"] for each in server.received] == [
        f"Batch portal: {courier.MOST} notices",
        "Batch portal: A submission waits for approval",
    ]


def test_in_the_persons_language_and_zone(operator: User, server: MailServer) -> None:
    User.objects.filter(pk=operator.pk).update(time_zone="Asia/Shanghai", language="zh-hans")
    token = make_token(make_service(owner=operator, contact="team@example.com"))[0]
    ends_in(token, timedelta(days=1))
    watching.look()
    work()
    sent = {each["To"]: (each["Subject"].strip(), each.get_content()) for each in server.received}
    subject, text = sent["olga@example.com"]
    assert subject == "批量任务门户: billing 的一个令牌即将到期"
    assert "Asia/Shanghai" in text
    assert "到期；此后使用它的调用会得到 401" in text
    subject, text = sent["team@example.com"]
    assert subject == "Batch portal: A token of billing ends soon"
    assert "UTC; calls with it get 401 from then on" in text


def test_no_header_can_be_added(operator: User, server: MailServer) -> None:
    """A name that the portal's own doors would refuse."""
    service = make_service(owner=operator)
    type(service).objects.filter(pk=service.pk).update(name="x\r\nBcc: eve@example.com\r\n\r\nhello")
    ends_in(make_token(service)[0], timedelta(days=1))
    watching.look()
    work()
    [got] = server.received
    assert got["Bcc"] is None
    assert got["Subject"] == "Batch portal: A token of x Bcc: eve@example.com hello ends soon"


@pytest.mark.parametrize("address", ["a@example.com\nBcc: eve@example.com", "not an address", "x" * 254])
def test_an_address_that_is_none_is_given_up(operator: User, approver: User, server: MailServer, address: str) -> None:
    server.refuses["RCPT"] = "501 no such thing"
    User.objects.using("owner").filter(pk=approver.pk).update(email=address)
    wanted(operator)
    assert work() == 1
    assert the_notice().mail == "given_up"
    assert server.received == []
    assert told(approver) == [("approval_wanted", 1)]


# --- Bad days ------------------------------------------------------------------------------------------------------
def test_a_server_that_is_away_is_asked_by_one_and_then_gets_all(
    operator: User, approver: User, server: MailServer, settings: Any
) -> None:
    settings.EMAIL_PORT = 1  # nobody listens there
    wanted(operator)
    audit.record(Action.TASK_FINISHED, by=WORKER, submission=wanted(operator, 2), after={"status": "failed"})
    assert work() == 1, "the others are spared as long as one waits in vain"
    state = NoticeState.objects.get()
    assert (state.failures, state.not_before and state.not_before > timezone.now()) == (1, True)
    sign = next(each for each in health.look() if each.name == "Notices by mail")
    assert "No mail has gone out since" in sign.trouble
    assert not sign.blocks
    assert work() == 0
    for _ in range(3):
        everything_is_due()
        assert mailed() == 1
    assert NoticeState.objects.get().failures == 4
    settings.EMAIL_PORT = server.port
    everything_is_due()
    assert mailed() == 2
    assert sorted(each["To"] for each in server.received) == ["anton@example.com", "olga@example.com"]
    assert not next(each for each in health.look() if each.name == "Notices by mail").trouble
    assert set(Notice.objects.values_list("mail", flat=True)) == {"sent"}


@pytest.mark.parametrize("word", ["RCPT", "DATA"])
def test_what_is_refused_for_now_is_tried_again_and_holds_up_nobody(
    operator: User, approver: User, server: MailServer, word: str
) -> None:
    server.refuses[word] = "451 later"
    wanted(operator)
    audit.record(Action.TASK_FINISHED, by=WORKER, submission=wanted(operator, 2), after={"status": "failed"})
    assert work() == 2
    assert set(Notice.objects.values_list("mail", flat=True)) == {"waiting"}
    assert NoticeState.objects.get().failures == 0
    server.refuses.clear()
    everything_is_due()
    assert mailed() == 2


def test_what_is_refused_for_days_is_given_up(operator: User, approver: User, server: MailServer) -> None:
    server.refuses["RCPT"] = "451 later"
    wanted(operator)
    work()
    Notice.objects.update(first_tried_at=timezone.now() - courier.GIVEN_UP_AFTER - timedelta(minutes=1))
    everything_is_due()
    assert mailed() == 1
    assert (the_notice().mail, the_notice().error) == ("given_up", "The address was refused (451).")


def test_what_is_a_week_old_is_not_mailed_any_more(operator: User, approver: User, server: MailServer) -> None:
    wanted(operator)
    reading.read_on()
    Notice.objects.using("owner").update(at=timezone.now() - courier.TOO_OLD - timedelta(minutes=1))
    assert mailed() == 0
    assert (the_notice().mail, told(approver)) == ("given_up", [("approval_wanted", 1)])


def test_a_courier_that_died_is_followed_by_another_with_the_same_letter(
    operator: User, approver: User, server: MailServer
) -> None:
    wanted(operator)
    reading.read_on()
    dead = courier.claim()
    assert dead
    wanted(operator, 2)
    reading.read_on()
    assert courier.claim() != dead
    Notice.objects.update(due_at=timezone.now() + courier.LEASE)
    assert courier.claim() is None, "whoever has a claim is given its time"
    Notice.objects.filter(claim=dead.claim).update(due_at=timezone.now() - timedelta(seconds=1))
    again = courier.claim()
    assert again
    assert (again.id, again.claim != dead.claim, len(again.notices)) == (dead.id, True, 1)
    courier.attempt(again)
    [got] = server.received
    assert got["Message-ID"].startswith(f"<{dead.id}@")


def test_who_died_after_sending_makes_one_more_mail_with_the_same_id(
    operator: User, approver: User, server: MailServer
) -> None:
    """What SMTP leaves open: the server took it, and nobody could store that."""
    wanted(operator)
    reading.read_on()
    dead = courier.claim()
    assert dead
    courier._send(dead)
    everything_is_due()
    assert mailed() == 1
    first, second = server.received
    assert first["Message-ID"] == second["Message-ID"]
    courier.attempt(dead)
    assert the_notice().mail == "sent", "whoever comes late stores nothing"


def test_couriers_at_the_same_time_mail_each_letter_once(operator: User, approver: User, server: MailServer) -> None:
    for n in range(1, 9):
        audit.record(Action.TASK_FINISHED, by=WORKER, submission=wanted(operator, n), after={"status": "failed"})
    reading.read_on()

    def work_on(_: int) -> int:
        try:
            return mailed()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work_on, range(4)))
    assert sorted(each["To"] for each in server.received) == ["anton@example.com", "olga@example.com"]


def test_what_is_counted_while_a_letter_is_on_its_way_is_not_lost(
    operator: User, approver: User, server: MailServer
) -> None:
    wanted(operator)
    reading.read_on()
    Notice.objects.update(due_at=timezone.now())
    server.holds.clear()
    sending = threading.Thread(target=lambda: (mailed(), connections.close_all()))
    sending.start()
    while not the_notice().claim:
        pass
    Notice.objects.update(count=2)
    server.holds.set()
    sending.join()
    row = the_notice()
    assert (row.mail, row.letter, row.claim) == ("waiting", None, None)
    assert row.due_at
    assert row.due_at > timezone.now()


def test_who_left_meanwhile_gets_no_mail(operator: User, approver: User, server: MailServer) -> None:
    wanted(operator)
    reading.read_on()
    User.objects.using("owner").filter(pk=approver.pk).update(is_active=False)
    assert mailed() == 1
    assert (the_notice().mail, server.received) == ("none", [])


def test_a_changed_address_is_where_it_goes(operator: User, approver: User, server: MailServer) -> None:
    wanted(operator)
    reading.read_on()
    User.objects.filter(pk=approver.pk).update(email="new@example.com")
    mailed()
    assert server.received[0]["To"] == "new@example.com"


@pytest.mark.parametrize("lack", ["mail", "address"])
def test_without_mail_or_address_it_stands_in_the_portal(
    operator: User, approver: User, server: MailServer, settings: Any, lack: str
) -> None:
    settings.HAS_MAIL = lack != "mail"
    if lack == "address":
        User.objects.filter(pk=approver.pk).update(email="")
    wanted(operator)
    assert work() == 0
    assert told(approver) == [("approval_wanted", 1)]


def test_a_fault_of_ours_does_not_come_back_at_once(
    operator: User, approver: User, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted(operator)
    reading.read_on()
    Notice.objects.update(about={})
    assert mailed() == 1
    assert (the_notice().mail, "log says why" in the_notice().error) == ("waiting", True)


def test_errors_name_no_address() -> None:
    assert "@" not in str(Away("x")) + str(Refused("y", for_good=True))


# --- Secrets -------------------------------------------------------------------------------------------------------
def test_no_secret_stands_in_a_notice_or_a_mail(
    operator: User, approver: User, auditor: User, client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    listen(auditor)
    password, reason = "Hunter-2-archive", "rotation"
    row = submissions.submit(body("extract", password=password), by=acting(operator))
    for status, action in (("unknown", Action.SEND_UNKNOWN), ("failed", Action.TASK_FINISHED)):
        audit.record(action, by=WORKER, submission=row, after={"status": status})
    token, secret = make_token(make_service(owner=operator, contact="team@example.com"))
    ends_in(token, timedelta(days=1))
    tokens.revoke(make_token()[0], reason=reason, by=COMMAND_LINE)
    watching.look()
    work()
    places = [*searching.tables(), *searching.files(tmp_path)]
    found = searching.places_of(places, password, secret, "reason")
    assert any(name.startswith("file mail") for name, _ in places)
    assert found[password] == found[secret] == set()
    assert json.dumps(list(Notice.objects.values_list("about", flat=True)))
