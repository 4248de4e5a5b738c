"""The life of an actor, as data.

    spawning ─ booting ─ idle ⇄ running
        │         │        │       │
        │         │        ├───────┼── close ── closing ──── done
        ├─────────┴────────┴───────┼── cancel ─ cancelling ─ cancelled
        │                          │                      ├─ killed
        └──────────────────────────┴── fail ─── failed    └─ abandoned

Everything that moves an actor from one state to the next stands in `TRANSITIONS`. What is not in
the table is illegal: it raises, and nothing changes. A cell that raises is an outcome of its run
and leaves the actor idle.
"""

from __future__ import annotations

from enum import StrEnum

from subint_magic.errors import IllegalTransition

__all__ = ["ENDED", "TRANSITIONS", "State", "Trigger", "advance"]


class State(StrEnum):
    """Where an actor is in its life."""

    SPAWNING = "spawning"
    """Its backend is starting the child."""
    BOOTING = "booting"
    """The child was started and has not said hello."""
    IDLE = "idle"
    RUNNING = "running"
    CLOSING = "closing"
    """It was asked to end and is saying goodbye."""
    CANCELLING = "cancelling"
    """It was told to end, whatever it does."""
    DONE = "done"
    """It was closed."""
    FAILED = "failed"
    """Its child died or broke the protocol."""
    CANCELLED = "cancelled"
    KILLED = "killed"
    """It did not end in time, so its process was killed."""
    ABANDONED = "abandoned"
    """It did not end in time and nothing can kill it; it ends by itself when its call returns."""


class Trigger(StrEnum):
    """What can happen to an actor."""

    SPAWNED = "spawned"
    HELLO = "hello"
    RUN = "run"
    RETURN = "return"
    """A run ended, with whatever outcome."""
    CLOSE = "close"
    CANCEL = "cancel"
    FAIL = "fail"
    """The child died, or broke the protocol."""
    ENDED = "ended"
    """The child ended as it was told to."""
    KILL = "kill"
    ABANDON = "abandon"


TRANSITIONS: dict[State, dict[Trigger, State]] = {
    State.SPAWNING: {
        Trigger.SPAWNED: State.BOOTING,
        Trigger.CANCEL: State.CANCELLING,
        Trigger.FAIL: State.FAILED,
    },
    State.BOOTING: {
        Trigger.HELLO: State.IDLE,
        Trigger.CANCEL: State.CANCELLING,
        Trigger.FAIL: State.FAILED,
    },
    State.IDLE: {
        Trigger.RUN: State.RUNNING,
        Trigger.CLOSE: State.CLOSING,
        Trigger.CANCEL: State.CANCELLING,
        Trigger.FAIL: State.FAILED,
    },
    State.RUNNING: {
        Trigger.RETURN: State.IDLE,
        Trigger.CANCEL: State.CANCELLING,
        Trigger.FAIL: State.FAILED,
    },
    State.CLOSING: {
        Trigger.ENDED: State.DONE,
        Trigger.CANCEL: State.CANCELLING,
        Trigger.FAIL: State.FAILED,
        Trigger.KILL: State.KILLED,
        Trigger.ABANDON: State.ABANDONED,
    },
    State.CANCELLING: {
        Trigger.ENDED: State.CANCELLED,
        Trigger.KILL: State.KILLED,
        Trigger.ABANDON: State.ABANDONED,
    },
    State.DONE: {},
    State.FAILED: {},
    State.CANCELLED: {},
    State.KILLED: {},
    State.ABANDONED: {},
}

ENDED = frozenset(state for state, ways in TRANSITIONS.items() if not ways)
"""The states that nothing leads out of."""


def advance(state: State, trigger: Trigger) -> State:
    """Return the state that *trigger* leads to.

    Raises:
        IllegalTransition: the table has no such entry.
    """
    try:
        return TRANSITIONS[state][trigger]
    except KeyError:
        raise IllegalTransition(f"{trigger!s} is not possible while {state!s}") from None
