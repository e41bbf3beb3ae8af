"""Reading KooDrive's list whole while it moves."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs_app.koodrive import listing
from jobs_app.koodrive.answers import ReadFailed
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.credentials import Bearer
from jobs_app.koodrive.exchange import Answer
from jobs_app.koodrive.sandbox import Fault, Kind, Quirks, Sandbox
from jobs_app.koodrive.sandbox.jobs import Plan
from jobs_app.koodrive.sandbox.verify import wanted
from tests.examples import body, file_id

TOKEN = "sandbox-token"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(port=0, token=TOKEN, token_life=10**8) as running:
        yield running


class Watching(Client):
    """Does something before each page; ``vanished`` rows are no longer at the top of the list."""

    before: Callable[[int], None] = staticmethod(lambda page: None)
    pages = 0
    vanished = 0

    def list_jobs(self, *, offset: int, **rest: Any) -> Answer:
        self.before(self.pages)
        self.pages += 1
        return super().list_jobs(offset=offset + self.vanished if offset > self.offset_base else offset, **rest)


def watching(sandbox: Sandbox, **settings: Any) -> Watching:
    return Watching(base_url=sandbox.url, credentials=Bearer(TOKEN), connect_timeout=1, read_timeout=2, **settings)


def make(sandbox: Sandbox, count: int, operation: str = "copy") -> list[str]:
    document = {key: value for key, value in body(operation).items() if key != "reason"}
    made = []
    for number in range(count):
        document["taskInfo"]["fileInfo"] = [{"fileId": file_id(number)}]
        made.append(sandbox.jobs.create(wanted(document), Plan()).task_id)
    return made


def seen(found: listing.Found) -> list[str]:
    return sorted(job.task_id for job in found.jobs)


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 190, 250])
def test_every_task_is_seen_once(sandbox: Sandbox, count: int) -> None:
    made = make(sandbox, count)
    found = listing.read(watching(sandbox), task_type=None, since=LONG_AGO)
    assert seen(found) == sorted(made)
    assert (found.complete, found.is_whole) == (True, True)


def test_only_the_wanted_type_is_read(sandbox: Sandbox) -> None:
    make(sandbox, 120, "move")
    copies = make(sandbox, 3)
    client = watching(sandbox)
    assert seen(listing.read(client, task_type=1, since=LONG_AGO)) == sorted(copies)
    assert client.pages == 1


def test_offsets_may_begin_at_one(sandbox: Sandbox) -> None:
    sandbox.quirks = Quirks(offset_base=1)
    made = make(sandbox, 130)
    found = listing.read(watching(sandbox, offset_base=1), task_type=None, since=LONG_AGO)
    assert (seen(found), found.complete) == (sorted(made), True)


@pytest.mark.parametrize("arriving", [1, 9, 60, 95, 150])
def test_tasks_that_come_in_meanwhile_hide_none(sandbox: Sandbox, arriving: int) -> None:
    made = make(sandbox, 450)
    client = watching(sandbox)

    def before(page: int) -> None:
        if page in (1, 2, 3):
            make(sandbox, arriving)

    client.before = before
    found = listing.read(client, task_type=None, since=LONG_AGO)
    assert found.complete
    assert set(made) <= set(seen(found))
    assert len(seen(found)) == len(set(seen(found)))


def test_rows_that_vanish_meanwhile_are_noticed_and_the_reading_starts_over(sandbox: Sandbox) -> None:
    made = make(sandbox, 250)
    client = watching(sandbox)

    def before(page: int) -> None:
        client.vanished = 40 if page == 1 else 0

    client.before = before
    found = listing.read(client, task_type=None, since=LONG_AGO)
    assert (seen(found), found.complete) == (sorted(made), True)
    assert client.pages == 2 + 3


def test_a_list_that_never_stands_still_is_not_called_complete(sandbox: Sandbox) -> None:
    make(sandbox, 250)
    client = watching(sandbox)
    client.vanished = 40
    found = listing.read(client, task_type=None, since=LONG_AGO)
    assert not found.complete
    assert not found.covers(timezone.now())
    assert client.pages == 2 * listing.MOST_STARTS


def test_the_end_that_vanished_meanwhile_is_noticed(sandbox: Sandbox) -> None:
    make(sandbox, 105)
    client = watching(sandbox)
    client.vanished = 40
    assert not listing.read(client, task_type=None, since=LONG_AGO).complete


def test_it_stops_where_the_tasks_are_older_than_wanted(sandbox: Sandbox) -> None:
    make(sandbox, 300)
    sandbox.clock.advance(3600)
    recent = make(sandbox, 30)
    client = watching(sandbox)
    now = timezone.now()
    found = listing.read(client, task_type=None, since=now - timedelta(minutes=30))
    assert client.pages == 1
    assert set(recent) <= set(seen(found))
    assert (found.complete, found.is_whole) == (True, False)
    assert found.covers(now)
    assert not found.covers(now - timedelta(hours=2))


def test_in_another_order_it_is_read_to_its_end(sandbox: Sandbox) -> None:
    make(sandbox, 150)
    sandbox.clock.advance(3600)
    make(sandbox, 50)
    # Another task behind younger ones: the order isn't by time.
    sandbox.clock.set_back(7200)
    sandbox.jobs._last = 0
    make(sandbox, 1)
    client = watching(sandbox)
    found = listing.read(client, task_type=None, since=timezone.now())
    assert client.pages == 3
    assert (len(found.jobs), found.is_whole) == (201, True)


def test_it_ends_somewhere(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_PAGES", 3)
    make(sandbox, 400)
    client = watching(sandbox)
    found = listing.read(client, task_type=None, since=LONG_AGO)
    assert (client.pages, found.complete) == (3, False)


@pytest.mark.parametrize("fault", [Kind.RESET, Kind.GARBAGE, Kind.NO_DATA])
def test_a_page_that_cannot_be_read_is_an_error(sandbox: Sandbox, fault: Kind) -> None:
    make(sandbox, 120)
    client = watching(sandbox)
    client.before = lambda page: sandbox.faults.add(Fault(fault, call="list")) if page == 1 else None
    with pytest.raises(ReadFailed):
        listing.read(client, task_type=None, since=LONG_AGO)


@pytest.mark.parametrize("ahead", [-90, 0, 90])
def test_times_are_told_by_our_clock(sandbox: Sandbox, ahead: int) -> None:
    sandbox.clock.set_back(-ahead)
    make(sandbox, 1)
    now = timezone.now()
    found = listing.read(watching(sandbox), task_type=1, since=LONG_AGO)
    assert found.clock_difference is not None
    assert abs(found.clock_difference - timedelta(seconds=ahead)) < timedelta(seconds=2)
    made_at = found.made_at(found.jobs[0])
    assert made_at is not None
    assert abs(made_at - now) < timedelta(seconds=2)
