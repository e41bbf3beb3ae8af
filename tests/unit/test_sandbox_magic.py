import re
from dataclasses import fields
from pathlib import Path

import pytest

from jobs_app.koodrive.sandbox import magic, verify
from jobs_app.koodrive.sandbox.faults import Call, Fault, Kind, When
from jobs_app.states import State

DOCS = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading of docs/sandbox.md, without back quotes."""
    section = DOCS.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.replace("`", "").strip("| ") for line in section.splitlines() if line.startswith("|")]
    return [re.split(r"\s*\|\s*", line) for line in lines[2:]]


def test_the_docs_list_every_magic_file_id_and_its_end() -> None:
    expected = [[one.file_id, one.ends, one.happens] for one in magic.MAGIC]
    assert rows("Magic file ids") == expected


def test_the_docs_list_every_fault_and_every_part_of_one() -> None:
    assert {row[0] for row in rows("Faults")} == {kind.value for kind in Kind}
    assert {row[0] for row in rows("The parts of a fault")} == {field.name for field in fields(Fault)}
    for word in (*Call, *When):
        assert f"`{word}`" in DOCS


def test_each_keyword_makes_an_id_of_koodrives_form() -> None:
    assert len({one.keyword for one in magic.MAGIC}) == len(magic.MAGIC)
    for one in magic.MAGIC:
        assert re.fullmatch(r"F[A-Za-z0-9_-]{32}", one.file_id)
        assert magic.of(one.file_id) is one
        assert magic.of(magic.file_id(one.keyword, 999)) is one


def test_every_end_that_koodrive_can_bring_about_has_an_id() -> None:
    ends = {State(one.ends) for one in magic.MAGIC}
    assert ends == {
        State.SUCCEEDED,
        State.PARTIALLY_FAILED,
        State.FAILED,
        State.CANCELLED,
        State.REFUSED,
        State.UNKNOWN,
    }


def test_what_only_looks_magic_is_told_apart() -> None:
    assert magic.of("FuZmQ66CF0DdpKRG1Y29Iwajbq04Nhwu3") is None
    with pytest.raises(KeyError, match="fials"):
        magic.of("F-sandbox-fials-00000000000000001")


def test_the_first_file_with_a_fault_decides() -> None:
    found = magic.Script().fault(["Fa", *map(magic.file_id, ["fails", "lost", "broken"])])
    assert found == Fault(Kind.RESET, when=When.AFTER)


def test_a_busy_id_is_busy_every_other_time() -> None:
    script = magic.Script()
    busy = magic.file_id("busy")
    assert [bool(script.fault([busy])) for _ in range(4)] == [True, False, True, False]
    assert script.fault([magic.file_id("busy", 2)]) is not None


def test_the_longest_of_a_tasks_files_decides_how_long_it_takes() -> None:
    ids = tuple(map(magic.file_id, ["slow", "waits", "stopped"]))
    plan = magic.plan(verify.Wanted(1, 101, ids, "here", "there"))
    assert (plan.pending, plan.running, plan.cancelled) == (60, 60, True)
