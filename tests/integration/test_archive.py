"""An archive proves itself on a machine that has nothing but Python, and every change of it is found."""

import hashlib
import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from jobs_app import audit, submissions
from jobs_app.actors import COMMAND_LINE
from jobs_app.audit import Action, export, keys, seal, verifier
from jobs_app.audit.search import Query
from jobs_app.audit.verifier import Broken
from jobs_app.models import Event, User
from tests.doors import empty_the_trail, operator_actor, past_the_guards
from tests.examples import body

FLIPS = 1000


@pytest.fixture
def trail(operator: User, approver: User) -> None:
    """A trail that begins here: two sealed ranges and something that isn't sealed yet."""
    empty_the_trail()
    key = keys.private()
    for number in range(3):
        for file in range(5):
            odd = f'"quotes" \\ backslashes \\n and 中文 {file}'
            audit.record(Action.SESSION_STARTED, by=operator_actor(operator), note=odd, labels={"leaf": "x"})
        submissions.submit(body("copy", files=number + 1), by=operator_actor(operator))
        if number < 2:
            seal.seal_all(key)


@pytest.fixture
def archive(trail: None, tmp_path: Path) -> Path:
    path = tmp_path / "trail.zip"
    export.write(path)
    return path


def key_hex() -> str:
    return keys.raw(keys.private()).hex()


def verified(path: Path, *arguments: str, script: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """What the verifier says, run as an auditor runs it: isolated, without the portal, its libraries or its folder."""
    program = script or path.with_name("verify.py")
    if script is None:
        with zipfile.ZipFile(path) as archive:
            program.write_bytes(archive.read("verify.py"))
    command = [sys.executable, "-I", "-S", str(program), str(path), *arguments]
    return subprocess.run(command, cwd=path.parent, env={}, capture_output=True, text=True, check=False)


def rewritten(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The archive with changed members, and everything else of it right again: the work of a person."""
    other = path.with_name("changed.zip")
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(other, "w") as after:
        for info in before.infolist():
            after.writestr(info.filename, change(info.filename, before.read(info.filename)))
    with other.open("r+b") as file:
        export._append_checksum(file)
    return other


def test_the_auditors_program_says_whole(archive: Path) -> None:
    said = verified(archive, "--key", key_hex())
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("WHOLE: 18 events (0 withheld), 2 seals")
    assert "6 events at the end are not sealed yet" in said.stdout


def test_the_lines_are_those_of_the_trail_byte_for_byte(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        lines = opened.read("events.ndjson").decode().splitlines()
        names = [json.loads(line) for line in opened.read("actors.ndjson").decode().splitlines()]
        manifest = json.loads(opened.read("manifest.json"))
    assert lines == list(Event.objects.order_by("seq").values_list("line", flat=True))
    events = [json.loads(line) for line in lines]
    hashes = {
        item["hash"]
        for item in names
        if item["name"] and hashlib.sha256((item["salt"] + item["name"]).encode()).hexdigest() == item["hash"]
    }
    assert {event["event"]["actor"]["name"] for event in events} <= hashes
    assert (manifest["events"], manifest["firstSeq"], manifest["lastSeq"]) == (18, events[0]["seq"], events[-1]["seq"])
    assert (manifest["environment"], manifest["seals"], manifest["withheld"]) == ("demo", 2, 0)
    assert manifest["anchorsMissing"]


def test_the_key_never_comes_from_the_archive(archive: Path) -> None:
    assert verified(archive).returncode == 2
    other = verified(archive, "--key", "00" * 32)
    assert (other.returncode, "none of those given" in other.stdout) == (1, True)
    assert verified(archive, "--key", "nonsense").returncode == 2
    with zipfile.ZipFile(archive) as opened:
        assert not any(key_hex().encode() in opened.read(name) for name in opened.namelist())


@pytest.mark.parametrize("line", ["", "action:submission.created"])
def test_any_flipped_byte_is_found(trail: None, tmp_path: Path, line: str) -> None:
    path, damaged = tmp_path / "trail.zip", tmp_path / "damaged.zip"
    manifest = export.write(path, Query.read(line))
    assert (manifest["withheld"] > 0) == bool(line)
    whole = path.read_bytes()
    keys_given = verifier.read_keys([key_hex()])
    verifier.check_archive(str(path), keys_given)
    chance = random.Random(4711)
    for position in chance.sample(range(len(whole)), FLIPS):
        changed = bytearray(whole)
        changed[position] ^= 1 << chance.randrange(8)
        damaged.write_bytes(changed)
        with pytest.raises(Broken):
            verifier.check_archive(str(damaged), keys_given)


def _flip(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(len(data))] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("member", ["events.ndjson", "seals.ndjson"])
def test_a_change_that_mends_the_archive_around_it_is_found_too(archive: Path, member: str) -> None:
    with zipfile.ZipFile(archive) as opened:
        sealed = opened.read(member)
    if member == "events.ndjson":
        sealed = b"".join(sealed.splitlines(keepends=True)[:12])  # the last six aren't sealed, so nothing proves them
    chance = random.Random(815)
    for _ in range(100):
        other = rewritten(
            archive, lambda name, data: _flip(sealed, chance) + data[len(sealed) :] if name == member else data
        )
        with pytest.raises(Broken):
            verifier.check_archive(str(other), verifier.read_keys([key_hex()]))


@pytest.mark.parametrize("wanted", ["events.ndjson", "seals.ndjson"])
def test_a_line_that_is_left_out_is_found(archive: Path, wanted: str) -> None:
    def without_the_second(name: str, data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        return b"".join(lines[:1] + lines[2:]) if name == wanted else data

    with pytest.raises(Broken):
        verifier.check_archive(str(rewritten(archive, without_the_second)), verifier.read_keys([key_hex()]))


def test_a_name_that_was_changed_is_found(archive: Path) -> None:
    other = rewritten(
        archive, lambda name, data: data.replace(b'"olga"', b'"otto"') if name == "actors.ndjson" else data
    )
    with pytest.raises(Broken, match="name of"):
        verifier.check_archive(str(other), verifier.read_keys([key_hex()]))


def test_a_part_of_the_trail_proves_itself_and_shows_nothing_else(trail: None, tmp_path: Path) -> None:
    [wanted] = {event.submission for event in Event.objects.filter(action="submission.created").order_by("seq")[:1]}
    path = tmp_path / "part.zip"
    manifest = export.write(path, Query({"submission": (str(wanted),)}))
    assert (manifest["events"], manifest["withheld"], manifest["seals"]) == (6, 5, 1)
    said = verified(path, "--key", key_hex())
    assert said.stdout.startswith("WHOLE: 6 events (5 withheld), 1 seals")
    assert "A part of the trail only, from seals 1" in said.stdout
    with zipfile.ZipFile(path) as opened:
        lines = opened.read("events.ndjson")
    assert b"session.started" not in lines
    assert str(wanted).encode() in lines
    hidden = rewritten(
        path, lambda name, data: data.replace(b'"leaf":"', b'"leaf":"0') if name == "events.ndjson" else data
    )
    with pytest.raises(Broken):
        verifier.check_archive(str(hidden), verifier.read_keys([key_hex()]))


def _without_seal(archive: Path, gone: verifier.Seal) -> Path:
    """The archive without a seal and its events, and with a manifest that fits."""

    def change(name: str, data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        match name:
            case "seals.ndjson":
                return b"".join(line for line in lines if f"n {gone.n}\\n".encode() not in line)
            case "events.ndjson":
                return b"".join(line for line in lines if not gone.after < json.loads(line)["seq"] <= gone.upto)
            case "manifest.json":
                manifest = json.loads(data)
                return json.dumps(manifest | {"events": manifest["events"] - gone.count, "seals": 1}).encode()
            case _:
                return data

    return rewritten(archive, change)


def test_the_first_seal_cut_out_with_its_events_is_missed(archive: Path) -> None:
    first, _ = export.seals(export.newest_seal())
    with pytest.raises(Broken, match="Seal 1 is missing"):
        verifier.check_archive(str(_without_seal(archive, first)), verifier.read_keys([key_hex()]))


def test_the_last_seal_cut_out_with_its_events_is_missed_by_the_anchors_alone(archive: Path) -> None:
    first, last = export.seals(export.newest_seal())
    other = str(_without_seal(archive, last))
    assert verifier.check_archive(other, verifier.read_keys([key_hex()])).seals == 1
    with pytest.raises(Broken, match="cut off"):
        verifier.check_archive(other, verifier.read_keys([key_hex()]), {1: first.head, 2: last.head})


def test_a_period_is_exported_with_whole_seals(trail: None, tmp_path: Path) -> None:
    moments = list(Event.objects.order_by("seq").values_list("at", flat=True))
    path = tmp_path / "period.zip"
    manifest = export.write(path, Query(since=moments[2], until=moments[8]))
    assert (manifest["events"] - manifest["withheld"], manifest["seals"]) == (6, 2)
    assert verified(path, "--key", key_hex()).returncode == 0


def test_anchors_show_a_cut_end(archive: Path, tmp_path: Path) -> None:
    heads = tmp_path / "anchors.txt"
    found = [each.head for each in export.seals(export.newest_seal())]
    heads.write_text("".join(f"{n} {head}\n" for n, head in enumerate(found, 1)))
    good = verified(archive, "--key", key_hex(), "--anchors", str(heads))
    assert "2 seals agree with published anchors" in good.stdout
    heads.write_text(heads.read_text() + f"3 {'a' * 64}\n")
    cut = verified(archive, "--key", key_hex(), "--anchors", str(heads))
    assert (cut.returncode, "the end was cut off" in cut.stdout) == (1, True)
    heads.write_text("not an anchor\n")
    assert verified(archive, "--key", key_hex(), "--anchors", str(heads)).returncode == 2


@pytest.mark.parametrize(("content", "code"), [(None, 2), (b"", 1), (b"no archive at all" * 100, 1)])
def test_what_is_no_archive_is_said_in_words(archive: Path, content: bytes | None, code: int) -> None:
    script = archive.with_name("verify.py")
    verified(archive, "--key", key_hex())
    other = archive.with_name("other.zip")
    if content is not None:
        other.write_bytes(content)
    said = verified(other, "--key", key_hex(), script=script)
    assert said.returncode == code
    assert "Traceback" not in said.stdout + said.stderr


# --- The commands ----------------------------------------------------------------------------------------------------
def test_the_commands_export_and_verify_and_tell_the_trail(trail: None, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "out.zip"
    call_command("export_audit", "--out", str(path))
    call_command("verify_audit", "--archive", str(path))
    call_command("verify_audit")
    assert capsys.readouterr().out.count("whole: ") == 2
    told = list(Event.objects.order_by("-seq").values_list("action", flat=True)[:2])
    assert told == ["trail.verified", "trail.exported"]


def test_a_broken_trail_ends_the_command_with_1_and_names_it(trail: None, capsys: Any) -> None:
    past_the_guards("DELETE FROM audit.event WHERE seq = (SELECT min(seq) FROM audit.event)")
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit")
    assert ended.value.code == 1
    assert "not those that seal 1 closed" in capsys.readouterr().err


def test_an_archive_that_can_not_be_written_leaves_nothing_behind(trail: None, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        export.write(tmp_path / "nowhere" / "out.zip")
    assert list(tmp_path.iterdir()) == []


def test_the_sealers_first_actor_is_known_by_name(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        actors = {json.loads(line)["actor"] for line in opened.read("actors.ndjson").splitlines()}
    assert COMMAND_LINE.id in actors
