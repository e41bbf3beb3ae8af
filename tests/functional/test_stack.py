"""``manage.py stack`` as a newcomer meets it: it starts, says ready, stops, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal import demo
from tests.processes import eventually

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 10


class Running:
    """A stack of its own, in a folder of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.port = folder / "data", demo.free_port()
        self._log = folder / "stack.log"
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("DATABASE_", "REDIS_"))}
        self._environment = kept | {"PORTAL_DATA_DIR": str(self.folder), "PORTAL_PORT": str(self.port)} | environment
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "stack"],
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def until_ready(self) -> None:
        def ready() -> Any:
            assert self.process.poll() is None, self.said
            return re.search(r"^ready: ", self.said, re.MULTILINE)

        eventually(ready, what="ready")

    def again(self, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Another stack, with the same environment but for the changes; it is expected to end by itself."""
        return subprocess.run(
            [sys.executable, "manage.py", "stack"],
            cwd=ROOT,
            env=self._environment | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def family(self) -> set[int]:
        """All processes below it, its own included."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found


def alive(pids: set[int]) -> set[int]:
    found = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        found |= {pid} if state != "Z" else set()
    return found


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Running]:
    for folder in (tmp_path, *tmp_path.parents):
        if Path("/tmp") in folder.parents:
            folder.chmod(0o755)  # run by root, the servers are nobody's
    running = Running(tmp_path)
    yield running
    running.process.kill()
    running.process.wait()


def test_it_starts_serves_refuses_a_second_one_and_leaves_nothing_behind(stack: Running, tmp_path: Path) -> None:
    stack.until_ready()
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.port}/") as answer:
        assert answer.status == 200

    def is_ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{stack.port}/readyz") as answer:
                return answer.status == 200
        except urllib.error.HTTPError:
            return False

    eventually(is_ready, what="worker, sealer and everything else have shown that they work")

    token = {"Authorization": f"Bearer {demo.load(stack.folder).token}"}
    me = urllib.request.Request(f"http://127.0.0.1:{stack.port}/api/v1/me/", headers=token)
    with urllib.request.urlopen(me) as answer:
        assert answer.status == 200
    for part, action in (("stack", "person.created"), ("web", "token.used")):
        path = stack.folder / "log" / f"{part}.log"
        eventually(lambda: f'"event":{{"action":"{action}"' in path.read_text(), what=action)  # noqa: B023
    assert '"audit"' not in stack.said

    second = stack.again()
    assert (second.returncode, second.stdout) == (1, "")
    assert "runs on" in second.stderr
    assert "already" in second.stderr
    busy = stack.again(PORTAL_DATA_DIR=str(tmp_path / "other"))
    assert busy.returncode == 1
    assert f"Port {stack.port} of 127.0.0.1 is taken" in busy.stderr
    assert "Traceback" not in second.stderr + busy.stderr

    family = stack.family()
    assert len(family) > 6
    began = time.monotonic()
    stack.process.send_signal(signal.SIGTERM)
    assert stack.process.wait(STOP_SECONDS + 5) == 0
    assert time.monotonic() - began < STOP_SECONDS
    assert alive(family) == set()
    assert "Traceback" not in stack.said


def test_killed_it_takes_everything_along(stack: Running) -> None:
    stack.until_ready()
    family = stack.family()
    stack.process.kill()
    stack.process.wait()
    eventually(lambda: not alive(family), what="every part ended")


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"KOODRIVE_BASE_URL": "https://koodrive.example.com"}, "must not touch real files"),
        ({"PORTAL_HOST": "0.0.0.0"}, "listens on this machine only"),
        ({"KOODRIVE_RATE": "fast"}, "KOODRIVE_RATE must be"),
        ({"PORTAL_DATA_DIR": "/proc/nowhere"}, "can't be used"),
    ],
)
def test_what_it_may_not_or_can_not_do_is_one_sentence(tmp_path: Path, environment: dict[str, str], says: str) -> None:
    running = Running(tmp_path, **environment)
    assert running.process.wait(60) != 0
    assert says in running.said
    assert "Traceback" not in running.said
    assert len(running.said.strip().splitlines()) == 1
