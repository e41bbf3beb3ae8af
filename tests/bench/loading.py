"""Fills trails of any length to measure, each in a copy of the run's database."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.db import connections
from psycopg import sql

from jobs_app import audit
from jobs_app.audit import keys, seal
from jobs_app.models import User
from tests.bench import events
from tests.bench.databases import Database, copies

BLOCK = 2000  # rows handed over at once
_SUBMISSIONS = """
INSERT INTO jobs_app_submission (
  id, operation, request, request_sha256, space, source_space, reason, reference, warnings, source, person_id,
  accountable_id, status, hold, detail, conflict, approvals_needed, attempts, looks, files_total, files_succeeded,
  files_failed, created_at, updated_at, finished_at
) SELECT submission, operation, event->>'request', event->>'requestSha256', space, coalesce(source, space),
         event->>'reason', reference, '[]', 'web', %s, %s, 'cancelled', '', '', '', 0, 1, 0, 1, 0, 0, at, at, at
  FROM audit.event, LATERAL (SELECT line::jsonb->'event' AS event) AS parsed WHERE action = 'submission.created'
"""
_FILES = """
INSERT INTO jobs_app_submissionfile (submission_id, row, file_id, label, status, new_file_id)
SELECT id, 0, request::jsonb #>> '{taskInfo,fileInfo,0,fileId}', '', 'succeeded',
       CASE operation WHEN 'copy' THEN 'F' || md5(id::text) END FROM jobs_app_submission
"""


class Trail:
    """A sealed trail of so many events in a database of its own, with the submissions and files that they tell of."""

    def __init__(self, database: Database, count: int) -> None:
        self.count = count
        self.use = database.use  # From now on Django's connections lead to it.

    def load(self, person: User) -> None:
        """Fills it as its owner, with the triggers off and without the indexes, which are made again when all is in."""
        with connections["owner"].cursor() as cursor:
            cursor.execute("SET maintenance_work_mem = '1GB'")
            cursor.execute("SELECT setval('audit.event_seq', %s)", [self.count + self.count // 100 + 1])
            audit.make_partitions()
            with _without_triggers(cursor), _without_indexes(cursor):
                cursor.execute("TRUNCATE audit.event, audit.seal, audit.actor_name")
                _copy(cursor, sql.SQL("audit.event"), events.COLUMNS, events.rows(self.count))
                _copy(cursor, sql.SQL("audit.actor_name"), ("actor", "salt", "name", "hash"), _names())
                _store_submissions(cursor, person)
            cursor.execute("VACUUM (ANALYZE) audit.event, jobs_app_submission, jobs_app_submissionfile")
        seal.seal_all(keys.private())

    def has_the_columns_of_its_lines(self) -> bool:
        """Whether its columns are those that the database reads out of a line; slow with a long trail."""
        self.use()
        columns = sql.SQL(", ").join(map(sql.Identifier, events.READ_OUT))
        statement = sql.SQL(
            "SELECT count(*) FROM audit.event "
            "WHERE ({}) IS DISTINCT FROM (SELECT ({}) FROM audit.columns(line::jsonb->'event'))"
        )
        with connections["owner"].cursor() as cursor:
            cursor.execute(statement.format(columns, columns))
            return bool(cursor.fetchone()[0] == 0)


@contextmanager
def trails(person: User, *counts: int) -> Iterator[list[Trail]]:
    """Loaded trails of these lengths."""
    with copies(*map(str, counts)) as databases:
        made = [Trail(database, count) for database, count in zip(databases, counts, strict=True)]
        for trail in made:
            trail.use()
            trail.load(person)
        yield made


@contextmanager
def _without_triggers(cursor: Any) -> Iterator[None]:
    cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit.event'::regclass")
    tables = ["audit.event", "audit.seal", *(row[0] for row in cursor.fetchall()), "jobs_app_submission"]
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@contextmanager
def _without_indexes(cursor: Any) -> Iterator[None]:
    """Without those of the trail, but for its key."""
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indrelid = 'audit.event'::regclass AND NOT indisprimary"
    )
    indexes = cursor.fetchall()
    cursor.execute(f"DROP INDEX {', '.join(name for name, _ in indexes)}")
    yield
    for _, definition in indexes:
        cursor.execute(definition.replace(" ON ONLY ", " ON "))


def _copy(cursor: Any, table: sql.Composable, columns: Iterable[str], rows: Iterator[str]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table, sql.SQL(", ").join(map(sql.Identifier, columns)))
    with cursor.copy(statement) as copy:
        while block := "".join(islice(rows, BLOCK)):
            copy.write(block)


def _names() -> Iterator[str]:
    return ("\t".join(row) + "\n" for row in events.names())


def _store_submissions(cursor: Any, person: User) -> None:
    """The rows beside the trail, as far as a search asks them: which file went through which submission."""
    cursor.execute(_SUBMISSIONS, [person.pk, person.pk])
    cursor.execute(_FILES)
    # The constraints are checked here, while the triggers of the trail are off.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
