"""The page of the tasks that the portal did not send: who sees it, who notes, and where else it shows."""

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from django.utils import timezone

from jobs_app import audit, connection, foreign, reconciling, tasks
from jobs_app.actors import COMMAND_LINE, SWEEPER, Scope
from jobs_app.audit import Action
from jobs_app.errors import NotFound
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Fault, Kind, Sandbox
from jobs_app.models import ForeignTask, Notice, Submission, User
from jobs_app.notices import words as said_by
from tests.conftest import token_of
from tests.doors import client_of, newest_event, without_the_trail
from tests.doors import operator_actor as acting
from tests.following import TOKEN, browser_of
from tests.notices import listen, told, work
from tests.outside import begin_anew, made_outside
from tests.servers import Broker

LIST = "/audit/foreign/"
NOTE = "/audit/foreign/note/"
SEES = ("operator", "administrator", "auditor")
NOTES = ("operator", "administrator")
EVERYBODY = ("operator", "administrator", "auditor", "approver", "stranger")
SIGN = "Tasks that the portal did not send"


@pytest.fixture(autouse=True)
def old_trail(database: None) -> Iterator[None]:
    begin_anew(timedelta(days=30))
    yield
    begin_anew(timedelta())


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(port=0, token=TOKEN, token_life=10**8) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    return client_of(sandbox)


@pytest.fixture
def person(request: pytest.FixtureRequest) -> User:
    found: User = request.getfixturevalue(request.param)
    return found


def found(number: int = 1, **changes: Any) -> ForeignTask:
    """A task as the comparison stores it."""
    given = {"task_type": 2, "action_type": 202, "items": 3, "space": "a-space", "status": "completed"} | changes
    return ForeignTask.objects.create(task_id=str(1309243162258308000 + number), **given)


def shown(person: User, address: str = LIST) -> str:
    answer = browser_of(person).get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def note(person: User, task: ForeignTask, text: str = "The migration of team B, CHG-7") -> Any:
    return browser_of(person).post(NOTE, {"taskId": task.pk, "note": text}, follow=True)


# --- The list --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", EVERYBODY, indirect=True)
def test_who_sees_them(person: User, request: pytest.FixtureRequest) -> None:
    task = found()
    name = request.node.callspec.params["person"]
    answer = browser_of(person).get(LIST)
    assert answer.status_code == (200 if name in SEES else 403)
    page = answer.content.decode()
    assert (task.pk in page) == (name in SEES)
    assert (f'action="{NOTE}"' in page) == (name in NOTES)
    if name not in SEES:
        assert newest_event("permission.denied")["to"] == "see foreign tasks"


def test_a_token_opens_it_not(database: None) -> None:
    headers = {"Authorization": f"Bearer {token_of('some', *Scope)}"}
    assert Browser().get(LIST, headers=headers).status_code == 302
    assert Browser().post(NOTE, headers=headers).status_code == 302


def test_it_says_what_the_task_is(auditor: User) -> None:
    found()
    found(2, task_type=7, action_type=None, items=None, space="", status="")
    page = shown(auditor)
    for words in ("Delete for good", "a-space", ">3<", "completed when found", "taskType 7, actionType –", "not told"):
        assert words in page


def test_what_a_stranger_wrote_is_shown_as_text(auditor: User) -> None:
    found(space="<script>alert(1)</script>")
    assert "<script>alert" not in shown(auditor)


def test_an_empty_page_teaches_what_it_is_for(auditor: User) -> None:
    page = shown(auditor)
    assert "None was found." in page
    assert "Every night the portal reads KooDrive's own list of tasks" in page
    assert "not compared with the submissions yet" in page
    assert "None is without a note." in shown(auditor, f"{LIST}?noted=no")


def test_it_tells_how_the_last_comparison_went(auditor: User, sandbox: Sandbox, client: Client) -> None:
    sandbox.faults.add(Fault(Kind.RESET, call="list"))
    reconciling.compare(client=client, by=SWEEPER)
    page = shown(auditor)
    assert "never compared in full yet" in page
    assert "list of tasks can&#x27;t be read" in page
    result = reconciling.compare(client=client, by=SWEEPER)
    page = shown(auditor)
    assert f">{result.until:%Y-%m-%d %H:%M:%S} UTC</time>" in page
    assert "alert-warning" not in page
    sandbox.faults.add(Fault(Kind.RESET, call="list"))
    reconciling.compare(client=client, by=SWEEPER)
    page = shown(auditor)
    assert f">{result.until:%Y-%m-%d %H:%M:%S} UTC</time>" in page
    assert "is not in full" in page


def test_pages_hold_together_newest_first(database: None) -> None:
    found(9, found_at=timezone.now() - timedelta(days=1))
    for number in (1, 2):
        found(number)
    together = timezone.now()
    for number in (3, 4, 5, 6):
        found(number, found_at=together)
    seen, cursor = [], ""
    while True:
        page = foreign.page(cursor=cursor, limit=3)
        seen.append([int(row.pk) % 10 for row in page.rows])
        if page.older is None:
            break
        cursor = page.older
    assert seen == [[6, 5, 4], [3, 2, 1], [9]]


def test_the_page_leads_to_older_ones(auditor: User) -> None:
    ForeignTask.objects.bulk_create(
        [ForeignTask(task_id=str(1309243162258308000 + number), task_type=1) for number in range(60)]
    )
    browser = browser_of(auditor)
    first = browser.get(f"{LIST}?noted=no")
    assert len(first.context["tasks"]) == 50
    second = browser.get(LIST + first.context["older"])
    assert (len(second.context["tasks"]), second.context["older"], second.context["unnoted"]) == (10, None, True)
    assert "Newest" in second.content.decode()


@pytest.mark.parametrize("cursor", ["x", "2026-01-01_1", "2026-01-01T00:00:00Z_x", "2026-01-01T00:00:00Z", "_", "\0"])
def test_a_cursor_of_somebody_elses_is_refused(auditor: User, cursor: str) -> None:
    assert browser_of(auditor).get(LIST, {"cursor": cursor}).status_code == 400


# --- A note ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", EVERYBODY, indirect=True)
def test_who_notes_what_it_is(person: User, request: pytest.FixtureRequest) -> None:
    task = found()
    may = request.node.callspec.params["person"] in NOTES
    assert note(person, task, "  The migration of team B  ").status_code == (200 if may else 403)
    task.refresh_from_db()
    assert (task.noted_by, task.note) == ((person, "The migration of team B") if may else (None, ""))
    if may:
        told = newest_event("tasks.noted")
        assert (told["task"], told["note"], told["actor"]["id"]) == (task.pk, task.note, f"person:{person.pk}")
        assert person.username in shown(person)
    else:
        assert newest_event("permission.denied")["to"] == "note a foreign task"


@pytest.mark.parametrize("text", ["", "  ", "a\u202eb", "x" * 1001])
def test_a_note_says_something(operator: User, text: str) -> None:
    task = found()
    page = note(operator, task, text).content.decode()
    assert "alert-danger" in page
    task.refresh_from_db()
    assert task.noted_by is None


def test_the_first_note_stays(operator: User, administrator: User) -> None:
    task = found()
    note(operator, task, "first")
    assert "has noted this task already" in note(administrator, task, "second").content.decode()
    task.refresh_from_db()
    assert (task.note, task.noted_by) == ("first", operator)


@pytest.mark.parametrize("task_id", ["17", "x", "", "\0", "9" * 40])
def test_a_task_that_is_not_there_gets_no_note(operator: User, task_id: str) -> None:
    with pytest.raises(NotFound):
        foreign.note(task_id, text="who", by=acting(operator))
    assert browser_of(operator).post(NOTE, {"taskId": task_id, "note": "who"}).status_code == 404


def test_without_the_trail_there_is_no_note(operator: User) -> None:
    task = found()
    with without_the_trail():
        assert browser_of(operator).post(NOTE, {"taskId": task.pk, "note": "who"}).status_code == 503
    task.refresh_from_db()
    assert task.noted_by is None


def test_those_with_a_note_can_be_left_out(operator: User, auditor: User) -> None:
    done, left = found(1), found(2)
    note(operator, done)
    assert done.pk in shown(auditor)
    page = shown(auditor, f"{LIST}?noted=no")
    assert (done.pk in page, left.pk in page) == (False, True)


# --- Where else it shows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", EVERYBODY, indirect=True)
def test_home_and_health_tell_those_who_may_see_it(
    person: User, operator: User, broker: Broker, request: pytest.FixtureRequest
) -> None:
    task, name = found(), request.node.callspec.params["person"]
    audit.record(Action.TASKS_COMPARED, by=COMMAND_LINE, until="2026-11-24T00:00:00Z")
    for _ in range(2):
        is_told = name in SEES and not ForeignTask.objects.filter(pk=task.pk).exclude(noted_by=None).exists()
        assert (f'href="{LIST}?noted=no"' in shown(person, "/")) == is_told
        if name != "stranger":
            health = shown(person, "/health/")
            assert (f'<a href="{LIST}">{SIGN}</a>' in health) == (name in SEES)
            assert ("nobody has noted why: 1." in health) == is_told
        note(operator, task)


def test_readiness_does_not_depend_on_it(database: None) -> None:
    before = Browser().get("/readyz").json()["reasons"]
    found()
    assert Browser().get("/readyz").json()["reasons"] == before
    assert not any("did not send" in reason or "due every night" in reason for reason in before)


def test_administrators_are_told_of_new_ones_once(
    administrator: User, operator: User, sandbox: Sandbox, client: Client
) -> None:
    listen()
    task_id = made_outside(sandbox, client)
    for _ in range(2):
        reconciling.compare(client=client, by=SWEEPER)
        work()
    assert (told(administrator), told(operator)) == ([("foreign_tasks", 1)], [])
    assert task_id in said_by.of(Notice.objects.get())[0].text


# --- At once, and every night ----------------------------------------------------------------------------------------


@pytest.fixture
def connected(sandbox: Sandbox, settings: Any) -> Sandbox:
    settings.KOODRIVE_BASE_URL, settings.KOODRIVE_TOKEN, settings.KOODRIVE_AUTH = sandbox.url, TOKEN, "bearer"
    settings.KOODRIVE_CONNECT_TIMEOUT = settings.KOODRIVE_READ_TIMEOUT = 1.0
    connection.adopt_environment()
    return sandbox


def test_the_command_says_what_it_found(connected: Sandbox, client: Client) -> None:
    made_outside(connected, client)
    out = io.StringIO()
    call_command("compare_tasks", stdout=out)
    assert "1 tasks seen in KooDrive, 1 of them not sent by the portal, 1 new" in out.getvalue()
    assert out.getvalue().count("\n") == 1
    assert newest_event("tasks.compared")["actor"]["id"] == "system:command-line"


def test_the_command_ends_with_an_error_when_it_cannot(connected: Sandbox) -> None:
    connected.stop()
    with pytest.raises(CommandError, match="can't be read"):
        call_command("compare_tasks")
    connected.start()
    with without_the_trail(), pytest.raises(CommandError, match="audit trail can't be written"):
        call_command("compare_tasks")


def test_the_night_does_it_by_itself(connected: Sandbox, client: Client, settings: Any) -> None:
    made_outside(connected, client)
    assert settings.CELERY_BEAT_SCHEDULE["compare_tasks"]["task"] == tasks.compare_tasks.name
    tasks.compare_tasks()
    told = newest_event("tasks.compared")
    assert (told["new"], told["actor"]["id"], told["channel"]) == (1, "system:sweep", "beat")
    assert not Submission.objects.exists()
