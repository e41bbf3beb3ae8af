"""A KooDrive to play with, in real time, and a client of it; files that need another one have their own."""

from collections.abc import Iterator

import pytest

from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Sandbox
from tests.integration.test_dispatch import TOKEN, client_of


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(port=0, token=TOKEN) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    return client_of(sandbox)
