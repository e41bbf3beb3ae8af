"""Mail about tokens that end: fourteen and three days before, each once, to those who can do something."""

import smtplib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from jobs_app import reminders, rotation, tasks, tokens
from jobs_app.actors import COMMAND_LINE
from jobs_app.models import ApiToken, User
from tests.services import REASON, ends_in, make_service, make_token

DAY = timedelta(days=1)


@pytest.fixture
def mails(settings: Any, tmp_path: Path) -> Any:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH, settings.HAS_MAIL = str(tmp_path / "mail"), True
    return lambda: sorted(path.read_text() for path in (tmp_path / "mail").glob("*"))


@pytest.fixture
def token(operator: User) -> ApiToken:
    User.objects.filter(pk=operator.pk).update(email="olga@example.com")
    operator.refresh_from_db()
    return make_token(make_service(owner=operator, contact="team@example.com"))[0]


def test_owner_and_contact_hear_at_fourteen_and_at_three_days_and_no_more(token: ApiToken, mails: Any) -> None:
    for left, sent in ((15, 0), (14, 1), (13, 0), (4, 0), (3, 1), (2, 0), (1, 0)):
        ends_in(token, left * DAY)
        assert reminders.remind() == sent, left
    first, second = mails()
    for text in (first, second):
        assert "To: team@example.com, olga@example.com" in text
        assert f"Token {token.pk} of the service billing ends" in text
        assert "/tokens/" in text


def test_one_that_comes_late_to_light_is_one_mail(token: ApiToken, mails: Any) -> None:
    ends_in(token, 2 * DAY)
    tasks.remind_of_tokens()
    tasks.remind_of_tokens()
    assert len(mails()) == 1


def test_of_two_workers_at_once_one_writes(token: ApiToken, mails: Any) -> None:
    ends_in(token, 2 * DAY)

    def once(_: int) -> int:
        try:
            return reminders.remind()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(once, range(4))) == 1
    assert len(mails()) == 1


@pytest.mark.parametrize("lack", ["mail", "addresses", "end", "life", "need"])
def test_nobody_hears_of_what_needs_nobody(token: ApiToken, mails: Any, settings: Any, lack: str) -> None:
    ends_in(token, 2 * DAY)
    if lack == "mail":
        settings.HAS_MAIL = False
    if lack == "addresses":
        User.objects.update(email="")
        type(token.service).objects.update(contact="")
    if lack == "end":
        ends_in(token, timedelta(seconds=-1))
    if lack == "life":
        tokens.revoke(token, reason=REASON, by=COMMAND_LINE)
    if lack == "need":
        new = rotation.rotate(token, overlap=rotation.USUAL_OVERLAP, reason=REASON, by=COMMAND_LINE).token
        ends_in(new, 90 * DAY)
    assert reminders.remind() == 0
    assert mails() == []


def test_an_owner_who_has_left_is_not_written_to(token: ApiToken, mails: Any) -> None:
    ends_in(token, 2 * DAY)
    User.objects.update(is_active=False)
    reminders.remind()
    assert "To: team@example.com\n" in mails()[0]


def test_mail_that_does_not_go_out_is_tried_again(
    token: ApiToken, mails: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ends_in(token, 2 * DAY)
    works = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert reminders.remind() == 0
    assert "nobody can be told by mail" in caplog.text
    assert "example.com" not in caplog.text
    assert issubclass(smtplib.SMTPException, OSError)  # what a server answers is caught likewise
    settings.EMAIL_BACKEND = works
    assert reminders.remind() == 1
