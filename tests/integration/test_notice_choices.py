"""Where people hear of what, and what becomes of it: choices, leavers, retention, words and rights."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as portal_settings
from django.utils import timezone

from jobs_app import (
    approvals,
    audit,
    pauses,
    people,
    submissions,
    sweeping,
)
from jobs_app.actors import COMMAND_LINE, SWEEPER
from jobs_app.audit import Action
from jobs_app.koodrive.client import Client
from jobs_app.models import Notice, NoticeChoice, Service, Submission, User
from jobs_app.notices import inbox, kinds, watching, words
from tests import searching
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.notices import links, listen, told, words_for, work
from tests.services import ends_in, make_token

DAY = timedelta(days=1)
Decision = approvals.Decision


pytestmark = pytest.mark.usefixtures("told_from_now_on")


# --- Leavers, choices, retention -----------------------------------------------------------------------------------
@pytest.mark.parametrize("left", [{"is_active": False}, {"last_day": timezone.now().date() - DAY}])
def test_leavers_get_none(deletion: Submission, approver: User, left: dict[str, Any]) -> None:
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


def test_the_application_may_not_change_whom_a_notice_is_for(
    deletion: Submission, approver: User, operator: User
) -> None:
    work()
    notice = Notice.objects.get()
    for column, value in {"person_id": operator.pk, "kind": "failed", "key": "x", "subject": "x"}.items():
        with pytest.raises(Exception, match="permission denied"):
            Notice.objects.filter(pk=notice.pk).update(**{column: value})
    Notice.objects.filter(pk=notice.pk).update(read_at=timezone.now())


def test_links_lead_to_the_portal(deletion: Submission, operator: User, approver: User, mailoutbox: Any) -> None:
    listen(approver)
    submissions.submit(body("delete", files=3), by=acting(operator))
    work()
    found = links(mailoutbox[0].body)
    assert found
    assert all(each.startswith(portal_settings.PORTAL_BASE_URL + "/") for each in found)
