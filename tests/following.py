"""Ways to bring a submission to where its task is followed, and on from there."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.test import Client as Browser
from django.utils import timezone

from jobs_app import dispatch, submissions, tracking
from jobs_app.audit import read
from jobs_app.koodrive.client import Client
from jobs_app.models import Submission, User
from tests.doors import operator_actor
from tests.examples import body

TOKEN = "sandbox-token"
Send = Callable[..., Submission]


def send_as(person: User, client: Client) -> Send:
    def submit_and_send(*file_ids: str, operation: str = "copy", **changes: Any) -> Submission:
        made = submissions.submit(naming(operation, *file_ids, **changes), by=operator_actor(person))
        return sent(made, client)

    return submit_and_send


def naming(operation: str, *file_ids: str, **changes: Any) -> dict[str, Any]:
    """A good body that names these files."""
    given = body(operation, **changes)
    given["taskInfo"]["fileInfo"] = [{"fileId": each} for each in file_ids]
    return given


def sent(made: Submission, client: Client) -> Submission:
    dispatch.send(made.pk, client=client)
    return Submission.objects.get(pk=made.pk, status="accepted")


def polled(submission: Submission, client: Client) -> Submission:
    """The submission, after a poll at which it and all others are due."""
    Submission.objects.filter(status__in=["accepted", "running"]).update(due_at=timezone.now() - timedelta(seconds=1))
    tracking.poll(client=client)
    return Submission.objects.get(pk=submission.pk)


def events(submission: Submission) -> list[dict[str, Any]]:
    return [line.parsed["event"] for line in read.of_submission(submission.pk)]


def actions(submission: Submission) -> list[str]:
    return [event["action"] for event in events(submission)]


def browser_of(person: User) -> Browser:
    browser = Browser()
    browser.force_login(person)
    return browser


def page(browser: Browser, made: Submission) -> str:
    return str(browser.get(f"/submissions/{made.pk}/").content.decode())
