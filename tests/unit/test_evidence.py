"""What speaks for a task, what against it, and what that comes to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from jobs_app import evidence
from jobs_app.evidence import Candidate, Wanted
from jobs_app.koodrive.answers import Detail, FileOutcome, Job
from jobs_app.operations import BY_NAME
from tests.examples import SPACE, TASK, file_id

SENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
USER = "40086000004871666-1"
WANTED = Wanted(BY_NAME["copy"], SPACE, frozenset({file_id(1), file_id(2)}), SENT, timedelta(seconds=63), USER)
JOB = Job(TASK, task_type=1, action_type=101, content_num=2, container_id=SPACE)
OTHER = UUID(int=7)


def candidate(
    *file_ids: str,
    job: Job = JOB,
    wanted: Wanted = WANTED,
    after: float | None = 1,
    user: str | None = USER,
    clock_is_known: bool = True,
    rivals: tuple[UUID, ...] = (),
    **told: Any,
) -> Candidate:
    files = [FileOutcome(each) for each in file_ids or (file_id(2), file_id(1))]
    detail = Detail(replace(job, user_id=user, **told), files, [])
    made_at = None if after is None else SENT + timedelta(seconds=after)
    found = evidence.examine(wanted, job, detail, made_at, clock_is_known=clock_is_known)
    return evidence.beside_rivals(found, rivals)


def fit(found: Candidate, what: str) -> bool | None:
    return next(reason.fits for reason in found.reasons if reason.what == what)


def test_the_same_files_in_any_order_at_the_right_time_are_a_match() -> None:
    found = candidate()
    assert found.matches
    assert {reason.what: reason.fits for reason in found.reasons} == dict.fromkeys(evidence.LABELS, True)
    assert evidence.judge([found], complete=True).certain is found


@pytest.mark.parametrize(
    ("changes", "what", "fits"),
    [
        ({"after": -6}, "time", False),
        ({"after": 63 + 900 + 1}, "time", False),
        ({"after": None}, "time", None),
        ({"clock_is_known": False}, "time", None),
        ({"user": "somebody-else"}, "user", False),
        ({"action_type": 102}, "action", False),
        ({"content_num": 3}, "count", False),
    ],
)
def test_what_does_not_fit_is_no_match(changes: dict[str, Any], what: str, fits: bool | None) -> None:
    found = candidate(**changes)
    assert not found.matches
    assert fit(found, what) is fits
    verdict = evidence.judge([found], complete=True)
    assert verdict.certain is None
    assert "exactly these files" in verdict.sentence


@pytest.mark.parametrize("file_ids", [(file_id(1),), (file_id(1), file_id(2), file_id(3)), (file_id(1), file_id(3))])
def test_fewer_more_or_other_files_are_another_task(file_ids: tuple[str, ...]) -> None:
    found = candidate(*file_ids)
    assert (found.matches, fit(found, "files")) == (False, False)
    assert "most likely never got it" in evidence.judge([found], complete=True).sentence


@pytest.mark.parametrize("after", [-5, 0, 63 + 900])
def test_the_window_is_from_the_call_to_well_after_the_lease(after: float) -> None:
    assert candidate(after=after).matches


def test_a_user_that_nobody_tells_speaks_neither_for_nor_against() -> None:
    assert candidate(user=None).matches
    nobody_known = replace(WANTED, user=None)
    assert candidate(wanted=nobody_known).matches


def test_a_task_that_is_not_shown_is_no_match() -> None:
    found = evidence.examine(WANTED, JOB, None, SENT, clock_is_known=True)
    assert (found.matches, fit(found, "files")) == (False, None)
    assert "doesn't tell the files" in evidence.judge([found], complete=True).sentence


def test_two_matches_are_no_certainty() -> None:
    verdict = evidence.judge([candidate(), candidate(job=replace(JOB, task_id="2"))], complete=True)
    assert verdict.certain is None
    assert verdict.sentence.startswith("2 tasks fit")


def test_a_match_that_another_submission_may_have_made_is_no_certainty() -> None:
    found = candidate(rivals=(OTHER,))
    assert (found.matches, fit(found, "alone")) == (True, False)
    assert evidence.judge([found], complete=True).certain is None


def test_a_list_that_was_not_read_whole_proves_nothing() -> None:
    assert evidence.judge([candidate()], complete=False).certain is None
    assert "proves nothing" in evidence.judge([], complete=False).sentence
    assert "most likely never got it" in evidence.judge([], complete=True).sentence


@pytest.mark.parametrize(
    ("changes", "is_worth_it"),
    [
        ({}, True),
        ({"action_type": None, "content_num": None, "container_id": None, "task_type": None}, True),
        ({"task_type": 2}, False),
        ({"action_type": 201}, False),
        ({"content_num": 3}, False),
        ({"container_id": "elsewhere"}, False),
    ],
)
def test_the_list_decides_whose_detail_is_read(changes: dict[str, Any], is_worth_it: bool) -> None:
    assert WANTED.may_be(replace(JOB, **changes), SENT) is is_worth_it


@pytest.mark.parametrize(("seconds", "is_worth_it"), [(-301, False), (-299, True), (963, True), (964, False)])
def test_a_task_of_another_time_is_not_looked_at(seconds: float, is_worth_it: bool) -> None:
    assert WANTED.may_be(JOB, SENT + timedelta(seconds=seconds)) is is_worth_it
