"""What the tests of following a task share: a sandbox whose clock a test moves, and a way to send to it."""

import io
import logging
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import redis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from jobs_app import audit, meters, submissions
from jobs_app.actors import SWEEPER
from jobs_app.audit import Action, keys
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import Submission, User
from portal import logs
from tests.callbacks import Subscriber
from tests.doors import client_of, empty_the_trail
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.following import TOKEN, Send, send_as
from tests.notices import listen
from tests.processes import eventually
from tests.receiver import Receiver, receiving
from tests.servers import Broker


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


@pytest.fixture
def deletion(operator: User) -> Submission:
    """It waits for its approval."""
    return submissions.submit(body("delete"), by=acting(operator))


@pytest.fixture
def counting_anew(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """What earlier tests have counted for ``/metrics`` is forgotten, and isn't handed on later."""

    def is_handed_on() -> bool:
        meters.hand_on()
        return not (meters._counts or meters._noted)

    monkeypatch.setattr(meters, "_silent_until", 0.0)
    eventually(is_handed_on, what="what earlier tests have counted is handed on")
    redis.Redis.from_url(settings.REDIS_URL).delete("meters")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the log gets of the trail from now on, through the formatter of the settings."""
    events, stream = logging.getLogger(logs.EVENTS), io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(events.handlers[0].formatter)
    events.addHandler(handler)
    yield stream
    events.removeHandler(handler)


@pytest.fixture
def empty_trail(database: None) -> Iterator[None]:
    """A trail that begins and ends with the test; only the owner can, by taking the guards away."""
    empty_the_trail()
    yield
    empty_the_trail()


@pytest.fixture
def key() -> Ed25519PrivateKey:
    """The sealer's."""
    return keys.private()


@pytest.fixture
def loopback_allowed(settings: Any) -> None:
    """Notices may go to this machine, where tests have their receivers."""
    settings.CALLBACK_HOSTS, settings.CALLBACK_NETWORKS = frozenset(), (ip_network("127.0.0.0/8"),)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def payroll(database: None, loopback_allowed: None, receiver: Receiver) -> Subscriber:
    return Subscriber(receiver)


@pytest.fixture
def told_from_now_on(
    operator: User, approver: User, auditor: User, administrator: User, stranger: User, settings: Any
) -> None:
    """Everybody is there, which is told to nobody; what happens from now on is."""
    settings.HAS_MAIL = True
    listen()


@pytest.fixture
def mended(database: None) -> Iterator[None]:
    """The trail outlives the test, and must not stay broken in it."""
    yield
    audit.record(Action.TRAIL_VERIFIED, by=SWEEPER, sealedUpToSeq=1)
