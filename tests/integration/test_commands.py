"""The commands that make people and tokens."""

import io

import pytest
from django.core.management import CommandError, call_command

from jobs_app.models import ApiToken, Event, RoleGrant, Service, User
from tests.conftest import Api
from tests.doors import newest_event

pytestmark = pytest.mark.usefixtures("database")


def create_user(monkeypatch: pytest.MonkeyPatch, password: str, *arguments: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    call_command("create_user", *arguments, stderr=io.StringIO())


def test_a_person_is_made_with_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    create_user(monkeypatch, "a long enough phrase", "mia", "--role", "operator", "--role", "auditor")
    mia = User.objects.get(username="mia")
    assert mia.check_password("a long enough phrase")
    assert mia.current_roles() == {"operator", "auditor"}
    assert not mia.is_superuser
    assert '"person.created"' in Event.objects.latest("seq").line


@pytest.mark.parametrize(("name", "password"), [("mia", "short"), ("mia", ""), ("a b", "a long enough phrase")])
def test_a_bad_name_or_password_makes_nobody(monkeypatch: pytest.MonkeyPatch, name: str, password: str) -> None:
    with pytest.raises(CommandError):
        create_user(monkeypatch, password, name, "--role", "operator")
    assert not User.objects.exists()
    assert not RoleGrant.objects.exists()


def test_a_name_that_is_taken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    create_user(monkeypatch, "a long enough phrase", "mia", "--role", "operator")
    with pytest.raises(CommandError, match="already exists"):
        create_user(monkeypatch, "another long phrase", "mia", "--role", "auditor")


def test_a_token_is_printed_once_and_only_its_hash_is_kept() -> None:
    out = io.StringIO()
    call_command("create_token", "payroll", "--scope", "submissions:read", stdout=out)
    secret = out.getvalue().strip()
    assert secret.startswith("kdp_")
    assert Api(token=secret).get("me/").json()["name"] == "payroll"
    token = ApiToken.objects.get()
    assert secret not in str(vars(token))
    assert not Event.objects.filter(line__contains=secret).exists()


def test_a_second_token_belongs_to_the_same_service() -> None:
    for _ in range(2):
        call_command("create_token", "payroll", "--scope", "submissions:write", stdout=io.StringIO())
    assert (Service.objects.count(), ApiToken.objects.count()) == (1, 2)


@pytest.mark.parametrize("days", ["0", "-1", "366"])
def test_a_token_has_an_end_within_a_year(days: str) -> None:
    with pytest.raises(CommandError, match="between 1 and 365"):
        call_command("create_token", "payroll", "--scope", "submissions:read", "--days", days)
    assert not ApiToken.objects.exists()


def test_the_owner_of_a_new_service_is_named(operator: User) -> None:
    call_command("create_token", "payroll", "--scope", "submissions:read", "--owner", "olga", stdout=io.StringIO())
    assert Service.objects.get().owner == operator
    event = newest_event("service.created")
    assert event["after"]["owner"] == f"person:{operator.pk}"
    call_command("create_token", "payroll", "--scope", "submissions:read", "--owner", "olga", stdout=io.StringIO())
    assert ApiToken.objects.count() == 2


def test_an_owner_who_is_nobody_or_another_one_is_refused(operator: User, approver: User) -> None:
    with pytest.raises(CommandError, match="Nobody who may sign in is called nina"):
        call_command("create_token", "payroll", "--scope", "submissions:read", "--owner", "nina")
    User.objects.filter(pk=approver.pk).update(is_active=False)
    with pytest.raises(CommandError, match="Nobody who may sign in is called anton"):
        call_command("create_token", "payroll", "--scope", "submissions:read", "--owner", "anton")
    call_command("create_token", "payroll", "--scope", "submissions:read", stdout=io.StringIO())
    with pytest.raises(CommandError, match="has another owner"):
        call_command("create_token", "payroll", "--scope", "submissions:read", "--owner", "olga")
    assert ApiToken.objects.count() == 1


def test_a_token_is_revoked_by_its_number() -> None:
    out = io.StringIO()
    call_command("create_token", "payroll", "--scope", "submissions:read", stdout=out)
    number = str(ApiToken.objects.get().pk)
    with pytest.raises(CommandError, match="Say why"):
        call_command("revoke_token", number, "--reason", " ")
    call_command("revoke_token", number, "--reason", "leaked", stderr=io.StringIO())
    assert Api(token=out.getvalue().strip()).get("me/").status_code == 401
    event = newest_event("token.revoked")
    assert (event["reason"], event["channel"]) == ("leaked", "cli")
    with pytest.raises(CommandError, match="has ended or was revoked"):
        call_command("revoke_token", number, "--reason", "again")


def test_a_number_that_is_no_token_is_said_so() -> None:
    with pytest.raises(CommandError, match="There is no token 4711"):
        call_command("revoke_token", "4711", "--reason", "leaked")
