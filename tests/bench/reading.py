"""What a page of fifty submissions costs in a long table, against a short one: as a list, and by the usual filters."""

import json
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.db import connections

from jobs_app import listing
from jobs_app.actors import SUBMISSION_SCOPES, Scope
from jobs_app.models import ApiToken, Submission, User
from tests.bench import web
from tests.bench.databases import Database, copies
from tests.bench.figures import FULL, Figure, median_ratio
from tests.bench.web import Call
from tests.conftest import token_of
from tests.examples import SPACE
from tests.rows import numbered

FEW = 10_000
MANY = 1_000_000 if FULL else 100_000
CALLS = 40  # of a kind in a turn
ROUNDS = 5 if FULL else 3
MOST = 1.5
QUEUED = 500  # the newest, in both tables; all others have ended
LAST = datetime(2026, 11, 1, tzinfo=UTC)
APART = timedelta(seconds=10)
FIRST_TASK = 1309243162258300000
_FILL = """
SET work_mem = '256MB';
ALTER TABLE jobs_app_submission DISABLE TRIGGER USER;
CREATE TEMP TABLE made AS
  SELECT n, md5(n::text)::uuid AS id, CASE n %% 2 WHEN 0 THEN %(service)s END AS service,
         CASE n %% 2 WHEN 0 THEN %(token)s END AS token, CASE n %% 2 WHEN 1 THEN %(person)s END AS person,
         (ARRAY['copy', 'move', 'trash', 'extract', 'package'])[1 + n %% 5] AS operation,
         CASE WHEN n > %(count)s - %(queued)s THEN 'queued' WHEN n %% 20 = 0 THEN 'failed' ELSE 'succeeded' END
           AS status,
         'CHG-' || n / 3 AS reference, lpad(n::text, 32, '0') AS name,
         %(last)s - (%(count)s - n) * %(apart)s AS at
  FROM generate_series(1, %(count)s) AS n;
INSERT INTO jobs_app_submission (
  id, operation, request, request_sha256, space, source_space, reason, reference, warnings, source, service_id,
  token_id, person_id, accountable_id, status, hold, detail, conflict, approvals_needed, attempts, looks,
  task_id, outcome_basis, files_total, files_succeeded, files_failed, created_at, updated_at, finished_at
) SELECT id, operation, %(request)s, md5(n::text) || md5(name), %(space)s, %(space)s, 'CHG-20311 move of the archive',
         reference, '[]', 'api', service, token, person, %(person)s, status, '', '', '',
         0, 1, 0, CASE WHEN status <> 'queued' THEN (%(task)s + n)::text END,
         CASE WHEN status <> 'queued' THEN 'answer' END, 1, 0, 0, at, at, CASE WHEN status <> 'queued' THEN at END
  FROM made;
INSERT INTO jobs_app_submissionfile (submission_id, row, file_id, label, status)
  SELECT id, 0, 'F' || name, '', 'pending' FROM made;
INSERT INTO audit.event (seq, at, line, txid, action, outcome, actor, submission, status, operation, space, reference)
  SELECT nextval('audit.event_seq'), at, format('{"seq":%%s,"event":{"action":"submission.created"}}', n),
         pg_current_xact_id(), 'submission.created', 'ok', 'person:1', id, status, operation, %(space)s, reference
  FROM made;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE jobs_app_submission ENABLE TRIGGER USER;
"""
Filters = Callable[[int, int], dict[str, object]]

# The parameters of each page, for the size of the table and the number of the call: a full page, or the same few rows.
PAGES: dict[str, Filters] = {
    "newest page": lambda count, n: {},
    "page of a state": lambda count, n: {"status": ("failed", "succeeded")[n % 2]},
    "page of what has not ended": lambda count, n: {"final": "false"},
    "page of what has ended": lambda count, n: {"final": "true"},
    "page of an operation": lambda count, n: {"operation": ("copy", "move")[n % 2]},
    "page of a state and an operation": lambda count, n: {"status": "failed", "operation": "copy"},
    "page of a person": lambda count, n: {"createdBy": f"person:{User.objects.get().pk}"},
    "page of a reference": lambda count, n: {"reference": f"CHG-{count // 6 + n}"},
    "page of a file": lambda count, n: {"fileId": f"F{count // 2 + n:032d}"},
    "page of a task": lambda count, n: {"taskId": FIRST_TASK + count // 2 + n},
    "page of a time": lambda count, n: {"since": _at(count // 2), "until": _at(count // 2 - 200 - n)},
    "page of what has changed": lambda count, n: {"updatedSince": _at(200 + n)},
    "page in the middle": lambda count, n: {"cursor": _cursor(_at(count // 2 + n))},
}
OWN = "newest page of one's own"


def measure(person: User) -> Iterator[Figure]:
    """The pages come from web servers over eight connections; a time is that of a call, the median of many."""
    secrets = dict.fromkeys(PAGES, token_of("bench-readers", *SUBMISSION_SCOPES, owner=person))
    secrets[OWN] = token_of("bench-own", Scope.READ, owner=person)
    with copies("few", "many") as databases, ExitStack() as running:
        short, long = (_Table(*each, running) for each in zip(databases, (FEW, MANY), strict=True))
        for name, secret in secrets.items():
            pairs = [(long.milliseconds(name, secret), short.milliseconds(name, secret)) for _ in range(ROUNDS + 1)][1:]
            told = ", ".join(f"{ours:.1f} : {theirs:.1f}" for ours, theirs in pairs)
            yield Figure(f"{name}, {MANY:,} submissions : {FEW:,}", median_ratio(pairs), f"{told} ms", most=MOST)


class _Table:
    """So many submissions in a database of their own, and a web server that reads them."""

    def __init__(self, database: Database, count: int, running: ExitStack) -> None:
        self._count, self._use = count, database.use
        self._use()
        _fill(count)
        self._server = running.enter_context(web.running())

    def milliseconds(self, page: str, secret: str) -> float:
        self._use()
        filters, headers = PAGES.get(page, PAGES["newest page"]), {"Authorization": f"Bearer {secret}"}
        paths = [f"/api/v1/submissions/?{urlencode(filters(self._count, number))}" for number in range(CALLS)]
        _, taken = self._server.load([Call(path, headers=headers) for path in paths])
        return statistics.median(taken) * 1000


def _fill(count: int) -> None:
    """As the owner, with the triggers off; every submission has one file and one event."""
    token, person = ApiToken.objects.latest("pk"), User.objects.get()
    request = {name: value for name, value in numbered(0).items() if name != "reason"}
    known = {
        "count": count,
        "queued": QUEUED,
        "token": token.pk,
        "service": token.service_id,
        "person": person.pk,
        "last": LAST,
        "apart": APART,
        "task": FIRST_TASK,
        "space": SPACE,
        "request": json.dumps(request),
    }
    with connections["owner"].cursor() as cursor:
        cursor.execute(_FILL, known)
        cursor.execute("VACUUM (ANALYZE) jobs_app_submission, jobs_app_submissionfile, audit.event")


def _at(newer: int) -> str:
    """When the submission was made that so many newer ones followed."""
    return (LAST - newer * APART).isoformat()


def _cursor(before: str) -> str | None:
    """That of the page which begins behind this time."""
    return listing.page(Submission.objects.filter(created_at__lte=before), limit=1).older
