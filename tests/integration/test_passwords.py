"""Another password is an event and ends every session; Django's own commands don't go past the trail."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from jobs_app import people
from jobs_app.actors import COMMAND_LINE
from jobs_app.errors import AuditUnavailable, Invalid
from jobs_app.models import Event, User
from tests.conftest import PASSWORD
from tests.doors import newest_event, without_the_trail

pytestmark = pytest.mark.usefixtures("database")

NEW = "another long enough phrase"


def change_password(monkeypatch: pytest.MonkeyPatch, person: str, password: str = NEW) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    said = io.StringIO()
    call_command("changepassword", person, stderr=said)
    return said.getvalue()


def signed_in(person: User) -> Client:
    client = Client()
    assert client.post("/sign-in/", {"username": person.username, "password": PASSWORD}).status_code == 302
    return client


def may_look(client: Client) -> bool:
    return bool(client.get("/submissions/").status_code == 200)


def test_another_password_ends_all_sessions_of_that_person_alone(operator: User, approver: User) -> None:
    one, two, other = signed_in(operator), signed_in(operator), signed_in(approver)
    assert may_look(one)
    assert may_look(two)
    people.change_password(operator, NEW, by=COMMAND_LINE)
    assert not may_look(one)
    assert not may_look(two)
    assert one.get("/api/v1/me/").status_code == 401
    assert may_look(other)
    assert Client().post("/sign-in/", {"username": "olga", "password": PASSWORD}).status_code == 200
    assert Client().post("/sign-in/", {"username": "olga", "password": NEW}).status_code == 302


@pytest.mark.parametrize("by_id", [True, False])
def test_the_command_goes_through_the_trail(monkeypatch: pytest.MonkeyPatch, operator: User, by_id: bool) -> None:
    assert "olga has another password" in change_password(monkeypatch, f"person:{operator.pk}" if by_id else "olga")
    event = newest_event("password.changed")
    assert (event["person"], event["actor"]["id"], event["channel"]) == (
        f"person:{operator.pk}",
        "system:command-line",
        "cli",
    )
    assert not Event.objects.filter(line__contains=NEW).exists()
    operator.refresh_from_db()
    assert operator.check_password(NEW)


@pytest.mark.parametrize("password", ["short", "", "12345678901"])
def test_a_weak_password_changes_nothing(monkeypatch: pytest.MonkeyPatch, operator: User, password: str) -> None:
    count = Event.objects.count()
    with pytest.raises(CommandError):
        change_password(monkeypatch, "olga", password)
    with pytest.raises(Invalid):
        people.change_password(operator, password, by=COMMAND_LINE)
    operator.refresh_from_db()
    assert operator.check_password(PASSWORD)
    assert Event.objects.count() == count


@pytest.mark.parametrize(
    "person", ["nobody", "person:0", "person:99999999999999999999", "person:", "person:x", "o\u0142ga"]
)
def test_an_unknown_person_is_named(monkeypatch: pytest.MonkeyPatch, operator: User, person: str) -> None:
    with pytest.raises(CommandError, match="There is nobody called"):
        change_password(monkeypatch, person)


def test_without_the_trail_the_old_password_stays(operator: User) -> None:
    with without_the_trail(), pytest.raises(AuditUnavailable):
        people.change_password(operator, NEW, by=COMMAND_LINE)
    operator.refresh_from_db()
    assert operator.check_password(PASSWORD)


def test_without_the_trail_the_command_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch, operator: User) -> None:
    with without_the_trail(), pytest.raises(CommandError, match="audit trail can't be written"):
        change_password(monkeypatch, "olga")


@pytest.mark.parametrize(
    ("command", "arguments", "options", "instead"),
    [
        ("createsuperuser", [], {"interactive": False, "username": "eve", "email": "eve@example.com"}, "create_user"),
        ("createsuperuser", [], {"database": "owner", "interactive": False, "username": "eve"}, "create_user"),
        ("loaddata", ["people.json"], {}, "create_user"),
        ("flush", [], {"interactive": False}, "empty database"),
        ("flush", [], {"interactive": False, "database": "owner"}, "empty database"),
    ],
)
def test_what_would_go_past_the_trail_is_refused(
    operator: User, command: str, arguments: list[str], options: dict[str, Any], instead: str
) -> None:
    with pytest.raises(CommandError, match=instead) as refused:
        call_command(command, *arguments, **options)
    assert "past the audit trail" in str(refused.value)
    assert list(User.objects.values_list("username", flat=True)) == ["olga"]


def test_rows_of_a_file_are_not_loaded(operator: User, tmp_path: Path) -> None:
    rows = tmp_path / "people.json"
    rows.write_text('[{"model": "jobs_app.user", "pk": 4711, "fields": {"username": "eve", "password": "x"}}]')
    with pytest.raises(CommandError):
        call_command("loaddata", str(rows))
    assert not User.objects.filter(username="eve").exists()
