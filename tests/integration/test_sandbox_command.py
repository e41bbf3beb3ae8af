"""``manage.py koodrive_sandbox`` as a process, and what it refuses."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command

from jobs_app.koodrive.sandbox import Sandbox

ROOT = Path(__file__).parents[2]


def start(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", "koodrive_sandbox", *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_and_ends_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    record = tmp_path / "record.ndjson"
    process = start("--port", "0", "--token", "demo", "--record", str(record))
    assert process.stdout is not None
    try:
        word, url = process.stdout.readline().split()
        assert word == "listening:"
        query = f"{url}/koodrive/ose/v1/jobs?offset=0&limit=1"
        assert requests.get(query, headers={"Authorization": "demo"}, timeout=10).json()["data"] == []
    finally:
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")
    assert len(record.read_text().splitlines()) == 1


def test_a_busy_port_is_one_sentence() -> None:
    with Sandbox() as sandbox:
        process = start("--port", str(sandbox.port))
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    assert len(errors.splitlines()) == 1
    assert f"Port {sandbox.port} can't be used" in errors


def test_its_port_and_token_are_those_of_the_settings(settings: Any) -> None:
    with Sandbox() as taken:
        settings.KOODRIVE_BASE_URL = taken.url
        with pytest.raises(CommandError, match=f"Port {taken.port} can't"):
            call_command("koodrive_sandbox")


@pytest.mark.parametrize(
    ("changes", "options", "sentence"),
    [
        ({"IS_DEMO": False}, {"port": 0}, "not for production"),
        ({"KOODRIVE_BASE_URL": "https://intl.myhuaweicloud-koodrive.com"}, {}, "give one with --port"),
        ({}, {"port": 0, "speed": 0.0}, "speed"),
        ({}, {"port": 0, "record": Path("/nowhere/at/all")}, "record /nowhere/at/all can't be written"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    settings: Any, changes: dict[str, Any], options: dict[str, Any], sentence: str
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    with pytest.raises(CommandError, match=sentence):
        call_command("koodrive_sandbox", **options)
