"""What a real worker does at night: it finds what was made past the portal."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from jobs_app import tasks
from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.models import ForeignTask
from tests.doors import newest_event
from tests.outside import begin_anew, many_made_outside
from tests.processes import Processes, eventually


@pytest.fixture(autouse=True)
def old_trail(database: None) -> Iterator[None]:
    begin_anew(timedelta(days=1))
    yield
    begin_anew(timedelta())


def test_the_worker_finds_what_was_made_past_the_portal(running: Processes, sandbox: Sandbox) -> None:
    made = many_made_outside(sandbox, 3)
    tasks.compare_tasks.delay()
    eventually(lambda: ForeignTask.objects.exists(), what="foreign tasks are found")
    assert sorted(ForeignTask.objects.values_list("pk", flat=True)) == sorted(made)
    told = newest_event("tasks.compared")
    assert (told["outcome"], told["new"], told["channel"]) == ("ok", 3, "beat")
