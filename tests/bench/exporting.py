"""How fast a whole trail becomes an archive, how fast the archive is verified, and how much memory either takes."""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jobs_app.audit import keys
from tests.bench.figures import FULL, Figure, median_ratio
from tests.bench.loading import Trail
from tests.processes import ROOT, address

RATE = 100_000  # events a second
MEMORY = 200  # MB
PAIRS = 2 if FULL else 3
EXPORT = """
import pathlib, sys, time
import django
django.setup()
from jobs_app.audit import export
began = time.perf_counter()
export.write(pathlib.Path(sys.argv[1]))
print(time.perf_counter() - began)
"""


def measure(trail: Trail) -> Iterator[Figure]:
    trail.use()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "trail.zip"
        environment = os.environ | {"DATABASE_URL": address("default"), "DJANGO_SETTINGS_MODULE": "portal.settings"}
        exported = _alone(sys.executable, "-c", EXPORT, str(archive), environment=environment)
        size = f"{archive.stat().st_size / 1e6:,.0f} MB"
        yield Figure(f"export, {trail.count:,} events", trail.count / float(exported.said), f"events/s, {size}", RATE)
        yield Figure("memory of the export", exported.megabytes, "MB", most=MEMORY)
        yield from _verified(archive)


def _verified(archive: Path) -> Iterator[Figure]:
    script = archive.with_name("verify.py")
    with zipfile.ZipFile(archive) as opened:
        script.write_bytes(opened.read("verify.py"))
    key = keys.raw(keys.private()).hex()
    bare = str(Path(__file__).with_name("bare_hashing.py"))
    pairs = [
        (
            _alone(sys.executable, "-I", bare, str(archive)),
            _alone(sys.executable, "-I", str(script), str(archive), "--key", key),
        )
        for _ in range(PAIRS)
    ]
    told = ", ".join(f"{hashing.seconds:.2f} : {verifying.seconds:.2f}" for hashing, verifying in pairs)
    ratio = median_ratio([(hashing.seconds, verifying.seconds) for hashing, verifying in pairs])
    yield Figure("bare hashing of the lines : verify.py", ratio, f"{told} s", least=0.5)
    yield Figure("memory of verify.py", max(each.megabytes for _, each in pairs), "MB", most=MEMORY)


class _Used(NamedTuple):
    said: str
    seconds: float
    megabytes: float


def _alone(*command: str, environment: dict[str, str] | None = None) -> _Used:
    """Runs a command in a process of its own; raises CalledProcessError when it fails."""
    alone = str(Path(__file__).with_name("alone.py"))
    run = subprocess.run(
        [sys.executable, "-I", alone, *command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True
    )
    found = json.loads(run.stdout)
    return _Used(found["said"], found["seconds"], found["bytes"] / 1e6)
