"""/metrics: the right numbers for known rows, who may read them, what they cost, and that all processes are summed."""

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings as portal
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from jobs_app import audit, dispatch, meters, metrics, pauses, pulse, submissions
from jobs_app.actors import COMMAND_LINE
from jobs_app.audit import Action, seal
from jobs_app.koodrive.client import Client as KooDrive
from jobs_app.koodrive.rate import Rate
from jobs_app.models import Callback, Event, Heartbeat, Notice, Submission, User
from tests.conftest import Api
from tests.doors import operator_actor
from tests.examples import body
from tests.processes import ROOT
from tests.servers import Broker
from tests.services import make_service

MOST_STATEMENTS = 14
Figures = dict[tuple[str, ...], float]


@pytest.fixture(autouse=True)
def _asked_anew(database: None, counting_anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "FRESH", 0.0)


def figures() -> Figures:
    """Every sample by its name and the values of its labels, in the order of their names."""
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


# --- What the database knows -----------------------------------------------------------------------------------------
def test_open_submissions_are_counted_with_the_age_of_the_oldest(operator: User) -> None:
    by = operator_actor(operator)
    made = [submissions.submit(body("copy", reason=f"CHG-{n}"), by=by) for n in range(3)]
    submissions.submit(body("delete"), by=by)
    Submission.objects.using("owner").filter(pk=made[1].pk).update(created_at=Now() - timedelta(hours=1))
    Submission.objects.filter(pk=made[2].pk).update(due_at=Now() - timedelta(seconds=90))
    found = figures()
    assert found["portal_submissions", "queued"] == 3
    assert found["portal_submissions", "awaiting_approval"] == 1
    assert found["portal_submissions", "unknown"] == 0
    assert ("portal_submissions", "succeeded") not in found
    assert found["portal_submission_oldest_age_seconds", "queued"] == pytest.approx(3600, abs=60)
    assert found["portal_submission_oldest_age_seconds", "unknown"] == 0
    assert found["portal_queue_wait_seconds",] == pytest.approx(90, abs=60)
    assert found["portal_unknown_oldest_age_seconds",] == 0


def test_what_is_free_to_go_does_not_wait_while_all_is_paused(operator: User) -> None:
    made = submissions.submit(body("copy"), by=operator_actor(operator))
    Submission.objects.filter(pk=made.pk).update(due_at=Now() - timedelta(hours=1))
    pauses.stop("audit week", by=operator_actor(operator))
    found = figures()
    assert found["portal_queue_wait_seconds",] == 0
    assert (found["portal_pauses", "person"], found["portal_pauses", "unreachable"]) == (1, 0)


def test_signs_of_life_tell_their_age_and_what_never_lived_is_absent() -> None:
    pulse.beat("worker")
    pulse.beat("beat")
    Heartbeat.objects.filter(part="beat").update(at=Now() - timedelta(seconds=500))
    found = figures()
    assert found["portal_heartbeat_age_seconds", "worker"] < 60
    assert found["portal_heartbeat_age_seconds", "beat"] == pytest.approx(500, abs=60)
    assert ("portal_heartbeat_age_seconds", "sealer") not in found


def test_the_trail_tells_what_is_not_sealed_and_not_proved(empty_trail: None, key: Ed25519PrivateKey) -> None:
    def happen(action: Action = Action.SESSION_STARTED, **told: Any) -> None:
        audit.record(action, by=COMMAND_LINE, **told)

    happen()
    assert ("portal_seal_age_seconds",) not in figures()
    seal.seal_all(key)
    found = figures()
    assert (found["portal_unsealed_events",], found["portal_unsealed_oldest_age_seconds",]) == (0, 0)
    assert found["portal_seal_age_seconds",] < 60
    happen(Action.TRAIL_VERIFIED, sealedUpToSeq=Event.objects.latest("seq").seq)
    happen()
    found = figures()
    assert (found["portal_unsealed_events",], found["portal_unverified_events",]) == (2, 2)
    assert 0 < found["portal_unsealed_oldest_age_seconds",] < 60
    assert (found["portal_trail_broken",], found["portal_trail_verified_age_seconds",] < 60) == (0, True)
    happen(Action.TRAIL_VERIFIED, outcome="failed", detail="Event 1 was changed.")
    assert figures()["portal_trail_broken",] == 1


def test_what_waits_to_be_told_is_counted(operator: User) -> None:
    for number in range(3):
        due = Now() + timedelta(hours=number - 1)
        Notice.objects.create(
            person=operator, kind="task_ended", key=str(number), at=Now(), in_portal=True, mail="waiting", due_at=due
        )
    callback = Callback.objects.create(
        service=make_service(), url="https://example.com/", secret=b"", position=0, failures=5
    )
    callback.deliveries.create(body="{}")
    found = figures()
    assert found["portal_mail_due",] == 2
    assert (found["portal_callback_deliveries_waiting",], found["portal_callbacks_failing",]) == (1, 1)


def test_the_clock_of_the_database_is_compared() -> None:
    assert abs(figures()["portal_clock_difference_seconds", "database"]) < 5


# --- What processes count --------------------------------------------------------------------------------------------
def test_requests_are_counted_by_route_and_hold_no_id_and_no_secret(service: Api) -> None:
    made = service.post("submissions/", body("copy")).json()
    service.get(f"submissions/{made['id']}/")
    service.get("submissions/not-a-number/")
    Client().get("/sign-in/set/abc/a-secret-token/")
    Client().generic("BREW", "/healthz")
    found = figures()
    assert found["portal_http_requests_total", "POST", "/api/v1/submissions/", "2xx"] == 1
    assert found["portal_http_requests_total", "GET", "/api/v1/submissions/<uuid:pk>/", "2xx"] == 1
    assert found["portal_http_request_duration_seconds_count", "POST", "/api/v1/submissions/"] == 1
    assert found["portal_http_request_duration_seconds_bucket", "+Inf", "POST", "/api/v1/submissions/"] == 1
    assert any(labels[1] == "other" for labels in found if labels[0] == "portal_http_requests_total")
    told = Client().get("/metrics").content.decode()
    assert made["id"] not in told
    assert "a-secret-token" not in told


def test_changes_of_state_are_counted_once_they_are_committed(operator: User) -> None:
    submissions.submit(body("copy"), by=operator_actor(operator))
    with transaction.atomic():
        submissions.submit(body("restore"), by=operator_actor(operator))
        transaction.set_rollback(True)
    assert figures()["portal_submission_changes_total", "none", "queued"] == 1


def test_calls_are_counted_with_what_came_of_them(operator: User, client: KooDrive) -> None:
    made = submissions.submit(body("copy"), by=operator_actor(operator))
    dispatch.send(made.pk, client=client)
    client.list_jobs(offset=0, limit=1)
    client.job_detail("7")
    found = figures()
    calls = {labels[1:]: value for labels, value in found.items() if labels[0] == "portal_koodrive_calls_total"}
    assert calls["create", "200"] == calls["list", "200"] == 1
    assert sum(value for (kind, _), value in calls.items() if kind == "detail") == 1
    assert found["portal_koodrive_call_duration_seconds_count", "create"] == 1
    assert found["portal_submission_changes_total", "queued", "sending"] == 1
    assert found["portal_submission_changes_total", "sending", "accepted"] == 1
    assert abs(found["portal_clock_difference_seconds", "koodrive"]) < 5


def test_waits_for_the_rate_are_counted() -> None:
    rate = Rate(1, portal.REDIS_URL)
    assert rate.wait_to_send(lambda: True)
    assert not rate.wait_to_send(lambda: True)
    assert figures()["portal_koodrive_permit_wait_seconds_count", "create"] == 2


def test_what_two_other_processes_have_counted_is_summed() -> None:
    counting = """if True:
        import django
        django.setup()
        from jobs_app import meters
        for number in range(1000):
            meters.count(meters.CHANGES, "none", "queued")
            meters.observe(meters.REQUEST_SECONDS, 0.3, "/", "GET")
    """
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings", "REDIS_URL": portal.REDIS_URL}
    started = [subprocess.Popen([sys.executable, "-c", counting], cwd=ROOT, env=environment) for _ in range(2)]
    assert [process.wait(60) for process in started] == [0, 0]
    found = figures()
    assert found["portal_submission_changes_total", "none", "queued"] == 2000
    assert found["portal_http_request_duration_seconds_bucket", "0.2", "GET", "/"] == 0
    assert found["portal_http_request_duration_seconds_bucket", "0.5", "GET", "/"] == 2000
    assert found["portal_http_request_duration_seconds_sum", "GET", "/"] == pytest.approx(600)


# --- When something is away ------------------------------------------------------------------------------------------
def test_without_the_broker_nothing_is_lost_and_the_rest_is_told(broker: Broker, monkeypatch: Any) -> None:
    broker.kill()
    meters.count(meters.CHANGES, "none", "queued")
    found = figures()
    assert (found["portal_up", "broker"], found["portal_up", "database"]) == (0, 1)
    assert ("portal_submissions", "queued") in found
    broker.start()
    monkeypatch.setattr(meters, "_silent_until", 0.0)
    found = figures()
    assert found["portal_up", "broker"] == 1
    assert found["portal_submission_changes_total", "none", "queued"] == 1


def test_without_the_database_the_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_STATES", "SELECT 'queued', 0, NULL FROM pg_sleep(3)")
    found = figures()
    assert (found["portal_up", "broker"], found["portal_up", "database"]) == (1, 0)
    assert found["portal_build_info", portal.PORTAL_VERSION] == 1
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() != ("2s",)


def test_what_another_version_counted_is_left_out() -> None:
    meters.count(meters.CALLS, "create")
    meters.count(meters.Metric("portal_gone_total", ""), "x")
    assert not any(name in ("portal_gone_total", "portal_koodrive_calls_total") for name, *_ in figures())


# --- Who may read, and what it costs ---------------------------------------------------------------------------------
@pytest.mark.parametrize("shown", ["", "Bearer wrong", "Bearer ", "Basic secret", "secret"])
def test_without_the_token_nobody_is_told_anything(settings: Any, shown: str) -> None:
    settings.METRICS_TOKEN, settings.IS_DEMO = "secret", False
    assert Client().get("/metrics", headers={"Authorization": shown}).status_code == 404


def test_whoever_shows_the_token_reads(settings: Any) -> None:
    settings.METRICS_TOKEN, settings.IS_DEMO = "secret", False
    answer = Client().get("/metrics", headers={"Authorization": "Bearer secret"})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert Client().post("/metrics", headers={"Authorization": "Bearer secret"}).status_code == 405


def test_a_production_without_a_token_tells_nobody(settings: Any, administrator: User) -> None:
    settings.METRICS_TOKEN, settings.IS_DEMO = "", False
    client = Client()
    client.force_login(administrator)
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_few_statements_tell_everything_and_are_asked_once_in_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    with CaptureQueriesContext(connection) as made:
        figures()
    assert len(made.captured_queries) <= MOST_STATEMENTS
    monkeypatch.setattr(metrics, "FRESH", 60.0)
    figures()
    with CaptureQueriesContext(connection) as made:
        figures()
    assert not made.captured_queries
