from datetime import datetime
from typing import Any

import pytest

from jobs_app.koodrive.sandbox import magic, views
from jobs_app.koodrive.sandbox.jobs import CANCELLED, COMPLETED, PENDING, RUNNING, Jobs, Plan, Task
from jobs_app.koodrive.sandbox.verify import Wanted

URL = "http://127.0.0.1:1"


class Time:
    """A clock that stands still unless it is put forward."""

    def __init__(self) -> None:
        self.now = datetime.fromisoformat("2024-08-12T07:22:33+00:00").timestamp()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def jobs(time: Time) -> Jobs:
    return Jobs(lambda: time.now)


def copy_of(*file_ids: str, **other: object) -> Wanted:
    values = {"task_type": 1, "action_type": 101, "source": "here", "target": "there", "folder": "Ffolder"} | other
    return Wanted(file_ids=file_ids, **values)  # type: ignore[arg-type]


def make(jobs: Jobs, wanted: Wanted) -> Task:
    return jobs.create(wanted, magic.plan(wanted))


def seen(task: Task, time: Time) -> dict[str, Any]:
    return views.detail(task, time.now, views.Quirks(), url=URL)


def test_ids_are_text_grow_and_tell_the_time_of_creation(jobs: Jobs, time: Time) -> None:
    first, second = make(jobs, copy_of("Fa")), make(jobs, copy_of("Fb"))
    time.now += 0.001
    third = make(jobs, copy_of("Fc"))
    assert int(first.task_id) < int(second.task_id) < int(third.task_id)
    # The vendor prints the other id beside 2024-08-12T07:22:33.000Z.
    assert 0 <= (1486254586942472064 >> 23) - (int(first.task_id) >> 23) < 1000
    assert int(third.task_id) >> 23 == (int(first.task_id) >> 23) + 1


def test_a_task_waits_runs_and_completes(jobs: Jobs, time: Time) -> None:
    task = make(jobs, copy_of("Fa", "Fb"))
    assert (task.status(time.now), seen(task, time)["jobInfo"]["progress"]) == (PENDING, 0)
    time.now += 1.25
    running = seen(task, time)
    assert running["jobInfo"]["status"] == RUNNING
    assert running["jobInfo"]["progress"] == 50
    assert [file["status"] for file in running["taskInfos"]] == ["1", "0"]
    assert "taskResultCode" not in running["jobInfo"]
    time.now += 0.75
    assert task.status(time.now) == COMPLETED
    assert seen(task, time)["jobInfo"] == {
        "taskId": task.task_id,
        "taskName": "copy",
        "userId": views.USER,
        "tenantId": views.TENANT,
        "taskType": 1,
        "actionType": 101,
        "status": 2,
        "progress": 100,
        "taskResultCode": 1,
        "resultCode": 0,
        "contentNum": 2,
        "containerId": "there",
        "createTime": "20240812152233",
        "beginTime": "20240812152233",
        "endTime": "20240812152235",
    }


def test_speed_shortens_tasks(jobs: Jobs, time: Time) -> None:
    jobs.speed = 100
    task = make(jobs, copy_of("Fa"))
    time.now += 0.021
    assert task.status(time.now) == COMPLETED


@pytest.mark.parametrize(
    ("keywords", "whole", "files"),
    [
        (["succeeds", "succeeds"], 1, ["1", "1"]),
        (["succeeds", "fails"], 2, ["1", "2"]),
        (["fails", "missing"], 3, ["2", "2"]),
        (["partly"], 2, ["2"]),
    ],
)
def test_the_whole_follows_from_the_files(
    jobs: Jobs, time: Time, keywords: list[str], whole: int, files: list[str]
) -> None:
    task = make(jobs, copy_of(*map(magic.file_id, keywords)))
    time.now += 10
    found = seen(task, time)
    assert found["jobInfo"]["taskResultCode"] == whole
    assert [file["status"] for file in found["taskInfos"]] == files


def test_a_failed_file_says_why_and_a_copied_one_where_the_copy_is(jobs: Jobs, time: Time) -> None:
    task = make(jobs, copy_of("Fa", magic.file_id("full")))
    time.now += 10
    good, bad = seen(task, time)["taskInfos"]
    assert good["newFilePath"] == f"/Ffolder/{good['newFileId']}"
    assert len(good["newFileId"]) == 33
    assert good["srcContainerId"] == "here"
    assert bad == {
        "fileId": magic.file_id("full"),
        "status": "2",
        "resultCode": "13000311",
        "resultDesc": "Insufficient space.",
        "srcContainerId": "here",
    }


def test_cancelling_keeps_what_is_done_and_stops_the_rest(jobs: Jobs, time: Time) -> None:
    task = make(jobs, copy_of("Fa", "Fb"))
    time.now += 1.25
    assert jobs.cancel(task)
    time.now += 10
    found = seen(task, time)
    assert found["jobInfo"]["status"] == CANCELLED
    assert "taskResultCode" not in found["jobInfo"]
    assert [file["status"] for file in found["taskInfos"]] == ["1", "0"]


def test_a_completed_task_stays_completed(jobs: Jobs, time: Time) -> None:
    task = make(jobs, copy_of("Fa"))
    time.now += 2
    assert not jobs.cancel(task)
    assert task.status(time.now) == COMPLETED


def test_a_task_cancelled_while_it_waits_never_began(jobs: Jobs, time: Time) -> None:
    task = make(jobs, copy_of("Fa"))
    jobs.cancel(task)
    time.now += 10
    found = seen(task, time)["jobInfo"]
    assert (found["status"], found["progress"]) == (CANCELLED, 0)
    assert "beginTime" not in found


def test_pages_are_newest_first_and_filtered(jobs: Jobs, time: Time) -> None:
    old, middle = make(jobs, copy_of("Fa")), make(jobs, copy_of("Fb", task_type=3, action_type=301))
    time.now += 2
    new = make(jobs, copy_of("Fc"))
    assert jobs.page(offset=0, limit=2) == [new, middle]
    assert jobs.page(offset=2, limit=2) == [old]
    assert jobs.page(offset=0, limit=9, task_type=1) == [new, old]
    assert jobs.page(offset=0, limit=9, status=COMPLETED) == [middle, old]
    assert jobs.page(offset=1, limit=1, task_type=1, status=COMPLETED) == []


@pytest.mark.parametrize(("password", "whole"), [("sandbox", 1), ("wrong", 3), ("", 3)])
def test_only_its_password_opens_a_locked_archive(jobs: Jobs, time: Time, password: str, whole: int) -> None:
    wanted = copy_of(magic.file_id("locked"), task_type=5, action_type=501, password=password)
    task = make(jobs, wanted)
    time.now += 10
    found = seen(task, time)
    assert task.task_result_code(time.now) == whole
    assert ("uncompressedFileList" in found) is (whole == 1)


def test_an_archive_is_listed_and_its_parts_are_unpacked(jobs: Jobs, time: Time) -> None:
    listed = make(jobs, copy_of("Fa", task_type=5, action_type=501))
    parts = make(jobs, copy_of("Fa", task_type=5, action_type=503, entries=("readme.txt", "reports/")))
    assert "uncompressedFileList" not in seen(listed, time)
    time.now += 10
    names = [entry["name"] for entry in seen(listed, time)["uncompressedFileList"]]
    assert "reports/2024/summary.pdf" in names
    unpacked = seen(parts, time)["uncompressedFileList"]
    assert [(entry["name"], entry["type"]) for entry in unpacked] == [("readme.txt", 1), ("reports/", 2)]
    assert all(entry["fileId"].startswith("F") for entry in unpacked)


def test_only_a_finished_package_has_a_download_link(jobs: Jobs, time: Time) -> None:
    task = make(jobs, copy_of("Fa", task_type=6, action_type=None))
    time.now += 3
    assert "downloadUrl" not in seen(task, time)["jobInfo"]
    time.now += 1
    assert seen(task, time)["jobInfo"]["downloadUrl"].startswith(f"{URL}/sandbox/packages/{task.task_id}.zip?")


def test_fields_can_be_absent(jobs: Jobs, time: Time) -> None:
    task = jobs.create(copy_of("Fa"), Plan())
    quirks = views.Quirks(absent=frozenset({"tenantId", "status"}))
    found = views.detail(task, time.now, quirks, url=URL)
    assert not {"tenantId", "status"} & {*found["jobInfo"], *found["taskInfos"][0]}
