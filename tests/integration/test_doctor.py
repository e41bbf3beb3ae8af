"""``manage.py doctor``: what it says of every part, and what KooDrive's own list settles."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from jobs_app import policymaking, probing
from jobs_app.actors import Role
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import User
from tests.conftest import make_person
from tests.doors import client_of
from tests.doors import operator_actor as acting
from tests.following import send_as
from tests.integration.test_health import well
from tests.servers import Broker

__all__ = ["well"]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(port=0, token="sandbox-token") as running:
        yield running


def doctor() -> tuple[str, str]:
    """What it printed, and the sentence with which it failed."""
    said, failed = io.StringIO(), ""
    try:
        call_command("doctor", stdout=said, stderr=io.StringIO())
    except CommandError as error:
        failed = str(error)
    return said.getvalue(), failed


def test_all_is_well(well: None, administrator: User, approver: User) -> None:
    make_person("arthur", Role.ADMINISTRATOR)
    policymaking.end_set_up(reason="the rules are right", by=acting(administrator))
    said, failed = doctor()
    assert failed == "", said
    assert "✕" not in said
    for part in ("Database and audit trail", "Broker", "Worker", "Sealer", "People", "Mail"):
        assert f"✓ {part}: " in said


def test_what_is_to_be_mended_is_said(well: None, administrator: User, broker: Broker, settings: Any) -> None:
    settings.HAS_MAIL = False
    broker.kill()
    said, failed = doctor()
    assert failed.startswith("Parts that need something: 4 of ")
    for part in ("Broker", "People", "Policy", "Mail"):
        assert f"✕ {part}: " in said
    assert "set PORTAL_MAIL_URL" in said


def test_koodrives_list_settles_unknowns(operator: User, sandbox: Sandbox, settings: Any) -> None:
    settings.KOODRIVE_BASE_URL = sandbox.url
    send = send_as(operator, client_of(sandbox))
    few = {sign.name: sign for sign in probing.probe(client_of(sandbox))}
    assert few["KOODRIVE_OFFSET_BASE"].value.startswith("can't be told")
    for name in "abc":
        send(f"F{name}0000000000000000000000000000000")
    found = {sign.name: sign for sign in probing.probe(client_of(sandbox))}
    assert [sign.trouble for sign in found.values()] == [""] * 6
    assert found["KOODRIVE_OFFSET_BASE"].value.startswith("0: settled")
    assert found["KOODRIVE_TIME_ZONE"].value.startswith("UTC+8 h: settled")
    assert "Clock" in found
    settings.KOODRIVE_TIME_ZONE = "UTC"
    wrong = {sign.name: sign.trouble for sign in probing.probe(client_of(sandbox, offset_base=1))}
    assert wrong["KOODRIVE_OFFSET_BASE"] == "It is 1; set it to 0."
    assert wrong["KOODRIVE_TIME_ZONE"].startswith("It is UTC; set it")


def test_refused_credentials_are_said(database: None, sandbox: Sandbox) -> None:
    [sign] = probing.probe(client_of(sandbox, "another"))
    assert (sign.name, bool(sign.trouble)) == ("KooDrive", True)
