"""What the tests of following a task share: a sandbox whose clock a test moves, and a way to send to it."""

from collections.abc import Iterator

import pytest

from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import User
from tests.doors import client_of
from tests.following import TOKEN, Send, send_as


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(port=0, token=TOKEN) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    return client_of(sandbox)


@pytest.fixture
def send(operator: User, client: Client) -> Send:
    """Submits these files as the operator and sends them: KooDrive has the task then."""
    return send_as(operator, client)
