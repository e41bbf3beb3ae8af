"""An archive's password goes to KooDrive and is nowhere else in clear, whatever becomes of the submission."""

import html
import re
import secrets
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from jobs_app import encryption
from jobs_app.actors import SUBMISSION_SCOPES, Role
from jobs_app.koodrive.sandbox.magic import file_id
from jobs_app.models import ArchivePassword, Submission, User
from tests import searching
from tests.conftest import Api, make_person, token_of
from tests.doors import without_the_trail
from tests.examples import FOLDER, SPACE, body
from tests.integration.test_every_address import ALL, concrete
from tests.processes import TOKEN, Processes, settled
from tests.searching import Place, places_of
from tests.servers import HAS_OWN_DATABASE

CANARY = f"canary-{secrets.token_hex(12)}"
LOUD = f"loud-{secrets.token_hex(12)}"  # stands in every reason: what is searched would show it
LOGS = ("log", "log as JSON")
ENDS = {
    "succeeds": "succeeded",
    "fails": "failed",
    "refused": "refused",
    "down": "succeeded",
    "dropped": "unknown",
    "broken": "unknown",
}


@pytest.fixture
def environment() -> dict[str, str]:
    """As in production, where a line tells most."""
    return {"PORTAL_LOG_FORMAT": "json"}


def request_for(keyword: str, **changes: Any) -> dict[str, Any]:
    given = body("extract", password=CANARY, reason=LOUD, **changes)
    given["taskInfo"]["fileInfo"] = [{"fileId": file_id(keyword)}]
    return given


def form_for(keyword: str, **changes: str) -> dict[str, str]:
    fields = {"operation": "extract", "files": file_id(keyword, 2), "source": SPACE, "target": SPACE, "folder": FOLDER}
    return fields | {"password": CANARY, "reason": LOUD} | changes


def content(name: str, answer: Any) -> Place:
    return name, repr(answer.headers).encode() + answer.content


def submit_by_page(client: Client, keyword: str, seen: list[Place]) -> Submission:
    reviewed = client.post(reverse("review"), form_for(keyword))
    seen.append(content("review", reviewed))
    [sealed] = re.findall(r'name="sealed" value="([^"]+)"', reviewed.content.decode())
    answer = client.post(reverse("submit"), {"sealed": html.unescape(sealed), "acknowledged": "yes"})
    assert answer.status_code == 302, answer.content
    return Submission.objects.get(pk=answer.url.strip("/").rpartition("/")[2])


def submit_by_api(api: Api, given: dict[str, Any], seen: list[Place], path: str = "submissions/") -> Submission:
    answer = api.post(path, given)
    assert answer.status_code == 201, answer.content
    seen.append(content(f"POST {path}", answer))
    return Submission.objects.get(pk=answer.json()["id"])


def be_refused(client: Client, api: Api, seen: list[Place]) -> None:
    """Everything that goes wrong before something is stored."""
    bad_page = client.post(reverse("review"), form_for("succeeds", source=""))
    bad_fields = api.post("submissions/", request_for("succeeds", unknown=CANARY))
    bad_type = api.post("submissions/", request_for("succeeds") | {"password": [CANARY]})
    bad_json = Client().generic(
        "POST", "/api/v1/submissions/", f'{{"password": "{CANARY}", ', "application/json", headers=api._headers
    )
    assert {bad_page.status_code, bad_fields.status_code, bad_type.status_code, bad_json.status_code} <= {400, 422}
    with without_the_trail():
        broken = api.post("submissions/", request_for("succeeds"))
    assert broken.status_code == 503
    answers = {"form": bad_page, "fields": bad_fields, "type": bad_type, "JSON": bad_json, "broken trail": broken}
    seen += [content(f"refused for its {name}", answer) for name, answer in answers.items()]


def submit_all(client: Client, api: Api, seen: list[Place]) -> dict[Submission, str]:
    """Submissions of both doors, each with the state that it will come to."""
    made = {submit_by_api(api, request_for(keyword), seen): end for keyword, end in ENDS.items()}
    return made | {submit_by_page(client, "fails", seen): "failed"}


def try_again(client: Client, api: Api, failed: list[Submission], seen: list[Place]) -> list[Submission]:
    """The first one by the API, the other by its page."""
    again = {"password": CANARY, "reason": LOUD}
    by_api = submit_by_api(api, again, seen, f"submissions/{failed[0].pk}/retry/")
    assert client.post(reverse("retry", args=[failed[1].pk]), again).status_code == 302
    return [by_api, Submission.objects.get(retry_of=failed[1])]


def everything(folder: Path, caplog: pytest.LogCaptureFixture, rows: list[Submission]) -> Iterator[Place]:
    """What the portal keeps, and what each role and a service see of the submissions."""
    yield from (*searching.tables(), *searching.broker(), *searching.archive(folder))
    yield from (*searching.files(folder), *searching.logged(caplog.records))
    yield from searching.files(settings.DATA_DIR)
    addresses = [concrete(path, row.pk) for row in rows for path in ALL if "<uuid:pk>" in path or row is rows[0]]
    for role in Role:
        client = Client()
        client.force_login(make_person(f"sees-as-{role}", role))
        yield from searching.answers(role, client, [*addresses, "/admin/"])
    token = token_of("reader", *SUBMISSION_SCOPES)
    calls = [address for address in addresses if address.startswith("/api/")]
    yield from searching.answers("service", Client(), calls, authorization=f"Bearer {token}")


def test_an_archives_password_is_nowhere_in_clear(
    operator: User, own: Processes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    seen: list[Place] = []
    secret = token_of("payroll", *SUBMISSION_SCOPES)
    client, api = Client(), Api(token=secret)
    client.force_login(operator)
    be_refused(client, api, seen)
    made = submit_all(client, api, seen)
    assert {encryption.decrypt(each.ciphertext) for each in ArchivePassword.objects.all()} == {CANARY}
    seen += [*searching.tables(), *searching.broker()]

    own.worker()
    own.beat()
    assert {row.pk: row.status for row in settled(*made)} == {row.pk: end for row, end in made.items()}
    failed = [row for row, end in made.items() if end == "failed"]
    rows = [*made, *settled(*try_again(client, api, failed, seen))]
    calls = own.sandbox.received.of("create")
    assert len(calls) >= len(rows)
    assert all(call.has_password for call in calls)

    first = str(rows[0].pk)
    found = places_of(chain(seen, everything(tmp_path, caplog, rows)), CANARY, LOUD, first, secret, TOKEN)
    assert found[CANARY] == set()
    assert {name for name in found[secret] | found[TOKEN] if name in LOGS or name.endswith(".log")} == set()

    # That nothing is found proves something only where something can be found.
    stored = {f"public.jobs_app_submission as {form}" for form in ("text", "binary")}
    shown = {f"auditor at /submissions/{first}/", f"service at /api/v1/submissions/{first}/", "review"}
    assert stored | shown | {"audit.event_0 as text", "archive, events.ndjson"} <= found[LOUD]
    assert any(name.startswith("broker") for name in found[first])
    assert {*LOGS, "file worker-0.log"} <= found[first]
    assert any(name.startswith("file postgres") for name in found[LOUD]) or not HAS_OWN_DATABASE
    assert "ready" in own.logs()
