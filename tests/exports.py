"""Exports in tests: asked for and written without a worker process, and read back."""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.db import connections

from jobs_app import export_jobs, exporting
from jobs_app.models import Export, ExportPart, User
from tests.doors import operator_actor


def asked(person: User, kind: str = "archive", query: str = "", **more: str) -> Export:
    return exporting.request(kind, query, by=operator_actor(person), **more)


def never() -> bool:
    return False


def written(export: Export) -> Export:
    """The export, once all that waited was tried."""
    while export_jobs.write_next(stop=never):
        pass
    return Export.objects.get(pk=export.pk)


def content(export: Export) -> bytes:
    return b"".join(bytes(part.content) for part in ExportPart.objects.filter(export=export).order_by("number"))


def saved(export: Export, folder: Path) -> Path:
    path = folder / "pack.zip"
    path.write_bytes(content(export))
    return path


def members(export: Export) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content(export))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def shown_numbers(export: Export) -> list[int]:
    """The numbers of the events that an archive shows."""
    lines = [json.loads(line) for line in members(export)["events.ndjson"].splitlines()]
    return [line["seq"] for line in lines if "event" in line]


@contextmanager
def held_up() -> Iterator[None]:
    """Whoever wants to store a part of an export has to wait meanwhile."""
    known = connections["owner"].get_connection_params()
    address = {name: known[name] for name in ("host", "port", "user", "password", "dbname") if known.get(name)}
    with psycopg.connect(**address) as other:
        other.execute("LOCK TABLE jobs_app_exportpart IN EXCLUSIVE MODE")
        yield
