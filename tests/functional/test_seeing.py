"""What is seen of real processes: one submission in the log of web and worker, and in what Prometheus reads."""

import json
from typing import Any

import pytest
import requests

from jobs_app.actors import SUBMISSION_SCOPES
from jobs_app.models import Submission
from tests.conftest import token_of
from tests.examples import body
from tests.processes import CELERY, TOKEN, Processes, eventually, settled

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
METRICS_TOKEN = "a-token-of-prometheus"
QUIET = (*CELERY, "--quiet")  # as in production: without Celery's picture of itself


@pytest.fixture
def environment() -> dict[str, str]:
    # Celery warns of being root before any logging is set up; in production nobody is.
    return {"PORTAL_LOG_FORMAT": "json", "PORTAL_METRICS_TOKEN": METRICS_TOKEN, "PYTHONWARNINGS": "ignore"}


def start(own: Processes) -> None:
    own.worker(program=QUIET)
    own.beat(program=QUIET)


def lines(own: Processes) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in own.logs().splitlines() if line]
    assert all(isinstance(each, dict) for each in found)
    return found


def test_a_submission_is_followed_from_its_request_to_its_sending(own: Processes) -> None:
    secret = token_of("payroll", *SUBMISSION_SCOPES)
    web = own.web("--log-config", "docker/log.json")
    start(own)
    headers = {
        "Authorization": f"Bearer {secret}",
        "X-Request-ID": "payroll-4711",
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    }
    answer = requests.post(f"{web}/api/v1/submissions/", json=body("copy"), headers=headers, timeout=10)
    assert answer.status_code == 201
    id_ = answer.json()["id"]
    settled(Submission.objects.get(pk=id_))

    traffic = [
        each for each in lines(own) if each.get("logger") == "jobs_app.traffic" and each.get("submission") == id_
    ]
    asked, sent = (next(each for each in traffic if text in each["message"]) for text in ("POST", "sent: accepted"))
    assert asked["requestId"] == "payroll-4711"
    assert asked["traceId"] == sent["traceId"] == TRACE
    assert {"time", "level"} <= asked.keys()
    for hidden in (secret, TOKEN, METRICS_TOKEN):
        assert hidden not in own.logs()


def test_prometheus_sees_what_every_process_has_done(own: Processes) -> None:
    web = own.web("--log-config", "docker/log.json")
    start(own)
    secret = token_of("payroll", *SUBMISSION_SCOPES)
    answer = requests.post(
        f"{web}/api/v1/submissions/", json=body("copy"), headers={"Authorization": f"Bearer {secret}"}, timeout=10
    )
    settled(Submission.objects.get(pk=answer.json()["id"]))

    def told() -> str:
        return requests.get(f"{web}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10).text

    wanted = [
        'portal_http_requests_total{method="POST",route="/api/v1/submissions/",status="2xx"}',
        'portal_koodrive_calls_total{kind="create",status="200"}',
        'portal_submission_changes_total{from="sending",to="accepted"}',
        'portal_heartbeat_age_seconds{part="beat"}',
        'portal_heartbeat_age_seconds{part="worker"}',
        'portal_clock_difference_seconds{of="koodrive"}',
    ]
    eventually(lambda: all(each in told() for each in wanted), what="web, worker and beat are told of")
    assert requests.get(f"{web}/metrics", timeout=10).status_code == 404
