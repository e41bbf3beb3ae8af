"""Exports with real workers: killed in the middle, told to end, doubled, and without a broker."""

import hashlib
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from jobs_app.audit import keys, seal
from jobs_app.export_jobs import PART
from jobs_app.models import Event, Export, ExportPart, Submission, User
from tests.conftest import Api
from tests.examples import body
from tests.exports import asked, content, held_up, members, saved
from tests.processes import Processes, eventually, settled
from tests.servers import Broker

SOFT = 8.0


def ready(*exports: Export) -> list[Export]:
    wanted = [each.pk for each in exports]
    rows = Export.objects.filter(pk__in=wanted, status="ready")
    eventually(lambda: rows.count() == len(wanted), what="every export ready")
    return list(rows)


def in_the_middle(export: Export) -> None:
    eventually(lambda: Export.objects.filter(pk=export.pk, done__gt=0).exists(), what="it shows how far it is")


def exported(export: Export) -> int:
    return Event.objects.filter(action="trail.exported", line__contains=str(export.pk)).count()


def test_a_pack_made_by_a_worker_is_whole(auditor: User, own: Processes, tmp_path: Path) -> None:
    seal.seal_all(keys.private())
    own.worker()
    [made] = ready(asked(auditor, "evidence"))
    assert {"cover-en.html", "cover-zh.html"} <= set(members(made))
    path = saved(made, tmp_path)
    (tmp_path / "verify.py").write_text(members(made)["verify.py"])
    command = [sys.executable, "-I", "-S", "verify.py", str(path), "--key", keys.raw(keys.private()).hex()]
    said = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout[:6]) == (0, "WHOLE:"), said


def test_killed_in_the_middle_it_is_written_by_the_next(auditor: User, own: Processes) -> None:
    worker = own.worker()
    with held_up():
        made = asked(auditor)
        in_the_middle(made)
        own.kill(worker)
    made.refresh_from_db()
    assert (made.status, made.attempts) == ("writing", 1)
    own.worker()
    own.beat()
    # A minute of silence, in no time.
    Export.objects.filter(pk=made.pk).update(touched_at=timezone.now() - timedelta(seconds=61))
    [done] = ready(made)
    assert (done.attempts, exported(done)) == (2, 1)
    assert hashlib.sha256(content(done)).hexdigest() == done.sha256
    assert ExportPart.objects.filter(export=done).count() == -(-(done.size or 0) // PART)


def test_a_worker_that_is_told_to_end_gives_it_back_and_ends_in_time(auditor: User, own: Processes) -> None:
    worker = own.worker()
    with held_up():
        made = asked(auditor)
        in_the_middle(made)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(SOFT) == 0
    made.refresh_from_db()
    assert (made.status, made.attempts) == ("waiting", 0)
    assert "Traceback" not in own.logs()


def test_a_long_one_holds_up_neither_sending_nor_polling(auditor: User, service: Api, own: Processes) -> None:
    own.worker(threads=2)
    own.beat()
    with held_up():
        made = asked(auditor)
        in_the_middle(made)
        sent = [service.post("submissions/", body("copy")).json()["id"] for _ in range(2)]
        rows = settled(*Submission.objects.filter(pk__in=sent))
        assert [row.status for row in rows] == ["succeeded"] * 2
        made.refresh_from_db()
        assert made.status == "writing"
    ready(made)


def test_of_two_workers_each_export_is_written_once(auditor: User, own: Processes) -> None:
    own.worker()
    own.worker()
    own.beat()
    made = [asked(auditor, kind) for kind in ("csv", "archive", "evidence")]
    done = ready(*made)
    assert [each.attempts for each in done] == [1, 1, 1]
    assert [exported(each) for each in done] == [1, 1, 1]


def test_without_a_broker_the_sweep_finds_it(auditor: User, own: Processes, broker: Broker) -> None:
    broker.kill()
    made = asked(auditor, "csv")
    assert Export.objects.get().status == "waiting"
    broker.start()
    own.worker()
    own.beat()
    [done] = ready(made)
    assert done.attempts == 1
