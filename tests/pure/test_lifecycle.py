import pytest

from subint_magic.errors import IllegalTransition
from subint_magic.runtime.lifecycle import ENDED, TRANSITIONS, State, Trigger, advance


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("state", State)
def test_each_trigger_in_each_state(state: State, trigger: Trigger):
    if trigger in TRANSITIONS[state]:
        assert advance(state, trigger) is TRANSITIONS[state][trigger]
    else:
        with pytest.raises(IllegalTransition, match=f"{trigger!s} is not possible while {state!s}"):
            advance(state, trigger)


def test_the_table_is_what_the_documentation_draws():
    ways = {
        f"{state!s} --{trigger!s}--> {target!s}"
        for state, row in TRANSITIONS.items()
        for trigger, target in row.items()
    }
    assert ways == {
        "spawning --spawned--> booting",
        "spawning --cancel--> cancelling",
        "spawning --fail--> failed",
        "booting --hello--> idle",
        "booting --cancel--> cancelling",
        "booting --fail--> failed",
        "idle --run--> running",
        "idle --close--> closing",
        "idle --cancel--> cancelling",
        "idle --fail--> failed",
        "running --return--> idle",
        "running --cancel--> cancelling",
        "running --fail--> failed",
        "closing --ended--> done",
        "closing --cancel--> cancelling",
        "closing --fail--> failed",
        "closing --kill--> killed",
        "closing --abandon--> abandoned",
        "cancelling --ended--> cancelled",
        "cancelling --kill--> killed",
        "cancelling --abandon--> abandoned",
    }


def test_every_state_has_a_row_and_can_be_reached_and_left():
    assert set(TRANSITIONS) == set(State)
    reached = {State.SPAWNING, *(s for row in TRANSITIONS.values() for s in row.values())}
    assert reached == set(State)
    assert {"done", "failed", "cancelled", "killed", "abandoned"} == ENDED
