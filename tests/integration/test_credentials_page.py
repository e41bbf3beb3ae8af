"""The page of the sign-in to KooDrive: for administrators, and a token goes in and never comes out."""

import base64
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.db.models.functions import Now
from django.test import Client

from jobs_app import connection, dispatch, pauses, pulse, submissions, tasks, tracking
from jobs_app.actors import WORKER
from jobs_app.koodrive.credentials import Bearer
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Credential, Pause, Submission, User
from tests.doors import newest_event, operator_actor
from tests.examples import body

CANARY = "canary-token-6ebb6266dd5cdefa1d71"
SECOND = "another-canary-9b1c3f"


@pytest.fixture
def sandbox(database: None, settings: Any) -> Iterator[Sandbox]:
    with Sandbox(port=0, token=CANARY, speed=100) as running:
        settings.KOODRIVE_BASE_URL, settings.KOODRIVE_TOKEN, settings.KOODRIVE_AUTH = running.url, "", "bearer"
        settings.KOODRIVE_CONNECT_TIMEOUT = settings.KOODRIVE_READ_TIMEOUT = 1.0
        connection.adopt_environment()
        yield running


@pytest.fixture
def client(administrator: User) -> Client:
    client = Client()
    client.force_login(administrator)
    return client


def shown(client: Client) -> str:
    answer = client.get("/credentials/")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return str(answer.content.decode())


def post(client: Client, token: str, reason: str = "the old one died") -> Any:
    return client.post("/credentials/", {"token": token, "reason": reason}, follow=True)


@pytest.mark.parametrize("person", ["operator", "approver", "auditor", "stranger"])
def test_others_neither_see_nor_set_them(sandbox: Sandbox, person: str, request: pytest.FixtureRequest) -> None:
    client = Client()
    client.force_login(request.getfixturevalue(person))
    assert client.get("/credentials/").status_code == 403
    assert post(client, CANARY).status_code == 403
    assert newest_event("permission.denied")["to"] == "see credentials"
    assert not Credential.objects.exists()
    assert "/credentials/" not in client.get("/").content.decode()


def test_an_administrator_sees_that_there_is_none_and_sets_one(sandbox: Sandbox, client: Client) -> None:
    assert "no token yet" in shown(client)
    page = post(client, CANARY).content.decode()
    assert "The new token is in use" in page
    for words in (Bearer(CANARY).id, "adele, in the portal", "not yet", sandbox.url):
        assert words in page
    assert newest_event("credentials.changed")["reason"] == "the old one died"
    tasks.keep_alive()
    assert "not yet" not in shown(client)
    assert 'href="/credentials/"' in client.get("/").content.decode()


def test_the_page_tells_how_old_the_token_is_and_as_whom_it_works(
    sandbox: Sandbox, client: Client, operator: User
) -> None:
    assert "not known before KooDrive has taken a first task" in post(client, CANARY).content.decode()
    Credential.objects.using("owner").update(set_at=Now() - timedelta(hours=5))
    made = submissions.submit(body("copy"), by=operator_actor(operator))
    dispatch.send(made.pk, client=connection.client(fresh=True))
    sandbox.clock.advance(60)
    Submission.objects.update(due_at=Now())
    tracking.poll(client=connection.client(fresh=True))
    page = shown(client)
    assert "(5 h ago)" in page
    user = Submission.objects.get().task_user
    assert user
    assert f"<code>{user}</code>" in page


def test_an_older_success_says_nothing_about_a_newer_token(sandbox: Sandbox, client: Client) -> None:
    pulse.beat("koodrive")
    assert "not yet" in post(client, CANARY).content.decode()


def test_a_mistake_keeps_the_reason_and_drops_the_token(sandbox: Sandbox, client: Client) -> None:
    answer = post(client, f"{CANARY}\n{CANARY}", reason="rotated today")
    page = answer.content.decode()
    assert (answer.status_code, "no header can carry" in page, "rotated today" in page) == (400, True, True)
    assert CANARY not in page
    page = post(client, CANARY, reason="").content.decode()
    assert "Say why you do this" in page
    assert CANARY not in page
    assert not Credential.objects.exists()


def test_a_pause_for_them_stands_on_the_page(sandbox: Sandbox, client: Client) -> None:
    pauses.begin(Pause.Cause.CREDENTIALS, "KooDrive refused them.", by=WORKER)
    assert "Sending is paused because of these credentials" in shown(client)


def test_the_ones_before_are_listed_by_name(sandbox: Sandbox, client: Client, settings: Any) -> None:
    settings.KOODRIVE_TOKEN = SECOND
    connection.adopt_environment()
    assert "the environment" in shown(client)
    page = post(client, CANARY).content.decode()
    assert Bearer(SECOND).id in page.partition("Used before")[2]


def test_with_signing_nothing_can_be_set(sandbox: Sandbox, client: Client, settings: Any) -> None:
    settings.KOODRIVE_AUTH = "app"
    settings.KOODRIVE_APP_ID, settings.KOODRIVE_APP_SECRET, settings.KOODRIVE_USER_ID = "an-app", "s3cr3t-4711", "77"
    page = shown(client)
    assert "App signing" in page
    assert "app:" in page
    assert "s3cr3t-4711" not in page
    assert 'name="token"' not in page
    assert "<code>77</code>" in page
    assert post(client, CANARY).status_code == 409
    settings.KOODRIVE_APP_SECRET = ""
    assert "known to the workers only" in shown(client)


def test_a_token_stands_nowhere_in_clear(
    sandbox: Sandbox, client: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings.KOODRIVE_TOKEN = SECOND
    connection.adopt_environment()
    tasks.keep_alive()
    pages = [post(client, CANARY).content.decode(), shown(client), client.get("/health/").content.decode()]
    tasks.keep_alive()
    everything = "\n".join([*pages, caplog.text, *map(repr, caplog.records), *rows()])
    assert Bearer(CANARY).id in everything
    for token in (CANARY, SECOND):
        for form in (token, token.encode().hex(), base64.b64encode(token.encode()).decode()):
            assert form not in everything


def rows() -> Iterator[str]:
    """Every row of every table, the trail's too, as text."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'audit')")
        for schema, table in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{schema}"."{table}" AS t')
            yield from (row for (row,) in cursor.fetchall())
