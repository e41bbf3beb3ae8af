"""Functional tests: real worker and beat processes, a real broker, and the sandbox over real HTTP."""

from collections.abc import Iterator

import pytest

from jobs_app.koodrive.sandbox import Sandbox
from tests.processes import SPEED, TOKEN, Processes
from tests.servers import Broker


@pytest.fixture(scope="module")
def running(migrated: None, one_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """A worker, a beat and a sandbox that the tests of a module share."""
    one_broker.start()
    with Sandbox(port=0, token=TOKEN, speed=SPEED) as sandbox:
        processes = Processes(tmp_path_factory.mktemp("logs"), sandbox)
        processes.worker()
        processes.beat()
        yield processes
        processes.stop()


@pytest.fixture
def sandbox(running: Processes) -> Sandbox:
    """The sandbox, with nothing received and no fault."""
    running.sandbox.reset()
    return running.sandbox
