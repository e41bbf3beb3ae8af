"""The line of a search: what it says, and that it reads back as itself."""

from datetime import UTC, datetime

import pytest

from jobs_app.audit.search import Query
from jobs_app.errors import Invalid


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("", ""),
        ("action:send.unknown", "action:send.unknown"),
        ("ACTION:Send.Unknown,send.accepted", "action:send.unknown,send.accepted"),
        ("action:send.unknown action:send.accepted", "action:send.unknown,send.accepted"),
        ('actor:"Zhang Wei"  CHG', 'actor:"Zhang Wei" CHG'),
        ("since:2027-03-01", "since:2027-03-01T00:00:00Z"),
        ("until:2027-03-31", "until:2027-04-01T00:00:00Z"),
        ("since:2027-03-01T08:00:00+08:00", "since:2027-03-01T00:00:00Z"),
        ('"two words" one', '"two words" one'),
        ('"http://x" 12:30', '"http://x" "12:30"'),
        ("token:token:12", "token:12"),
        ("ip:2001:DB8::1", "ip:2001:db8::1"),
        ("file:F1 file:F2", "file:F1 file:F2"),
        ("reads:yes", "reads:yes"),
        ("outcome:denied actor:olga outcome:failed", "actor:olga outcome:denied,failed"),
    ],
)
def test_a_line_is_written_in_one_way_and_reads_back(line: str, written: str) -> None:
    query = Query.read(line)
    assert query.line == written
    assert Query.read(written) == query


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("file:", "Give a value behind file:"),
        ('actor:olga file: "x"', "Give a value behind file:"),
        ('file:""', "Give a value behind file:"),
        ("colour:red", "There is no qualifier 'colour'"),
        ("action:send.everything", "'send.everything' is not one of"),
        ("outcome:bad", "'bad' is not one of ok, denied, failed"),
        ("submission:7", "'7' is no id"),
        ("since:yesterday", "Give a day"),
        ("until:2027-03-31T12:00:00", "with its offset"),
        ("since:2027-13-01", "Give a day"),
        ("since:9999-99-99", "Give a day"),
        ("until:9999-12-31", "Give a day"),
        ("ip:300.1.1.1", "is no IP address"),
        ("token:twelve", "Give the number of a token"),
        ("reads:maybe", "Give yes or no"),
        ("file:\x01", "Remove control characters"),
        ('"\x01"', "Remove control characters"),
    ],
)
def test_what_cannot_be_understood_is_told(line: str, told: str) -> None:
    with pytest.raises(Invalid) as caught:
        Query.read(line)
    assert told in " ".join(problem.detail for problem in caught.value.problems)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        Query.read("colour:red since:never ip:x action:send.unknown")
    assert [problem.pointer for problem in caught.value.problems] == ["colour", "since", "ip"]


def test_only_the_whole_is_everything() -> None:
    assert Query.read("").is_everything
    assert Query.read("reads:yes").is_everything
    for line in ("actor:olga", "since:2027-03-01", "until:2027-03-01", "text"):
        assert not Query.read(line).is_everything


def test_the_last_day_of_an_end_is_the_day_that_was_given() -> None:
    assert Query.read("until:2027-03-31").last_day == datetime(2027, 3, 31, 23, 59, 59, 999999, UTC)


def test_searches_are_hidden_unless_asked_for() -> None:
    assert Query.read("actor:olga").hides_reads
    assert not Query.read("reads:yes").hides_reads
    assert not Query.read("action:trail.queried").hides_reads
