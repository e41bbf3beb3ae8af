"""What tests share: a migrated database, emptied after each of them, people, services, and callers of the API."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import Client

from jobs_app import people, quotas
from jobs_app.actors import COMMAND_LINE, SUBMISSION_SCOPES, Role, Scope
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import RoleGrant, User
from tests.processes import SPEED, TOKEN, Processes
from tests.servers import Broker

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session")
def migrated(servers: None, django_db_blocker: Any) -> None:
    """The test database, brought up to date by its owner; never a database with another kind of name."""
    names = {database["NAME"] for database in settings.DATABASES.values()}
    assert all(name.startswith("test_") for name in names), f"not a test database: {names}"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)


@pytest.fixture
def database(migrated: None, django_db_blocker: Any) -> Iterator[None]:
    """The database with real transactions. Rows are gone afterwards; the trail stays, as it has to."""
    with django_db_blocker.unblock():
        yield
        with connections["owner"].cursor() as cursor:
            tables = [
                table
                for table in connections["owner"].introspection.table_names(cursor)
                if table.startswith("jobs_app_") or table in ("django_session", "django_admin_log")
            ]
            cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
        quotas.shared.cache_clear()  # with what this process counted while there was no Redis
        for connection in connections.all(initialized_only=True):
            connection.close()


def make_person(name: str, *roles: Role) -> User:
    return people.create_person(name, PASSWORD, roles=roles, by=COMMAND_LINE)


def give_role(person: User, role: Role) -> None:
    """As from the command line: the database's owner needs no second administrator."""
    RoleGrant.objects.using("owner").create(person_id=person.pk, role=role)


@pytest.fixture
def operator(database: None) -> User:
    return make_person("olga", Role.OPERATOR)


@pytest.fixture
def approver(database: None) -> User:
    return make_person("anton", Role.APPROVER)


@pytest.fixture
def auditor(database: None) -> User:
    return make_person("aurora", Role.AUDITOR)


@pytest.fixture
def administrator(database: None) -> User:
    return make_person("adele", Role.ADMINISTRATOR)


@pytest.fixture
def second(administrator: User) -> User:
    """Another administrator, for what takes two."""
    return make_person("arthur", Role.ADMINISTRATOR)


@pytest.fixture
def stranger(database: None) -> User:
    """Somebody who may sign in and has no role."""
    return make_person("stefan")


class Api:
    """Calls the REST API as a service (by token) or as a signed-in person."""

    def __init__(self, *, token: str = "", person: User | None = None) -> None:
        self._client = Client(raise_request_exception=False)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        if person:
            self._client.force_login(person)

    def get(self, path: str, **parameters: Any) -> Any:
        return self._client.get(f"/api/v1/{path}", parameters, headers=self._headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self._client.post(
            f"/api/v1/{path}", body, content_type="application/json", headers=self._headers | headers
        )

    def put(self, path: str, body: Any) -> Any:
        return self._client.put(f"/api/v1/{path}", body, content_type="application/json", headers=self._headers)

    def delete(self, path: str) -> Any:
        return self._client.delete(f"/api/v1/{path}", headers=self._headers)


def token_of(service: str, *scopes: Scope, owner: User | None = None) -> str:
    return people.create_token(service, scopes=scopes, days=1, by=COMMAND_LINE, owner=owner)


@pytest.fixture
def service(database: None) -> Api:
    """A service with every scope of submissions."""
    return Api(token=token_of("payroll", *SUBMISSION_SCOPES))


@pytest.fixture
def environment() -> dict[str, str]:
    """Variables of the processes of ``own`` that a module replaces or adds."""
    return {}


@pytest.fixture
def own(database: None, broker: Broker, tmp_path: Path, environment: dict[str, str]) -> Iterator[Processes]:
    """A sandbox and processes of the test's own, to be started and killed by it."""
    with Sandbox(port=0, token=TOKEN, speed=SPEED) as sandbox:
        processes = Processes(tmp_path, sandbox, **environment)
        yield processes
        processes.stop()
