"""Exports from the request to the parts: who may ask, what a worker makes of it, and what is left on a bad day."""

import hashlib
import resource
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from jobs_app import export_jobs, exporting
from jobs_app.audit import keys, seal, verifier
from jobs_app.errors import AuditUnavailable, Gone, Invalid, NotAllowed, NotFound, TooManyOpen, WrongState
from jobs_app.models import Event, Export, ExportPart, User
from tests.conftest import make_person
from tests.doors import newest_event, operator_actor, without_the_trail
from tests.exports import asked, content, held_up, never, saved, shown_numbers, written
from tests.notices import listen, told, work
from tests.processes import eventually


def changed(export: Export, **columns: Any) -> None:
    Export.objects.filter(pk=export.pk).update(**columns)


# --- Asking ----------------------------------------------------------------------------------------------------------
def test_an_auditor_asks_and_the_trail_says_so(auditor: User) -> None:
    made = asked(auditor, "archive", "outcome:denied  action:send.unknown")
    assert (made.status, made.query, made.zone) == ("waiting", "action:send.unknown outcome:denied", "UTC")
    told = newest_event("export.requested")
    assert (told["export"], told["kind"], told["query"]) == (str(made.pk), "archive", made.query)
    assert told["actor"]["id"] == f"person:{auditor.pk}"


@pytest.mark.parametrize("person", ["operator", "approver", "administrator", "stranger"])
def test_nobody_else_asks_or_loads(auditor: User, person: str, request: pytest.FixtureRequest) -> None:
    other = request.getfixturevalue(person)
    made = written(asked(auditor, "csv"))
    with pytest.raises(NotAllowed):
        asked(other)
    with pytest.raises(NotAllowed):
        exporting.hand_out(made.pk, by=operator_actor(other))
    told = newest_event("permission.denied")
    assert (told["to"], told["actor"]["id"]) == ("export", f"person:{other.pk}")
    assert Export.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "query", "zone", "says"),
    [
        ("novel", "", "UTC", "Choose one of"),
        ("csv", "colour:red", "UTC", "no qualifier 'colour'"),
        ("csv", "x" * 1001, "UTC", "at most 1000"),
        ("csv", "", "Europe/Atlantis", "no time zone 'Europe/Atlantis'"),
        ("csv", "", "../../etc/passwd", "no time zone"),
    ],
)
def test_what_can_not_be_understood_is_refused(auditor: User, kind: str, query: str, zone: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        asked(auditor, kind, query, zone=zone)
    assert says in refused.value.problems[0].detail
    assert not Export.objects.exists()


def test_three_are_open_at_once_and_each_has_their_own(auditor: User) -> None:
    for _ in range(3):
        asked(auditor, "csv", "action:doubt.closed")
    with pytest.raises(TooManyOpen):
        asked(auditor)
    asked(make_person("albert", *auditor.current_roles()))
    written(Export.objects.earliest("requested_at"))
    asked(auditor)


def test_without_the_trail_nothing_is_stored(auditor: User) -> None:
    with without_the_trail(), pytest.raises(AuditUnavailable):
        asked(auditor)
    assert not Export.objects.exists()


# --- Writing ---------------------------------------------------------------------------------------------------------
def test_it_is_written_in_parts_with_its_event(auditor: User, tmp_path: Path) -> None:
    seal.seal_all(keys.private())
    made = written(asked(auditor))
    whole = content(made)
    assert (made.status, made.size, made.sha256) == ("ready", len(whole), hashlib.sha256(whole).hexdigest())
    assert made.expires_at is not None
    assert timedelta(days=6, hours=23) < made.expires_at - timezone.now() <= timedelta(days=7)
    assert made.manifest is not None
    assert made.done == made.total == made.manifest["events"]
    report = verifier.check_archive(str(saved(made, tmp_path)), keys.public())
    told = newest_event("trail.exported")
    assert (told["export"], told["sha256"], told["size"]) == (str(made.pk), made.sha256, made.size)
    assert (told["events"], told["withheld"], told["seals"]) == (report.events, 0, report.seals)
    assert (told["sealedUpToSeq"], told["requestedBy"]) == (report.last_sealed, f"person:{auditor.pk}")


def test_a_big_one_has_many_parts(auditor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_jobs, "PART", 1000)
    monkeypatch.setattr(exporting, "PART", 1000)
    made = written(asked(auditor))
    assert ExportPart.objects.filter(export=made).count() == -(-(made.size or 0) // 1000) > 3
    _, parts = exporting.hand_out(made.pk, by=operator_actor(auditor))
    assert hashlib.sha256(b"".join(parts)).hexdigest() == made.sha256


def test_a_query_shows_what_it_finds(auditor: User) -> None:
    with pytest.raises(NotAllowed):
        asked(make_person("otto"))
    made = written(asked(auditor, "archive", "action:permission.denied"))
    assert shown_numbers(made) == list(
        Event.objects.filter(action="permission.denied").order_by("seq").values_list("seq", flat=True)
    )


def test_of_two_workers_one_gets_it(auditor: User) -> None:
    made = asked(auditor)
    begin = threading.Barrier(4)

    def work() -> None:
        begin.wait()
        export_jobs.write_next(stop=never)
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    made.refresh_from_db()
    assert (made.status, made.attempts) == ("ready", 1)
    assert Event.objects.filter(action="trail.exported", line__contains=str(made.pk)).count() == 1


def test_who_asked_is_told(auditor: User) -> None:
    listen()
    written(asked(auditor, "csv"))
    work()
    assert told(auditor) == [("export_ready", 1)]


# --- Bad days --------------------------------------------------------------------------------------------------------
@contextmanager
def a_small_disk(size: int) -> Iterator[None]:
    """This process can write no file that is longer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("kind", ["archive", "evidence", "csv"])
def test_a_full_disk_is_told_in_a_sentence_and_nothing_is_left(auditor: User, kind: str) -> None:
    made = asked(auditor, kind)
    with a_small_disk(500):
        failed = written(made)
    assert (failed.status, failed.attempts, failed.sha256) == ("failed", 1, "")
    assert "no room for it (File too large)" in failed.problem
    assert failed.finished_at is not None
    assert not ExportPart.objects.exists()
    assert written(asked(auditor, kind)).status == "ready"


@pytest.mark.parametrize(
    ("columns", "says"),
    [({"query": "colour:red"}, "no qualifier 'colour'"), ({"zone": "Europe/Atlantis"}, "no time zone")],
)
def test_what_can_not_be_read_any_more_fails(auditor: User, columns: dict[str, str], says: str) -> None:
    made = asked(auditor, "csv")
    columns_of_the_owner = ", ".join(f"{name} = %s" for name in columns)
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"UPDATE jobs_app_export SET {columns_of_the_owner}", list(columns.values()))
    failed = written(made)
    assert (failed.status, says in failed.problem) == ("failed", True)


def test_without_the_trail_it_is_tried_again(auditor: User) -> None:
    made = asked(auditor)
    with without_the_trail():
        left = written(made)
    assert (left.status, left.attempts) == ("writing", 1)
    assert not ExportPart.objects.exists()
    changed(made, touched_at=timezone.now() - timedelta(seconds=61))
    assert export_jobs.sweep()
    assert written(made).status == "ready"


def test_a_worker_that_was_killed_is_noticed_three_times(auditor: User) -> None:
    made = asked(auditor)
    for attempt in (1, 2, 3):
        changed(made, status="writing", attempts=attempt, touched_at=timezone.now() - timedelta(seconds=59))
        export_jobs.sweep()
        made.refresh_from_db()
        assert made.status == "writing"
        changed(made, touched_at=timezone.now() - timedelta(seconds=61))
        assert export_jobs.sweep() == (attempt < 3)
    made.refresh_from_db()
    assert (made.status, "3 workers began" in made.problem) == ("failed", True)


def test_told_to_stop_it_gives_the_export_back(auditor: User) -> None:
    made = asked(auditor)
    with held_up():
        stop = threading.Event()
        worker = threading.Thread(target=_worked, args=(stop,))
        worker.start()
        eventually(lambda: Export.objects.filter(pk=made.pk, done__gt=0).exists(), what="it shows how far it is")
        stop.set()
        worker.join(5)
        assert not worker.is_alive()
    made.refresh_from_db()
    assert (made.status, made.attempts, made.problem) == ("waiting", 0, "")
    assert not ExportPart.objects.exists()
    assert written(made).status == "ready"


def test_a_worker_that_lost_it_can_not_touch_it_any_more(auditor: User) -> None:
    made = asked(auditor)
    with held_up():
        worker = threading.Thread(target=_worked, args=(threading.Event(),))
        worker.start()
        eventually(lambda: Export.objects.filter(pk=made.pk, done__gt=0).exists(), what="it shows how far it is")
        changed(made, attempts=2, done=7)
        worker.join(5)
        assert not worker.is_alive()
    made.refresh_from_db()
    assert (made.status, made.attempts, made.done) == ("writing", 2, 7)
    assert not ExportPart.objects.exists()


def _worked(stop: threading.Event) -> None:
    export_jobs.write_next(stop=stop.is_set)
    connections.close_all()


# --- Loading ---------------------------------------------------------------------------------------------------------
def test_another_auditor_loads_it_and_the_trail_says_so(auditor: User) -> None:
    made = written(asked(auditor, "csv"))
    other = make_person("albert", *auditor.current_roles())
    found, parts = exporting.hand_out(made.pk, by=operator_actor(other))
    told = newest_event("export.handed_out")
    assert (told["export"], told["actor"]["id"]) == (str(made.pk), f"person:{other.pk}")
    assert (told["sha256"], told["size"]) == (made.sha256, made.size)
    assert b"".join(parts) == content(found)


def test_without_the_trail_nothing_is_handed_out(auditor: User) -> None:
    made = written(asked(auditor, "csv"))
    with without_the_trail(), pytest.raises(AuditUnavailable):
        exporting.hand_out(made.pk, by=operator_actor(auditor))


def test_what_is_not_ready_or_never_was_can_not_be_loaded(auditor: User) -> None:
    by = operator_actor(auditor)
    made = asked(auditor)
    with pytest.raises(WrongState):
        exporting.hand_out(made.pk, by=by)
    with pytest.raises(NotFound):
        exporting.hand_out(uuid.uuid4(), by=by)


def test_when_its_time_is_over_the_row_stays_and_the_parts_go(auditor: User) -> None:
    by = operator_actor(auditor)
    made = written(asked(auditor, "csv"))
    _, parts = exporting.hand_out(made.pk, by=by)
    changed(made, expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Gone):
        exporting.hand_out(made.pk, by=by)
    export_jobs.sweep()
    made.refresh_from_db()
    assert (made.status, made.sha256 != "") == ("deleted", True)
    assert not ExportPart.objects.exists()
    with pytest.raises(Gone):
        exporting.hand_out(made.pk, by=by)
    with pytest.raises(Gone):
        list(parts)
