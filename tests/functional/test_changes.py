"""Cancel, retry and download link, from the door to KooDrive and back, with real processes."""

import io
import urllib.request
import zipfile

from jobs_app.koodrive.sandbox import Sandbox
from jobs_app.koodrive.sandbox.magic import file_id as magic
from jobs_app.models import Submission
from tests.conftest import Api
from tests.examples import body, file_id
from tests.following import actions, naming
from tests.processes import eventually, settled


def submitted(service: Api, operation: str, *file_ids: str) -> Submission:
    answer = service.post("submissions/", naming(operation, *file_ids))
    assert answer.status_code == 201, answer.content
    return Submission.objects.get(pk=answer.json()["id"])


def test_a_running_task_is_cancelled(service: Api, sandbox: Sandbox) -> None:
    sandbox.speed = 1  # the task would run for a minute
    made = submitted(service, "copy", magic("slow"))
    eventually(lambda: Submission.objects.filter(pk=made.pk, status="running").exists(), what="it runs")
    answer = service.post(f"submissions/{made.pk}/cancel/", {})
    assert (answer.status_code, answer.json()["status"]) == (200, "running")
    [ended] = settled(made, patience=20)
    assert ended.status == "cancelled"
    assert [call.body for call in sandbox.received.of("cancel")] == [{"jobId": ended.task_id}]
    assert actions(made)[-3:] == ["cancel.requested", "task.cancel_asked", "task.finished"]


def test_what_failed_is_tried_again_and_nothing_else(service: Api, sandbox: Sandbox) -> None:
    [first] = settled(submitted(service, "copy", magic("fails"), file_id(1)))
    assert first.status == "partially_failed"
    answer = service.post(f"submissions/{first.pk}/retry/", {"reason": "second try"})
    assert answer.status_code == 201
    [second] = settled(Submission.objects.get(pk=answer.json()["id"]))
    assert (second.status, second.retry_of_id) == ("failed", first.pk)
    calls = sandbox.received.creates_by_file()
    assert (calls[magic("fails")], calls[file_id(1)]) == (2, 1)


def test_a_package_can_be_loaded_from_its_link(service: Api, sandbox: Sandbox) -> None:
    answer = service.post("submissions/", body("package"))
    [made] = settled(Submission.objects.get(pk=answer.json()["id"]))
    link = service.post(f"submissions/{made.pk}/download-link/", {}).json()
    with urllib.request.urlopen(link["url"], timeout=5) as response:
        package = zipfile.ZipFile(io.BytesIO(response.read()))
    assert len(package.namelist()) == made.files_total
