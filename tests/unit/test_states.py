"""The table of states has no gap and no way out of an end."""

import pytest

from jobs_app import states
from jobs_app.states import FINAL, LABELS, TRANSITIONS, State


def test_every_state_has_its_row_and_its_label() -> None:
    assert set(TRANSITIONS) == set(LABELS) == set(State)


def test_the_final_states_are_those_of_the_public_contract() -> None:
    final = "succeeded partially_failed failed refused rejected expired cancelled closed"
    assert set(final.split()) == FINAL


@pytest.mark.parametrize("state", State)
def test_every_state_can_be_reached_and_can_come_to_an_end(state: State) -> None:
    reached, new = {state}, {state}
    while new:
        new = set().union(*(TRANSITIONS[each] for each in new)) - reached
        reached |= new
    assert reached & FINAL


def test_an_unknown_one_is_never_claimed_again() -> None:
    assert not states.may_become("unknown", "sending")


def test_only_the_queue_leads_to_sending() -> None:
    assert {state for state in State if State.SENDING in TRANSITIONS[state]} == {State.QUEUED}
