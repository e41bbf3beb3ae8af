from typing import Any

import pytest

from jobs_app.koodrive.sandbox.connection import Ending, Reply, Wait
from jobs_app.koodrive.sandbox.faults import Call, Fault, Faults, Kind, When, from_document, strike
from jobs_app.koodrive.sandbox.http import Answer, as_json

RESET = Fault(Kind.RESET)
CLOSE = Fault(Kind.CLOSE)
SLOW = Fault(Kind.LATENCY, seconds=1)


class Execution:
    """Carries a call out and remembers that it did."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Answer:
        self.count += 1
        return as_json(200, {"data": "1"})


def scripted(*faults: Fault) -> Faults:
    script = Faults()
    script.add(*faults)
    return script


def test_a_fault_strikes_as_often_as_told() -> None:
    script = scripted(Fault(Kind.RESET, times=2))
    assert [bool(script.take("create", [])) for _ in range(4)] == [True, True, False, False]


def test_a_fault_without_an_end_strikes_until_cleared() -> None:
    script = scripted(Fault(Kind.RESET, times=None))
    assert all(script.take("create", []) for _ in range(100))
    script.clear()
    assert not script.take("create", [])


def test_a_fault_strikes_its_own_call_and_file_only() -> None:
    script = scripted(Fault(Kind.RESET, call=Call.LIST), Fault(Kind.CLOSE, file_id="Fa"))
    assert script.take("detail", []) == []
    assert script.take("create", ["Fb"]) == []
    assert [fault.kind for fault in script.take("create", ["Fb", "Fa"])] == [Kind.CLOSE]
    assert [fault.kind for fault in script.take("list", [])] == [Kind.RESET]


def test_any_call_is_struck_by_any() -> None:
    script = scripted(Fault(Kind.RESET, call=Call.ANY, times=None))
    assert all(script.take(call, []) for call in ("create", "list", "detail", "cancel"))


def test_latency_adds_to_the_first_other_fault_and_the_second_waits_its_turn() -> None:
    script = scripted(RESET, CLOSE, SLOW)
    assert script.take("create", []) == [RESET, SLOW]
    assert script.take("create", []) == [CLOSE]


def test_a_seed_makes_chance_repeatable() -> None:
    def run(seed: int) -> list[bool]:
        script = scripted(Fault(Kind.RESET, times=None, probability=0.4, seed=seed))
        return [bool(script.take("create", [])) for _ in range(500)]

    assert run(1) == run(1) != run(2)
    assert 150 < sum(run(1)) < 250


def test_what_is_still_to_strike_is_told() -> None:
    script = scripted(Fault(Kind.RESET, times=3), Fault(Kind.CLOSE, call=Call.LIST, times=None))
    script.take("create", [])
    assert [(one["kind"], one["times"]) for one in script.waiting()] == [("reset", 2), ("close", None)]


@pytest.mark.parametrize(("when", "made"), [(When.BEFORE, 0), (When.AFTER, 1)])
@pytest.mark.parametrize("kind", [Kind.RESET, Kind.CLOSE, Kind.HANG])
def test_before_nothing_is_carried_out_and_after_it_is(kind: Kind, when: When, made: int) -> None:
    execution = Execution()
    assert strike([Fault(kind, when=when)], execution, target="/", now=0) == Reply(b"", Ending(kind.value))
    assert execution.count == made


def test_latency_before_holds_the_call_back_and_latency_after_only_the_answer() -> None:
    execution = Execution()
    before = strike([Fault(Kind.LATENCY, seconds=1)], execution, target="/", now=0)
    assert isinstance(before, Wait)
    assert execution.count == 0
    assert isinstance(before.then(), Reply)
    assert execution.count == 1
    after = strike([Fault(Kind.LATENCY, seconds=2, when=When.AFTER)], execution, target="/", now=0)
    assert isinstance(after, Wait)
    assert execution.count == 2


def test_a_truncated_answer_promises_more_than_it_gives() -> None:
    reply = strike([Fault(Kind.TRUNCATED)], Execution(), target="/", now=0)
    assert isinstance(reply, Reply)
    assert b"Content-Length: 13" in reply.data
    assert len(reply.data.partition(b"\r\n\r\n")[2]) == 7
    assert reply.ending is Ending.CLOSE


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("reset", "JSON object"),
        ({"kind": "explode"}, "explode"),
        ({"kind": "reset", "call": "delete"}, "delete"),
        ({"kind": "reset", "time": 2}, "has no time"),
        ({}, "types"),
        ({"kind": "reset", "times": 0}, "at least 1"),
        ({"kind": "reset", "times": "2"}, "whole numbers"),
        ({"kind": "reset", "probability": 1.5}, "between 0 and 1"),
        ({"kind": "reset", "probability": "often"}, "types"),
        ({"kind": "latency", "seconds": -1}, "at least 0"),
        ({"kind": "status"}, "200 to 599"),
        ({"kind": "code"}, "business code"),
        ({"kind": "garbage", "when": "before"}, "only be after"),
        ({"kind": "redirect", "location": "/a\r\nX: 1"}, "one line"),
    ],
)
def test_what_makes_no_fault_is_refused_with_a_sentence(document: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        from_document(document)
