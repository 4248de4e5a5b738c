"""What there is to see of the actors at one moment: plain data, made by `board`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Bar", "Kind", "Lane", "Part", "Row", "RunState", "Snapshot"]


class Kind(StrEnum):
    """What an actor does, or how it has ended, as it is shown.

    These are the states of the lifecycle, and what they do not tell: that the run of an actor is to
    stop, and that a cell waits for its turn.
    """

    QUEUED = "queued"
    SPAWNING = "spawning"
    BOOTING = "booting"
    IDLE = "idle"
    RUNNING = "running"
    STOPPING = "stopping"
    CLOSING = "closing"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    KILLED = "killed"
    ABANDONED = "abandoned"


@dataclass(frozen=True)
class Row:
    """One actor.

    Attributes:
        id: names it in a click, whatever becomes of its name; empty if nothing can be done to it.
        name: its name.
        depth: how many actors are above it; 0 if the kernel has started it.
        backend: the key of its spawn method.
        where: its process or interpreter.
        kind: what it does.
        source: the first line of what it runs.
        elapsed: seconds of the current run, at the time of the snapshot; ``None`` if it runs none.
        age: seconds since its start; until its end, if it has ended.
        cpu: seconds of CPU time since its start; ``None`` if it cannot be told.
        memory: bytes of memory that are its own; ``None`` if it cannot be told.
        copied_in: bytes of values that its run, or the last, was given as copies.
        shared_in: the same in shared memory.
        copied_out: bytes that it has given.
        shared_out: the same.
        waiting: how many cells wait for their turn.
        last_line: the last that it has printed.
        actions: what can be done to it, as keys of `views.actors.ACTIONS`.
        note: what came of the last click.
        outcome: of one that has ended: how, and by which rung of the stop ladder.
    """

    id: str
    name: str
    depth: int
    backend: str
    where: str
    kind: Kind
    source: str = ""
    elapsed: float | None = None
    age: float = 0
    cpu: float | None = None
    memory: int | None = None
    copied_in: int = 0
    shared_in: int = 0
    copied_out: int = 0
    shared_out: int = 0
    waiting: int = 0
    last_line: str = ""
    actions: tuple[str, ...] = ()
    note: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class Part:
    """A stretch of time in which an actor did one thing.

    Attributes:
        kind: what.
        begin: seconds on the clock of the snapshot.
        end: likewise; ``None`` if it goes on.
    """

    kind: Kind
    begin: float
    end: float | None


@dataclass(frozen=True)
class Bar:
    """One run of an actor, with what went before it: the queue, and the start of the actor.

    Attributes:
        parts: in order, each beginning where the one before ends.
        source: the first line of what was run; empty if it never came to that.
        outcome: how its actor has ended in it; ``None`` if it has not.
    """

    parts: tuple[Part, ...]
    source: str = ""
    outcome: Kind | None = None


@dataclass(frozen=True)
class Lane:
    """The bars of one actor, oldest first.

    Attributes:
        name: its name.
        backend: the key of its spawn method.
        bars: its runs.
        ended: whether it has ended.
    """

    name: str
    backend: str
    bars: tuple[Bar, ...]
    ended: bool = False


@dataclass(frozen=True)
class Snapshot:
    """All actors at one moment.

    Attributes:
        now: seconds on a clock of its own.
        at: the same moment as `time.time` has it.
        rows: the live actors, oldest first, each above those that it has started; then those that
            were abandoned and whose call has not returned.
        history: the last that have ended, the latest first.
        lanes: what the timeline shows, oldest first, of live and of ended actors.
        dashboards: pages on the machines where actors are, by the key of their spawn method.
    """

    now: float
    at: float
    rows: tuple[Row, ...] = ()
    history: tuple[Row, ...] = ()
    lanes: tuple[Lane, ...] = ()
    dashboards: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class RunState:
    """One run, as its status line shows it.

    Attributes:
        id: names it in a click.
        name: its actor.
        backend: the key of the spawn method of its actor.
        kind: what it does, or how it has ended.
        elapsed: seconds of what it does; of all of it, if it has ended.
        ticking: whether `elapsed` goes on.
        last_line: the last that it has printed.
        outcome: the same as ``kind`` in other words, if those say more.
        can_stop: whether a click can cancel it.
        since: the begin of what it does, as `time.time` has it.
    """

    id: str
    name: str
    backend: str
    kind: Kind
    elapsed: float
    ticking: bool = True
    last_line: str = ""
    outcome: str = ""
    can_stop: bool = False
    since: float = 0.0
