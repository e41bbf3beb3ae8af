"""What the containers run, run outside of one: the same commands with a production's environment."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connections

from portal import demo

ROOT = Path(__file__).parents[2]


def address(alias: str) -> str:
    known = connections[alias].get_connection_params()
    return f"postgresql://{known['user']}:{known.get('password', '')}@{known['host']}:{known['port']}/{known['dbname']}"


@pytest.fixture
def environment(migrated: None, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "database_url").write_text(address("default"))
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PORTAL_ENV": "production",
        "PORTAL_BASE_URL": "https://portal.example.com",
        "PORTAL_ALLOWED_HOSTS": "portal.example.com",
        "PORTAL_PORT": str(demo.free_port()),
        "PORTAL_SECRET_KEY": secrets.token_hex(32),
        "PORTAL_FIELD_KEYS": Fernet.generate_key().decode(),
        "PORTAL_AUDIT_PUBLIC_KEYS": secrets.token_hex(32),
        "DATABASE_URL_FILE": str(tmp_path / "database_url"),
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "KOODRIVE_BASE_URL": "https://koodrive.example.com",
        "KOODRIVE_TOKEN": "none",
    }


def entrypoint(*arguments: str, env: dict[str, str], **options: Any) -> "subprocess.Popen[str]":
    command = ["sh", "docker/entrypoint", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )


def test_migrate_runs_as_the_owner(environment: dict[str, str]) -> None:
    process = entrypoint("migrate", env=environment | {"DATABASE_OWNER_URL": address("owner")})
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said


def test_web_serves_and_ends_when_it_is_told(environment: dict[str, str]) -> None:
    process = entrypoint("web", env=environment)
    try:
        assert get(environment, "/healthz", process) == 200
        assert get(environment, "/readyz?part=web", process) == 200
        subprocess.run([sys.executable, "docker/healthcheck"], cwd=ROOT, env=environment, check=True)
    finally:
        process.send_signal(signal.SIGTERM)
        # A worker that is only starting just now is ended by force, after 30 seconds.
        said, _ = process.communicate(timeout=45)
    assert "Traceback" not in said
    messages = [json.loads(line)["message"] for line in said.splitlines()]
    assert any("granian" in message for message in messages)


def get(environment: dict[str, str], path: str, process: "subprocess.Popen[str]") -> int:
    end = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < end:
        try:
            address = f"http://127.0.0.1:{environment['PORTAL_PORT']}{path}"
            request = urllib.request.Request(address, headers={"Host": "portal.example.com"})
            with urllib.request.urlopen(request, timeout=5) as answer:
                return int(answer.status)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the web server does not answer")


@pytest.mark.parametrize("part", ["migrate", "worker", "sandbox"])
def test_without_a_secret_no_part_starts_and_one_sentence_says_why(environment: dict[str, str], part: str) -> None:
    process = entrypoint(part, env=environment | {"PORTAL_SECRET_KEY": ""})
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "PORTAL_SECRET_KEY is not set" in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"KOODRIVE_AUTH": "app"}, "an application's id, its secret and a user id"),
        ({"KOODRIVE_TOKEN": "tökén"}, "no header can carry"),
        ({"PORTAL_FIELD_KEYS": "none"}, "PORTAL_FIELD_KEYS holds something that is no Fernet key"),
    ],
)
def test_a_worker_that_could_not_sign_in_to_koodrive_does_not_start(
    environment: dict[str, str], changes: dict[str, str], words: str
) -> None:
    process = entrypoint("worker", env=environment | changes)
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert words in said


def test_the_owner_of_the_trail_may_not_serve(environment: dict[str, str]) -> None:
    env = {key: value for key, value in environment.items() if key != "DATABASE_URL_FILE"}
    process = entrypoint("worker", env=env | {"DATABASE_URL": address("owner")})
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "owns the audit trail" in said


def test_the_sandbox_refuses_production(environment: dict[str, str]) -> None:
    process = entrypoint("sandbox", env=environment)
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in said
