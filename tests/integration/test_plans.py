"""No list looks through what it doesn't show: every filter, alone, on a table in which little of it fits."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs_app import metrics
from jobs_app.actors import Role, Scope
from jobs_app.models import Batch, Callback, Service, User
from tests.conftest import Api, make_person, token_of
from tests.examples import file_id
from tests.rows import insert_queued

ROWS, FEW = 20_000, 20
# Twice a page, with room for what a filter and the pages beside it cost.
MOST_READ = 1_000
TABLES = ("jobs_app_submission", "jobs_app_submissionfile")
# All but the oldest have ended; those few differ from the rest in everything that a filter asks for.
SPREAD = f"""
    WITH numbered AS (SELECT id, row_number() OVER (ORDER BY created_at, id) AS n FROM jobs_app_submission)
    UPDATE jobs_app_submission s SET
      created_at = now() - ({ROWS} - n) * interval '1 minute', updated_at = now() - ({ROWS} - n) * interval '1 minute',
      status = CASE WHEN n <= {FEW} THEN 'queued' ELSE 'succeeded' END,
      operation = CASE WHEN n <= {FEW} THEN 'restore' ELSE 'copy' END,
      due_at = CASE WHEN n <= {FEW} THEN now() + interval '1 day' END,
      finished_at = CASE WHEN n > {FEW} THEN now() END,
      task_id = CASE WHEN n > {FEW} THEN n::text END,
      outcome_basis = CASE WHEN n > {FEW} THEN 'answer' END,
      reference = CASE WHEN n %% 100 = 0 THEN 'R-' || n END,
      person_id = CASE WHEN n > {FEW} THEN person_id END,
      accountable_id = CASE WHEN n > {FEW} THEN accountable_id END,
      service_id = CASE WHEN n <= {FEW} THEN %(service)s END,
      token_id = CASE WHEN n <= {FEW} THEN %(token)s END,
      batch_id = CASE WHEN n <= {FEW} THEN %(batch)s::uuid END,
      row = CASE WHEN n <= {FEW} THEN n END,
      retry_of_id = CASE WHEN n = 1 THEN (SELECT id FROM numbered WHERE n = 2) END
    FROM numbered WHERE numbered.id = s.id
"""


class Filled:
    """Who reads, and what there is to ask for."""

    def __init__(self, person: User) -> None:
        self.person, self.token = person, token_of("rare", Scope.READ)
        self.service = Service.objects.get(name="rare")
        self.batch = Batch.objects.create(
            total=FEW, source="api", service=self.service, token=self.service.tokens.get()
        )
        insert_queued(ROWS, person)
        with connections["owner"].cursor() as cursor:
            cursor.execute("ALTER TABLE jobs_app_submission DISABLE TRIGGER USER")
            cursor.execute(
                SPREAD,
                {"service": self.service.pk, "token": self.service.tokens.get().pk, "batch": str(self.batch.pk)},
            )
            cursor.execute("ALTER TABLE jobs_app_submission ENABLE TRIGGER USER")
            cursor.execute(f"VACUUM ANALYZE {', '.join(TABLES)}")
            cursor.execute("SELECT id FROM jobs_app_submission WHERE retry_of_id IS NOT NULL")
            self.repeated = str(cursor.fetchone()[0])
            cursor.execute("SELECT max(created_at), min(created_at) FROM jobs_app_submission")
            self.newest, self.oldest = (moment.isoformat() for moment in cursor.fetchone())

    def value(self, text: str) -> str:
        known = {"batch": str(self.batch.pk), "id": self.repeated, "newest": self.newest, "oldest": self.oldest}
        return text.format(service=self.service.pk, person=self.person.pk, **known)


@pytest.fixture(scope="module")
def filled(migrated: None, django_db_blocker: Any) -> Iterator[Filled]:
    with django_db_blocker.unblock():
        try:
            yield Filled(make_person("olga", Role.OPERATOR))
        finally:
            with connections["owner"].cursor() as cursor:
                cursor.execute("TRUNCATE jobs_app_user, jobs_app_service, jobs_app_batch CASCADE")


def plans(call: Any) -> list[dict[str, Any]]:
    """The plan of every query that the call makes, as it was carried out."""
    with CaptureQueriesContext(connection) as made:
        answer = call()
    assert answer.status_code == 200, answer.content
    found = []
    with connection.cursor() as cursor:
        for query in made.captured_queries:
            if query["sql"].startswith("SELECT"):
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
                [[plan]] = cursor.fetchall()
                found.append((plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"])
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def read(node: dict[str, Any]) -> float:
    """How many rows it looked at."""
    removed = sum(value for name, value in node.items() if name.startswith("Rows Removed by"))
    return float((node["Actual Rows"] + removed) * node["Actual Loops"])


def assert_by_index(plan: dict[str, Any], tables: tuple[str, ...] = TABLES) -> None:
    for node in nodes(plan):
        if node.get("Relation Name") in tables or "Index Name" in node:
            assert node["Node Type"] != "Seq Scan", json.dumps(plan, indent=1)
            assert read(node) <= MOST_READ, json.dumps(plan, indent=1)


QUERIES = {
    "none": {},
    "limit": {"limit": "200"},
    "status": {"status": "queued"},
    "several statuses": {"status": "queued,sending"},
    "a common status": {"status": "succeeded"},
    "final": {"final": "true"},
    "not final": {"final": "false"},
    "operation": {"operation": "restore"},
    "several operations": {"operation": "restore,move"},
    "a common operation": {"operation": "copy"},
    "made by a service": {"createdBy": "service:{service}"},
    "made by a person": {"createdBy": "person:{person}"},
    "task": {"taskId": "17000"},
    "file": {"fileId": file_id(4711)},
    "reference": {"reference": "R-500"},
    "batch": {"batch": "{batch}"},
    "retry": {"retryOf": "{id}"},
    "since": {"since": "{newest}"},
    "until": {"until": "{oldest}"},
    "updated since": {"updatedSince": "{newest}"},
    "nothing fits": {"status": "unknown", "operation": "delete"},
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_filter_of_the_list_uses_an_index(filled: Filled, query: dict[str, str]) -> None:
    parameters = {name: filled.value(text) for name, text in query.items()}
    for plan in plans(lambda: Api(person=filled.person).get("submissions/", **parameters)):
        assert_by_index(plan)


@pytest.mark.parametrize("query", [{}, {"final": "true"}, {"operation": "copy"}], ids=["all", "final", "operation"])
def test_the_pages_behind_it_do_too(filled: Filled, query: dict[str, str]) -> None:
    api = Api(person=filled.person)
    address = api.get("submissions/", limit=50, **query).json()["next"]
    for plan in plans(lambda: api.get("submissions/?" + address.partition("?")[2])):
        assert_by_index(plan)


def test_a_service_that_has_few_does_not_look_through_those_of_others(filled: Filled) -> None:
    api = Api(token=filled.token)
    for query in ({}, {"status": "queued"}, {"final": "true"}, {"operation": "copy"}):
        for plan in plans(lambda query=query: api.get("submissions/", **query)):
            assert_by_index(plan)


@pytest.mark.parametrize("path", ["", "files/", "events/", "entries/"])
def test_what_belongs_to_a_submission_is_found_by_it(filled: Filled, path: str) -> None:
    for plan in plans(lambda: Api(person=filled.person).get(f"submissions/{filled.repeated}/{path}")):
        assert_by_index(plan)


def test_what_prometheus_reads_is_found_by_an_index(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "FRESH", 0.0)
    found = plans(lambda: Client().get("/metrics"))
    assert any("submission_by_status" in json.dumps(plan) for plan in found)
    for plan in found:
        assert_by_index(plan)


def test_what_is_open_is_counted_by_an_index(filled: Filled) -> None:
    client = Client()
    client.force_login(make_person("anna", Role.ADMINISTRATOR))
    for plan in plans(lambda: client.get("/health/")):
        for node in nodes(plan):
            assert node["Node Type"] != "Seq Scan" or node["Relation Name"] not in TABLES, json.dumps(plan, indent=1)


def test_as_whom_the_portal_works_is_found_by_an_index(filled: Filled) -> None:
    client = Client()
    client.force_login(make_person("adele", Role.ADMINISTRATOR))
    for plan in plans(lambda: client.get("/credentials/")):
        assert_by_index(plan)


def test_changes_and_notices_are_read_on_by_an_index(filled: Filled) -> None:
    Callback.objects.create(service=filled.service, url="https://example.com/", secret=b"", position=0)
    api = Api(token=filled.token)
    with connection.cursor() as cursor:
        # They are few here; what can't do without a sequential scan has one all the same.
        cursor.execute("SET enable_seqscan = off")
        try:
            found = [
                *plans(lambda: api.get("changes/", after="1")),
                *plans(lambda: api.get("me/callback/deliveries/", state="pending", cursor=str(uuid4().int % 10**9))),
            ]
        finally:
            cursor.execute("SET enable_seqscan = on")
    tables = {node.get("Relation Name", "") for plan in found for node in nodes(plan)}
    assert "jobs_app_delivery" in tables
    for plan in found:
        for node in nodes(plan):
            assert node["Node Type"] != "Seq Scan" or node["Relation Name"] not in ("jobs_app_delivery", *TABLES)
