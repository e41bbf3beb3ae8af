"""What a search of the trail finds, page by page, whichever qualifier leads it."""

from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from jobs_app import audit, submissions
from jobs_app.actors import COMMAND_LINE, Actor, Channel, Kind
from jobs_app.audit import Action, keys, pages, read, seal
from jobs_app.audit.search import Query
from jobs_app.errors import UnreadableLine
from jobs_app.models import Event, Submission, SubmissionFile, User
from tests.doors import operator_actor, past_the_guards
from tests.examples import OTHER_SPACE, SPACE, body, file_id

pytestmark = pytest.mark.usefixtures("empty_trail")


def somebody(key: int) -> Actor:
    """Of numbers that no other test uses: what a name stands for is kept beyond a test."""
    return Actor(
        Kind.PERSON, 900_000 + key, f"name-{key}", Channel.WEB, "session", ip=f"192.0.2.{key}", request_id=f"req-{key}"
    )


def happen(count: int, key: int = 1, action: Action = Action.SESSION_STARTED, **details: Any) -> list[int]:
    return [audit.record(action, by=somebody(key), **details).seq for _ in range(count)]


def seqs(line: str, **options: Any) -> list[int]:
    return [each.seq for each in pages.page(Query.read(line), **options).lines]


def walk(line: str, limit: int = 3) -> list[int]:
    """The whole way down, and the same way up again."""
    query, cursor, down = Query.read(line), "", []
    while True:
        page = pages.page(query, cursor=cursor, limit=limit)
        assert len(page.lines) <= limit
        down += [each.seq for each in page.lines]
        if page.older is None:
            break
        cursor = page.older
    up, newer = [], page.newer
    while newer:
        before = pages.page(query, cursor=newer, limit=limit)
        up = [each.seq for each in before.lines] + up
        newer = before.newer
    assert up == down[: len(up)]
    return down


def test_everything_newest_first_and_no_event_twice_or_never() -> None:
    made = happen(10)
    assert walk("") == made[::-1]


def test_events_that_come_in_meanwhile_move_nothing() -> None:
    made = happen(6)
    first = pages.page(Query(), limit=3)
    happen(5)
    assert [each.seq for each in pages.page(Query(), cursor=first.older or "", limit=3).lines] == made[2::-1]


def test_several_values_of_a_qualifier_are_merged_in_order() -> None:
    made = []
    for round_ in range(4):
        made += happen(1, 1 + round_ % 3) + happen(1, 2, Action.SESSION_ENDED)
    wanted = [seq for number, seq in enumerate(made) if number % 2 or number in (0, 6)]
    assert walk("actor:person:900001 actor:person:900002", limit=2) == sorted({*wanted, made[2]}, reverse=True)


@pytest.mark.parametrize("examined", [1, 2, 3, 5, 7, 100])
@pytest.mark.parametrize(
    "line",
    [
        "actor:person:900002",
        "actor:person:900002 action:session.ended",
        "actor:person:900001 actor:person:900002",
        "needle",
    ],
)
def test_a_bounded_page_still_finds_everything(monkeypatch: pytest.MonkeyPatch, examined: int, line: str) -> None:
    for number in range(20):
        happen(
            1,
            1 + number % 3,
            [Action.SESSION_STARTED, Action.SESSION_ENDED][number % 2],
            note=["hay", "needle"][number % 7 == 0],
        )
    whole = walk(line)
    assert len(whole) > 2
    monkeypatch.setattr(pages, "EXAMINED", examined)
    assert walk(line) == whole


def test_a_page_that_gave_up_says_how_far_it_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    [needle] = happen(1, note="needle")
    made = happen(8, note="hay")
    monkeypatch.setattr(pages, "EXAMINED", 3)
    page = pages.page(Query.read("needle"))
    assert (page.lines, page.looked_to) == ([], made[-3])
    assert needle in walk("needle")


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ("action:session.ended", [2, 3]),
        ("actor:person:900003", [3]),
        ("actor:name-3", [3]),
        ("actor:NAME-3", [3]),
        ("actor:nobody", []),
        ("ip:192.0.2.2", [1, 2]),
        ("request:req-2", [1, 2]),
        ("outcome:failed", [4]),
        ("outcome:ok", [0, 1, 2, 3]),
        ("outcome:failed,denied", [4]),
        ("token:12", [4]),
        ("action:session.ended actor:person:900002", [2]),
        ("action:session.ended actor:person:900004", []),
        ('"50% of \\\\ a_b"', [1]),
        ("报告", [0]),
        ("REPORT 报告", [0]),
        ("50%%", []),
    ],
)
def test_each_qualifier_finds_what_it_names(line: str, fits: list[int]) -> None:
    made = happen(1, 1, note="Report 报告")
    made += happen(1, 2, note="50% of \\ a_b")
    made += happen(1, 2, Action.SESSION_ENDED)
    made += happen(1, 3, Action.SESSION_ENDED)
    made += happen(1, 4, Action.TOKEN_CREATED, token="token:12", outcome="failed")
    assert walk(line.replace("\\\\", "\\")) == [made[number] for number in reversed(fits)]


def test_a_request_is_found_by_everything_that_it_is_about(operator: User) -> None:
    values = body("copy", reference="CHG 20311")
    values["taskInfo"]["srcContainerId"] = OTHER_SPACE
    made = submissions.submit(values, by=operator_actor(operator))
    other = submissions.submit(body("trash"), by=operator_actor(operator))
    for line in (
        f"submission:{made.pk}",
        'reference:"CHG 20311"',
        f"space:{OTHER_SPACE}",
        f"space:{OTHER_SPACE} space:{SPACE} operation:copy",
        "operation:copy",
    ):
        assert [each.parsed["event"]["submission"] for each in pages.page(Query.read(line)).lines] == [str(made.pk)]
    both = pages.page(Query.read(f"space:{SPACE} space:{OTHER_SPACE}")).lines
    assert [each.parsed["event"]["submission"] for each in both] == [str(other.pk), str(made.pk)]


def test_the_history_of_a_file_follows_its_new_ids_both_ways(operator: User) -> None:
    made: list[Submission] = []
    for number in range(4):
        values = body("copy")
        values["taskInfo"]["fileInfo"] = [{"fileId": file_id(number)}]
        made.append(submissions.submit(values, by=operator_actor(operator)))
    for number in range(2):
        SubmissionFile.objects.filter(file_id=file_id(number)).update(new_file_id=file_id(number + 1))
    history = {str(row.pk) for row in made[:3]}
    for number in range(3):
        lines = pages.page(Query.read(f"file:{file_id(number)}")).lines
        assert {each.parsed["event"]["submission"] for each in lines} == history
    assert len(walk(f"file:{file_id(0)} file:{file_id(3)}", limit=1)) == 4
    assert seqs("file:unheard-of") == []


def test_times_narrow_the_search_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    made = happen(6)
    moments = dict(Event.objects.values_list("seq", "at"))
    whole = f"since:{moments[made[1]].isoformat()} until:{moments[made[4]].isoformat()}"
    assert walk(whole) == made[3:0:-1]
    assert seqs("since:2999-01-01") == seqs("until:1999-01-01") == []


def test_a_clock_that_was_set_back_hides_no_event() -> None:
    made = happen(6)
    back = f"UPDATE audit.event SET at = at - interval '5 minutes' WHERE seq > {made[3]}"
    past_the_guards(back)
    moments = dict(Event.objects.values_list("seq", "at"))
    late = moments[made[0]] - timedelta(minutes=1)
    assert seqs(f"since:{late.isoformat()}") == made[3::-1]
    assert seqs(f"until:{late.isoformat()}") == made[:3:-1]


def test_searches_of_the_trail_are_left_out_unless_asked_for() -> None:
    made = happen(2)
    [query] = happen(1, action=Action.TRAIL_QUERIED, query="x")
    assert seqs("") == made[::-1]
    assert seqs("reads:yes") == [query, *made[::-1]]
    assert seqs("action:trail.queried") == [query]


def test_going_on_by_number_gives_sealed_events_only() -> None:
    made = happen(5)
    assert pages.sealed(Query(), after=0, limit=10) == ([], None)
    seal.seal_all(keys.private())
    happen(1)
    lines, last = pages.sealed(Query(), after=made[0], limit=2)
    assert ([each.seq for each in lines], last) == (made[1:3], made[2])
    lines, last = pages.sealed(Query(), after=made[2], limit=2)
    assert ([each.seq for each in lines], last) == (made[3:], None)


def test_an_event_that_is_committed_late_is_not_missed_by_who_goes_on() -> None:
    with transaction.atomic():
        early = audit.record(Action.SESSION_STARTED, by=COMMAND_LINE).seq
        later = past_the_lock()
        assert pages.sealed(Query(), after=0, limit=10)[0] == []
    seal.seal_all(keys.private())
    assert [each.seq for each in pages.sealed(Query(), after=0, limit=10)[0]] == [early, later]


def past_the_lock() -> int:
    """An event of another connection, committed at once."""
    actor = '{"kind":"system","id":"system:x","name":"x"}'
    line = f'{{"action":"session.ended","outcome":"ok","channel":"worker","actor":{actor}}}'
    with closing(connection.copy("default")) as other, other.cursor() as cursor:
        cursor.execute("SELECT seq FROM audit.record(%s)", [[line]])
        return int(cursor.fetchone()[0])


def test_seal_of_an_event() -> None:
    [first, second] = happen(2)
    assert read.seal_of(second) is None
    assert read.seals([first, second]) == {}
    seal.seal_all(keys.private())
    [third] = happen(1)
    found = read.seal_of(first)
    assert found
    assert (found.n, found.published, found.text.splitlines()[1]) == (1, [], "n 1")
    assert read.seals([first, second, third]) == {first: 1, second: 1}


@pytest.mark.parametrize(
    "changed", ["rtrim(line, '}')", "replace(line, '\"actor\"', '\"x\"')", "'{\"seq\":' || seq || ',1:2}'"]
)
def test_a_line_that_was_made_unreadable_is_told_in_a_sentence(changed: str) -> None:
    [seq] = happen(1)
    past_the_guards(f"UPDATE audit.event SET line = {changed} WHERE seq = {seq}")
    [line] = pages.page(Query()).lines
    assert line.seq == seq
    with pytest.raises(UnreadableLine, match="verified"):
        _ = line.parsed
