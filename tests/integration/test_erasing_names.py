"""A name can be erased, everywhere and for good, and what was recorded stays proved."""

import io
import json
import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client

from jobs_app import audit, people, submissions
from jobs_app.actors import COMMAND_LINE, Role
from jobs_app.audit import Action, export, keys, read, seal, verifier, verify
from jobs_app.errors import AlreadyErased, AuditUnavailable, Invalid, LastAdministrator, PortalError
from jobs_app.models import Event, Submission, User
from tests.conftest import PASSWORD, Api, make_person
from tests.doors import newest_event, operator_actor, past_the_guards
from tests.examples import body
from tests.processes import ROOT, address

NAME = "Zuzanna.Erasable"
REASON = "request 2026/11 of the data protection officer"

pytestmark = pytest.mark.usefixtures("empty_trail")


@pytest.fixture
def person(empty_trail: None) -> User:
    """Somebody with a history: signed in, and with a submission."""
    made = people.create_person(NAME, PASSWORD, roles=[Role.OPERATOR], email="zuzanna@example.com", by=COMMAND_LINE)
    submissions.submit(body("copy"), by=operator_actor(made))
    return made


def erase(person: str, reason: str = REASON) -> str:
    said = io.StringIO()
    call_command("erase_name", person, "--reason", reason, stderr=said)
    return said.getvalue()


def stored_names() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT actor, salt, name, hash FROM audit.actor_name")
        return cursor.fetchall()


def members(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


@pytest.mark.parametrize("by_id", [True, False])
def test_the_name_is_gone_from_trail_and_row_and_the_event_says_so(person: User, by_id: bool) -> None:
    hashes = {row[3] for row in stored_names() if row[0] == f"person:{person.pk}"}
    assert "no name any more" in erase(f"person:{person.pk}" if by_id else NAME)
    assert {row for row in stored_names() if row[0] == f"person:{person.pk}"} == {
        (f"person:{person.pk}", None, None, each) for each in hashes
    }
    person.refresh_from_db()
    assert (person.username, person.first_name, person.last_name, person.email, person.is_active) == (
        f"erased-{person.pk}",
        "",
        "",
        "",
        False,
    )
    assert not person.has_usable_password()
    event = newest_event("name.erased")
    assert (event["person"], event["reason"], event["channel"]) == (f"person:{person.pk}", REASON, "cli")
    assert json.loads(Event.objects.latest("seq").line)["db"] == connections["owner"].settings_dict["USER"]


def test_the_person_is_signed_out_and_stays_out(person: User) -> None:
    client = Client()
    client.post("/sign-in/", {"username": NAME, "password": PASSWORD})
    assert client.get("/submissions/").status_code == 200
    erase(NAME)
    assert client.get("/submissions/").status_code == 302
    assert client.get("/api/v1/me/").status_code == 401
    for name in (NAME, f"erased-{person.pk}"):
        assert Client().post("/sign-in/", {"username": name, "password": PASSWORD}).status_code == 200


def test_what_was_recorded_stays_proved_and_the_name_is_in_no_new_archive(
    person: User, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    seal.seal_all(key)
    before, after = tmp_path / "before.zip", tmp_path / "after.zip"
    export.write(before)
    assert NAME.encode() in members(before)
    erase(NAME)
    seal.seal_all(key)
    assert verifier.check_archive(str(before), keys.public()).seals == 1
    assert verify.live(by=COMMAND_LINE).seals == 2
    export.write(after)
    assert verifier.check_archive(str(after), keys.public()).seals == 2
    assert NAME.encode() not in members(after)
    assert b"zuzanna" not in members(after).lower()
    assert not [row for row in stored_names() if NAME in map(str, row)]
    assert not User.objects.filter(username=NAME).exists()


def test_whoever_reads_is_shown_the_id(person: User, auditor: User) -> None:
    [row] = Submission.objects.all()
    browser = Client()
    browser.force_login(auditor)
    assert NAME in browser.get(f"/submissions/{row.pk}/").text
    erase(NAME)
    assert read.names([f"person:{person.pk}"]) == {}
    page = browser.get(f"/submissions/{row.pk}/").text
    assert NAME not in page
    assert f"person:{person.pk}" in page
    api = Api(person=auditor)
    shown = api.get(f"submissions/{row.pk}/").json()["createdBy"]
    assert shown == {"kind": "person", "id": f"person:{person.pk}", "name": f"erased-{person.pk}"}
    assert api.get(f"submissions/{row.pk}/events/").status_code == 200
    assert browser.get("/submissions/").status_code == 200


# --- Never again -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("forgets", [True, False])
def test_a_request_that_still_knows_the_name_does_not_bring_it_back(
    person: User, monkeypatch: pytest.MonkeyPatch, forgets: bool
) -> None:
    late = operator_actor(person)
    erase(NAME)
    if forgets:
        monkeypatch.setattr(sys.modules["jobs_app.audit.record"], "_known_hashes", {})
    receipt = audit.record(Action.SESSION_ENDED, by=late)
    said = json.loads(Event.objects.get(seq=receipt.seq).line)["event"]["actor"]
    assert said["name"] in {row[3] for row in stored_names() if row[0] == f"person:{person.pk}"}
    assert not [row for row in stored_names() if row[2] == NAME]


def test_somebody_who_never_acted_gets_no_name_afterwards_either(empty_trail: None) -> None:
    quiet = make_person("quiet.person")
    erase("quiet.person")
    audit.record(Action.SESSION_STARTED, by=operator_actor(User(pk=quiet.pk, username="quiet.person")))
    assert not [row for row in stored_names() if row[2] == "quiet.person"]


def test_a_name_that_is_being_stored_while_it_is_erased_is_not_kept(person: User) -> None:
    quick = make_person("quick.person")

    def act() -> None:
        try:
            audit.record(Action.SESSION_STARTED, by=operator_actor(quick))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool, connections["owner"].cursor() as cursor:
        with transaction.atomic(using="owner"):
            people.erase_name(quick, reason=REASON, by=COMMAND_LINE)
            acting = pool.submit(act)
            while not acting.done():
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone()[0]:
                    break
        acting.result()
    assert not [row for row in stored_names() if row[2] == "quick.person"]


def test_a_new_person_of_the_same_name_is_another_one(person: User) -> None:
    erase(NAME)
    other = make_person(NAME, Role.OPERATOR)
    audit.record(Action.SESSION_STARTED, by=operator_actor(other))
    assert read.names([f"person:{person.pk}", f"person:{other.pk}"]) == {f"person:{other.pk}": NAME}


@pytest.mark.parametrize("name", ["erased-7", "Erased-12"])
def test_nobody_is_called_like_somebody_erased(name: str) -> None:
    with pytest.raises(Invalid):
        make_person(name)


# --- What is refused -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["nobody", "person:0", "system:command-line"])
def test_an_unknown_person_is_named(person: User, who: str) -> None:
    with pytest.raises(CommandError, match="There is nobody called"):
        erase(who)


def test_nobody_is_erased_twice(person: User) -> None:
    erase(NAME)
    count = Event.objects.count()
    for who in (f"person:{person.pk}", f"erased-{person.pk}"):
        with pytest.raises(CommandError, match="erased already"):
            erase(who)
    with pytest.raises(CommandError, match="nobody called"):
        erase(NAME)
    with pytest.raises(AlreadyErased):
        people.change_password(User.objects.get(pk=person.pk), PASSWORD, by=COMMAND_LINE)
    assert Event.objects.count() == count


def test_the_last_administrator_stays(person: User, administrator: User) -> None:
    with pytest.raises(CommandError, match="Nobody else is an administrator"):
        erase("adele")
    administrator.refresh_from_db()
    assert (administrator.username, administrator.is_active) == ("adele", True)
    idle = make_person("idle", Role.ADMINISTRATOR)
    User.objects.filter(pk=idle.pk).update(is_active=False)
    with pytest.raises(CommandError, match="Nobody else is an administrator"):
        erase("adele")
    make_person("next", Role.ADMINISTRATOR)
    erase("adele")
    assert not User.objects.filter(username="adele").exists()


def test_two_administrators_do_not_erase_each_other_at_once(person: User, administrator: User) -> None:
    both = [administrator, make_person("next", Role.ADMINISTRATOR)]

    def attempt(each: User) -> str:
        try:
            people.erase_name(each, reason=REASON, by=COMMAND_LINE)
        except PortalError as error:
            return type(error).__name__
        finally:
            connections.close_all()
        return "erased"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, both)) == [LastAdministrator.__name__, "erased"]


@pytest.mark.parametrize("reason", ["", "  ", f"{NAME} asked", f"({NAME.lower()})", "mail from zuzanna@example.com"])
def test_the_reason_must_be_there_and_must_not_hold_the_name(person: User, reason: str) -> None:
    with pytest.raises(CommandError):
        erase(NAME, reason)
    assert [row for row in stored_names() if row[2] == NAME]
    assert User.objects.filter(username=NAME, is_active=True).exists()


def test_without_the_trail_the_name_stays(person: User) -> None:
    rename = "ALTER FUNCTION audit.{}(text[]) RENAME TO {}"
    past_the_guards(rename.format("record", "away"))
    try:
        with pytest.raises(AuditUnavailable):
            people.erase_name(person, reason=REASON, by=COMMAND_LINE)
    finally:
        past_the_guards(rename.format("away", "record"))
    assert [row for row in stored_names() if row[2] == NAME]
    assert User.objects.get(pk=person.pk).username == NAME


@pytest.mark.parametrize(
    "statement", ["UPDATE audit.actor_name SET name = NULL, salt = NULL", "DELETE FROM audit.actor_name"]
)
def test_the_applications_role_still_may_not(person: User, statement: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)


def test_without_the_owners_address_the_command_says_what_to_set(person: User) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DATABASE_")}
    environment |= {"DATABASE_URL": address("default"), "PORTAL_DATA_DIR": str(settings.DATA_DIR)}
    command = [sys.executable, "manage.py", "erase_name", NAME, "--reason", REASON]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "DATABASE_OWNER_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert [row for row in stored_names() if row[2] == NAME]
