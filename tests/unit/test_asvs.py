"""docs/asvs.md points at what exists, and gives a reason where it says that something is not held."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs/asvs.md").read_text().splitlines()
    if re.match(r"\| \d", line)
]
NAMED = sorted(set(re.findall(r"`((?:jobs_app|portal|tests|templates|docs|requirements)/[\w./]+)`", str(ROWS))))


def test_each_requirement_stands_once_and_in_order() -> None:
    numbers = [tuple(map(int, row[0].split("."))) for row in ROWS]
    assert numbers == sorted(set(numbers))
    assert all(len(number) == 3 for number in numbers)


@pytest.mark.parametrize("name", NAMED)
def test_what_it_names_exists(name: str) -> None:
    assert (ROOT / name).exists()


def test_every_row_names_a_test_or_says_why_not() -> None:
    without = [
        row[0] for row in ROWS if not re.search(r"`tests/|not tested: \w|not held\*\* by a test of ours", row[3])
    ]
    assert without == []


def test_the_bill_of_materials_comes_from_the_lock_of_a_production() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"cyclonedx-py requirements .*requirements/production\.txt", makefile)
