"""The catalogue is the contract's table."""

import pytest

from jobs_app import operations
from jobs_app.operations import BY_NAME, OPERATIONS, Use

TABLE = {
    "copy": (1, 101),
    "trash": (2, 201),
    "delete": (2, 202),
    "move": (3, 301),
    "restore": (4, None),
    "preview_archive": (5, 501),
    "extract": (5, 502),
    "extract_some": (5, 503),
    "package": (6, None),
}


def test_there_are_nine_operations_with_their_pairs() -> None:
    assert {each.name: (each.task_type, each.action_type) for each in OPERATIONS} == TABLE


@pytest.mark.parametrize(("name", "pair"), TABLE.items())
def test_a_pair_names_its_operation(name: str, pair: tuple[int, int | None]) -> None:
    assert operations.of_pair(*pair) is BY_NAME[name]


@pytest.mark.parametrize(("task_type", "name"), [(1, "copy"), (3, "move"), (4, "restore"), (6, "package")])
def test_an_omitted_action_is_filled_in_where_only_one_is_possible(task_type: int, name: str) -> None:
    assert operations.of_pair(task_type, None) is BY_NAME[name]


@pytest.mark.parametrize("task_type", [2, 5])
def test_an_omitted_action_is_never_guessed_where_several_are_possible(task_type: int) -> None:
    assert operations.of_pair(task_type, None) is None


def test_only_permanent_deletion_is_irreversible_and_needs_another_person() -> None:
    assert [each.name for each in OPERATIONS if each.irreversible] == ["delete"]
    assert {each.name: each.approvals for each in OPERATIONS if each.approvals} == {"delete": 1}


def test_only_the_extractions_take_an_archives_password() -> None:
    takers = {each.name for each in OPERATIONS if each.password is not Use.NO}
    assert takers == {"preview_archive", "extract", "extract_some"}


def test_a_detail_adds_something_wherever_something_comes_into_being_or_elsewhere() -> None:
    assert {each.name for each in OPERATIONS if not each.detail_adds} == {"trash", "delete"}


def test_only_archives_and_packages_tell_their_progress() -> None:
    assert {each.name for each in OPERATIONS if each.tells_progress} == {
        "preview_archive",
        "extract",
        "extract_some",
        "package",
    }
