"""An event that the database's owner changes before it is sealed: the seal covers the change, the log shows it."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import call_command
from django.db import transaction

from jobs_app import audit
from jobs_app.actors import COMMAND_LINE
from jobs_app.audit import Action, Receipt, export, keys, seal, verifier, verify
from jobs_app.audit.search import Query
from jobs_app.audit.verifier import Broken
from jobs_app.models import Event
from tests.doors import newest_event, past_the_guards

pytestmark = pytest.mark.usefixtures("empty_trail")

CHANGE = (
    "UPDATE audit.event SET line = replace(line, 'session.started', 'session.ended'), action = 'session.ended' "
    "WHERE seq = {seq}"
)
REMOVE = "DELETE FROM audit.event WHERE seq = {seq}"


def happen(count: int = 1) -> list[Receipt]:
    return [audit.record(Action.SESSION_STARTED, by=COMMAND_LINE, number=number) for number in range(count)]


def saved(log: io.StringIO, folder: Path, prefix: str = "") -> Path:
    """The log as it was collected: among other lines, and with what the collector writes in front."""
    path = folder / "portal.log"
    lines = [f"{prefix}{line}\n" for line in log.getvalue().splitlines()]
    path.write_text(f"{prefix}2026-11-24 INFO celery ready\n\n{''.join(lines)}\xff not ours {{\n", encoding="latin-1")
    return path


def known(log: io.StringIO) -> dict[int, bytes]:
    return verifier.read_log(log.getvalue().encode().splitlines())


def verified(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The archive of this moment under verify.py, run as an auditor runs it."""
    archive, program = folder / "trail.zip", folder / "verify.py"
    export.write(archive)
    with zipfile.ZipFile(archive) as opened:
        program.write_bytes(opened.read("verify.py"))
    key = keys.raw(keys.private()).hex()
    command = [sys.executable, "-I", "-S", str(program), str(archive), "--key", key, *arguments]
    return subprocess.run(command, env={}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("prefix", ["", "web-1  | ", "2026-11-24T15:11:24Z stderr F "])
def test_a_trail_that_agrees_with_its_log_is_whole(
    key: Ed25519PrivateKey, log: io.StringIO, tmp_path: Path, prefix: str
) -> None:
    happen(3)
    seal.seal_all(key)
    happen(2)
    said = verified(tmp_path, "--log", str(saved(log, tmp_path, prefix)))
    assert (said.returncode, said.stderr) == (0, "")
    assert "5 events agree with the log." in said.stdout
    assert verify.live(log=known(log), by=COMMAND_LINE).logged == 5
    assert newest_event("trail.verified")["logged"] == 5


def test_without_a_log_it_says_so(key: Ed25519PrivateKey, tmp_path: Path) -> None:
    happen()
    assert "No log was given." in verified(tmp_path).stdout
    verify.live(by=COMMAND_LINE)
    assert "logged" not in newest_event("trail.verified")


@pytest.mark.parametrize(
    ("attack", "words"),
    [(CHANGE, "not the one that was logged: it was changed before"), (REMOVE, "missing: it was removed before")],
)
def test_what_the_owner_does_before_the_seal_shows_with_the_log_alone(
    key: Ed25519PrivateKey, log: io.StringIO, tmp_path: Path, attack: str, words: str
) -> None:
    _, chosen, _ = happen(3)
    past_the_guards(attack.format(seq=chosen.seq))
    seal.seal_all(key)
    verify.live(by=COMMAND_LINE)
    assert verified(tmp_path).stdout.startswith("WHOLE")
    said = verified(tmp_path, "--log", str(saved(log, tmp_path)))
    assert said.returncode == 1
    assert f"Event {chosen.seq} " in said.stdout
    assert words in said.stdout
    with pytest.raises(Broken, match=f"Event {chosen.seq} .*{words}"):
        verify.live(log=known(log), by=COMMAND_LINE)
    assert newest_event("trail.verified")["outcome"] == "failed"


def test_it_shows_before_there_is_a_seal_at_all(log: io.StringIO) -> None:
    [only] = happen()
    past_the_guards(CHANGE.format(seq=only.seq))
    verify.live(by=COMMAND_LINE)
    with pytest.raises(Broken, match=f"Event {only.seq} is not the one that was logged"):
        verify.live(log=known(log), by=COMMAND_LINE)


def test_what_was_changed_after_its_seal_is_said_to_be_so(key: Ed25519PrivateKey, log: io.StringIO) -> None:
    _, chosen = happen(2)
    seal.seal_all(key)
    past_the_guards(CHANGE.format(seq=chosen.seq))
    with pytest.raises(Broken, match="not those that seal 1 closed"):
        verify.live(log=known(log), by=COMMAND_LINE)


def test_an_added_event_that_nobody_logged_is_no_contradiction(key: Ed25519PrivateKey, log: io.StringIO) -> None:
    happen()
    logged = known(log)
    happen()
    assert verify.live(log=logged, by=COMMAND_LINE).logged == 1


def test_a_log_that_is_newer_than_the_archive_is_named_as_a_cause(log: io.StringIO, tmp_path: Path) -> None:
    happen()
    archive = tmp_path / "old.zip"
    export.write(archive)
    happen()
    with pytest.raises(Broken, match="or the log is newer than this"):
        verifier.check_archive(str(archive), keys.public(), log=known(log))


def test_a_part_is_compared_in_what_its_seals_cover(key: Ed25519PrivateKey, log: io.StringIO, tmp_path: Path) -> None:
    for _ in range(3):
        happen(2)
        seal.seal_all(key)
    first, _, third, fourth, *_ = Event.objects.order_by("seq")
    part = tmp_path / "part.zip"
    export.write(part, Query(since=third.at, until=fourth.at))
    report = verifier.check_archive(str(part), keys.public(), log=known(log))
    assert (report.events, report.withheld, report.logged) == (2, 1, 2)
    other = known(log) | {fourth.seq: b"\0" * 32, first.seq: b"\0" * 32}
    with pytest.raises(Broken, match=f"Event {fourth.seq} is not the one that was logged"):
        verifier.check_archive(str(part), keys.public(), log=other)


def test_an_event_that_is_missing_in_the_range_of_a_part_is_missed(
    key: Ed25519PrivateKey, log: io.StringIO, tmp_path: Path
) -> None:
    first, second, _ = happen(3)
    past_the_guards(REMOVE.format(seq=second.seq))
    seal.seal_all(key)
    part = tmp_path / "part.zip"
    export.write(part, Query(since=Event.objects.get(seq=first.seq).at))
    with pytest.raises(Broken, match=f"Event {second.seq} was logged and is missing"):
        verifier.check_archive(str(part), keys.public(), log=known(log))


def test_a_rolled_back_event_is_neither_logged_nor_missed(key: Ed25519PrivateKey, log: io.StringIO) -> None:
    with transaction.atomic():
        happen()
        transaction.set_rollback(True)
    happen()
    assert verify.live(log=known(log), by=COMMAND_LINE).logged == 1


# --- The log itself --------------------------------------------------------------------------------------------------
LINE = b'{"audit":{"seq":%d,"hash":"%s","event":{"action":"x"}}}'


@pytest.mark.parametrize(
    "lines",
    [
        [LINE % (7, b"ab" * 32)],
        [b"prefix " + LINE % (7, b"ab" * 32) + b"\r\n", b"", b"{}", b'{"audit":null}', b"\xff\xfe"],
        [b'{ "audit": {"seq": 7, "hash": "' + b"ab" * 32 + b'", "event": {"cut of'],
        [LINE % (7, b"ab" * 32), LINE % (7, b"ab" * 32)],
    ],
)
def test_events_are_found_among_whatever_lines(lines: Sequence[bytes]) -> None:
    assert verifier.read_log(lines) == {7: bytes.fromhex("ab" * 32)}


def test_two_events_of_one_number_are_a_contradiction() -> None:
    with pytest.raises(Broken, match="two different events 7"):
        verifier.read_log([LINE % (7, b"ab" * 32), LINE % (7, b"cd" * 32)])


@pytest.mark.parametrize("content", [None, "", "nothing of ours\n"])
def test_a_log_without_an_event_checks_nothing_and_says_so(tmp_path: Path, content: str | None) -> None:
    happen()
    path = tmp_path / "portal.log"
    if content is not None:
        path.write_text(content)
    said = verified(tmp_path, "--log", str(path))
    assert (said.returncode, said.stderr) == (2, "")
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", "--log", str(path))
    assert ended.value.code == 2


def test_the_command_holds_trail_and_archive_against_it(
    log: io.StringIO, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [one, _] = happen(2)
    path, archive = saved(log, tmp_path), tmp_path / "trail.zip"
    export.write(archive)
    call_command("verify_audit", "--log", str(path))
    call_command("verify_audit", "--archive", str(archive), "--log", str(path))
    assert capsys.readouterr().out.count("2 events agree with the log.") == 2
    past_the_guards(CHANGE.format(seq=one.seq))
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", "--log", str(path))
    assert ended.value.code == 1
    assert f"Event {one.seq} is not the one that was logged" in capsys.readouterr().err
