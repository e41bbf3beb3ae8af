"""An evidence pack tells its story from its own lines, in two languages, and proves itself."""

import hashlib
import html
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from jobs_app import approvals, audit, dispatch, resolving, submissions
from jobs_app.actors import COMMAND_LINE, Channel
from jobs_app.audit import Action, keys, seal
from jobs_app.koodrive.client import Client
from jobs_app.koodrive.sandbox import Fault, Kind, Sandbox
from jobs_app.koodrive.sandbox.magic import file_id as magic
from jobs_app.models import Event, Submission, User
from jobs_app.operations import BY_NAME
from jobs_app.packs.chinese import ACTIONS, CHANNELS, OPERATIONS, STATES
from jobs_app.packs.phrases import PHRASES
from jobs_app.states import State
from tests.doors import empty_the_trail, operator_actor, past_the_guards
from tests.examples import SPACE, body, file_id
from tests.exports import asked, members, saved, written
from tests.following import Send, naming, polled, sent

NASTY = "<script>alert(1)</script> & \"quotes\" {braces} 'single'"


def text(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


def cells(page: str, *wanted: str) -> list[list[str]]:
    """The rows of all tables that hold these texts."""
    rows = [re.findall(r"<td>(.*?)</td>", row, re.S) for row in re.findall(r"<tr>(.*?)</tr>", page, re.S)]
    plain = [[html.unescape(cell) for cell in row] for row in rows]
    return [row for row in plain if all(any(each in cell for cell in row) for each in wanted)]


def seq_of(made: Submission, action: str) -> str:
    return str(Event.objects.get(submission=made.pk, action=action).seq)


@pytest.fixture
def deleted(operator: User, approver: User, client: Client, sandbox: Sandbox) -> Submission:
    """A deletion for good from the request to its end, partly failed."""
    given = naming(
        "delete", magic("fails"), file_id(1), reason=NASTY, reference="CHG-7", labels={file_id(1): "中文 <b>"}
    )
    made = submissions.submit(given, by=operator_actor(operator))
    approvals.approve(made, by=operator_actor(approver), request_sha256=made.request_sha256, comment="seen & agreed")
    sent(made, client)
    sandbox.clock.advance(60)
    return polled(made, client)


def pack(auditor: User, made: Submission) -> dict[str, str]:
    return members(written(asked(auditor, "evidence", f"submission:{made.pk}")))


def test_the_story_of_one_submission_with_the_numbers_of_its_events(
    auditor: User, operator: User, approver: User, deleted: Submission
) -> None:
    files = pack(auditor, deleted)
    english, chinese = files["cover-en.html"], files["cover-zh.html"]
    created, approved = seq_of(deleted, "submission.created"), seq_of(deleted, "submission.approved")
    for what, value, number in (
        ("Operation", "Delete for good", created),
        ("Reason", NASTY, created),
        ("Reference", "CHG-7", created),
        ("Requested by", f"olga (person:{operator.pk})", created),
        ("From address", "192.0.2.7", created),
        ("From space", SPACE, created),
        ("Items (contents of folders not counted)", "2", created),
    ):
        assert [what, value, number] in cells(english, value), what
    [decision] = cells(english, "submission.approved")
    assert decision[0] == approved
    assert f"anton (person:{approver.pk})" in decision[3]
    assert "comment: seen & agreed" in decision[4]
    [intended] = cells(english, "send.intended")
    assert f"trace id: {deleted.trace_id}" in intended[4]
    [accepted] = cells(english, "send.accepted")
    assert f"KooDrive task: {deleted.task_id}" in accepted[4]
    finished = seq_of(deleted, "task.finished")
    [failed] = [row for row in cells(english, magic("fails")) if row[-1] == finished]
    assert failed[2].startswith("failed 1")
    assert ["中文 <b>", file_id(1), "succeeded", "–", finished] in cells(english, file_id(1))
    assert ["操作", "彻底删除", created] in cells(chinese, "彻底删除")
    assert "审批人批准了哈希值与此完全一致的请求" in chinese
    assert "export.requested" in english
    for page in (english, chinese):
        assert "<script" not in page
        assert NASTY in text(page)
        assert "http://" not in re.sub(r"<p>.*?</p>|<td>.*?</td>", "", page)


def test_every_number_on_the_sheets_is_that_of_an_event_in_the_pack(auditor: User, deleted: Submission) -> None:
    files = pack(auditor, deleted)
    shown = {str(line["seq"]) for line in map(json.loads, files["events.ndjson"].splitlines()) if "event" in line}
    rows = [row for row in cells(files["cover-en.html"]) if len(row) == 3 or len(row) == 5]
    told = {row[-1] if len(row) == 3 or not row[0].isdigit() else row[0] for row in rows}
    assert told <= shown
    assert len(told) > 5


def test_what_is_proved_and_what_is_not(auditor: User, deleted: Submission, tmp_path: Path) -> None:
    seal.seal_all(keys.private())
    made = written(asked(auditor, "evidence", f"submission:{deleted.pk}"))
    files = members(made)
    manifest = json.loads(files["manifest.json"])
    said = text(files["cover-en.html"])
    shown = manifest["events"] - manifest["withheld"]
    assert f"sealed up to event {manifest['sealedUpToSeq']} (seal {manifest['newestSeal']})" in said
    assert f"Of the {shown} events that it shows, {shown - 1} are sealed; 1 are not sealed yet" in said
    assert "not prove that what they say is true" in said
    assert manifest["anchorsMissing"][0] in said
    assert manifest["keyIds"][0] in said
    with zipfile.ZipFile(saved(made, tmp_path)) as archive:
        assert hashlib.sha256(archive.read("events.ndjson")).hexdigest() in said


def test_the_auditors_program_says_whole_of_a_pack(auditor: User, deleted: Submission, tmp_path: Path) -> None:
    seal.seal_all(keys.private())
    path = saved(written(asked(auditor, "evidence", f"submission:{deleted.pk}")), tmp_path)
    (tmp_path / "verify.py").write_text(zipfile.ZipFile(path).read("verify.py").decode())
    command = [sys.executable, "-I", "-S", "verify.py", str(path), "--key", keys.raw(keys.private()).hex()]
    said = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout[:6]) == (0, "WHOLE:"), said


def test_a_doubt_that_a_person_closed(auditor: User, operator: User, client: Client, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(Kind.STATUS, status=500, body="{}"))
    made = submissions.submit(body("copy"), by=operator_actor(operator))
    dispatch.send(made.pk, client=client)
    made.refresh_from_db()
    assert made.status == "unknown"
    resolving.close(made, reason="nobody can tell", by=operator_actor(operator))
    english = pack(auditor, made)["cover-en.html"]
    [closed] = cells(english, "doubt.closed")
    assert "reason: nobody can tell" in closed[4]
    assert "Outcome unknown → Closed without certainty" in closed[4]
    query = members(written(asked(auditor, "evidence", f"actor:person:{operator.pk}")))["cover-en.html"]
    assert cells(query, "nobody can tell", "doubt.closed")


def test_a_query_in_numbers_with_a_line_for_each_submission(
    auditor: User, operator: User, deleted: Submission, send: Send
) -> None:
    send(file_id(5))
    audit.record(Action.SESSION_REFUSED, by=COMMAND_LINE, outcome="denied", count=17)
    since = Event.objects.filter(submission=deleted.pk).earliest("seq").at.isoformat().replace("+00:00", "Z")
    files = members(written(asked(auditor, "evidence", f"since:{since}")))
    english, chinese = files["cover-en.html"], files["cover-zh.html"]
    assert ["Delete for good: created", "1"] in cells(english)
    assert ["Delete for good: Finished with failures", "1"] in cells(english)
    assert ["Copy: created", "1"] in cells(english)
    assert ["Failed sign-ins", "17"] in cells(english)
    assert ["彻底删除: 部分失败", "1"] in cells(chinese)
    [line, deletion] = cells(english, str(deleted.pk))
    first, last = seq_of(deleted, "submission.created"), seq_of(deleted, "task.finished")
    assert line[:4] == [f"{first} – {last}", str(deleted.pk), "Delete for good", "2"]
    assert "anton (person:" in deletion[-1]
    assert f"(Event {seq_of(deleted, 'submission.approved')})" in deletion[-1]


def test_a_name_that_was_erased_is_an_id(auditor: User, operator: User, deleted: Submission) -> None:
    past_the_guards(f"UPDATE audit.actor_name SET name = NULL, salt = NULL WHERE actor = 'person:{operator.pk}'")
    english = pack(auditor, deleted)["cover-en.html"]
    assert "olga" not in english
    assert cells(english, f"person:{operator.pk}")


def test_of_what_nothing_is_known_it_says_so(auditor: User) -> None:
    query = "submission:00000000-0000-4000-8000-000000000000"
    said = text(members(written(asked(auditor, "evidence", query)))["cover-en.html"])
    assert "isn't in this archive" in said


def test_everything_has_words_in_both_languages() -> None:
    assert set(ACTIONS) == set(Action)
    assert set(STATES) == set(State)
    assert set(OPERATIONS) == set(BY_NAME)
    assert set(CHANNELS) == set(Channel)
    for english, chinese in PHRASES.values():
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", chinese))


def test_the_command_writes_a_query_with_its_sheets(auditor: User, deleted: Submission, tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    call_command("export_audit", "--out", str(path), "--query", f"submission:{deleted.pk} outcome:ok", "--evidence")
    with zipfile.ZipFile(path) as archive:
        assert {"cover-en.html", "cover-zh.html"} <= set(archive.namelist())
        assert json.loads(archive.read("manifest.json"))["selection"] == f"submission:{deleted.pk} outcome:ok"
    call_command("verify_audit", "--archive", str(path))
    with pytest.raises(CommandError, match="no qualifier 'colour'"):
        call_command("export_audit", "--out", str(path), "--query", "colour:red")
    with pytest.raises(CommandError, match="not with --submission"):
        call_command("export_audit", "--out", str(path), "--query", "x", "--submission", str(deleted.pk))


def test_tasks_that_the_portal_did_not_send_are_named(auditor: User) -> None:
    empty_the_trail()
    told = {"since": "2027-03-01T00:00:00Z", "until": "2027-03-02T00:00:00Z", "complete": True, "seen": 9}
    audit.record(Action.TASKS_COMPARED, by=COMMAND_LINE, foreign=0, new=0, tasks=[], **told)
    tasks = [{"taskId": "4711", "taskType": 2, "actionType": 202, "createdAt": None}]
    found = audit.record(Action.TASKS_COMPARED, by=COMMAND_LINE, foreign=1, new=1, tasks=tasks, **told)
    audit.record(Action.TASKS_NOTED, by=COMMAND_LINE, task="4711", note="by hand, agreed")
    page = members(written(asked(auditor, "evidence", "")))["cover-en.html"]
    [row] = cells(page, "tasks: 4711 (1)")
    assert row[0] == str(found.seq)
    assert cells(page, "note: by hand, agreed")
