"""How far a cell has come."""

from __future__ import annotations

import re
import time
from enum import StrEnum
from typing import TYPE_CHECKING

from subint_magic.errors import ActorEnded, HostEnded, RunCancelled, RunTimedOut
from subint_magic.notebook.look.snapshot import Kind, RunState
from subint_magic.wire.messages import Output

if TYPE_CHECKING:
    from subint_magic.notebook.cells.jobs import Job
    from subint_magic.runtime.runs.run import Event

__all__ = ["Phase", "Progress", "last_line", "plain"]

_MAX_LINE = 4096

_STYLES = re.compile(r"\x1b\[[\d;]*m")

_KINDS = {"starting": Kind.SPAWNING, "timed out": Kind.FAILED}
"""Of the states that are called otherwise; the others are called as their kinds are."""


class Phase(StrEnum):
    """How far a cell has come before its end."""

    QUEUED = "queued"
    """Cells that were started before it are to run first in its actor."""
    STARTING = "starting"
    """Its actor is being started, or was ending and is waited for."""
    RUNNING = "running"
    STOPPING = "stopping"
    """Somebody wants it to stop."""


class Progress:
    """What there is to say of a cell while it runs, and when it has ended. For any thread.

    Attributes:
        phase: how far it has come before its end.
        since: `time.time` of the begin of its state.
        last_line: the last that it has printed, as far as that line has come.
        stopped: whether somebody wants it to stop.
    """

    def __init__(self, job: Job, name: str | None) -> None:
        self.phase: Phase = Phase.STARTING
        self.since: float = time.time()
        self.last_line: str = ""
        self._job = job
        self._name = name
        self._started = time.monotonic()
        self._ended: float | None = None

    @property
    def name(self) -> str:
        """The name of its actor; an unnamed one gets it when it is started."""
        return self._name or (self._job.actor.name if self._job.actor else "(unnamed)")

    @property
    def backend(self) -> str:
        """The spawn method of its actor."""
        return self._job.backend

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._job.task.done

    @property
    def state(self) -> str:
        """The phase, or at last ``"done"``, ``"failed"``, ``"timed out"`` or ``"cancelled"``."""
        task = self._job.task
        if not task.done:
            return str(self.phase)
        match task.error:
            case None:
                return "done"
            case RunTimedOut():
                return "timed out"
            case RunCancelled() | ActorEnded() | HostEnded():
                return "cancelled"
        return "failed"

    @property
    def elapsed(self) -> float:
        """Seconds since it was run, until its end; the time in the queue counts."""
        return (self._ended or time.monotonic()) - self._started

    @property
    def last_word(self) -> str:
        """The first line of what it has raised, if it has; else `last_line`."""
        error = self._job.task.error if self.done else None
        if error is not None:
            return str(error).partition("\n")[0]
        if self.phase is Phase.QUEUED:
            return f"%subints interrupt {self._name} stops what {self._name!r} runs now"
        return self.last_line

    def shown(self, id: str, *, with_output: bool) -> RunState:  # noqa: A002 - as RunState has it
        """Return what there is to see of it.

        Args:
            id: names it in a click.
            with_output: whether the last that it has printed is to be seen.
        """
        state = self.state
        kind = _KINDS.get(state) or Kind(state)
        ended = self.done
        line = plain(self.last_word) if with_output else ""
        return RunState(
            id,
            self.name,
            self.backend,
            kind,
            self.elapsed if ended else max(0, time.time() - self.since),
            ticking=not ended,
            last_line=line,
            outcome="" if state == kind else state,
            can_stop=not ended,
            since=self.since,
        )

    # in trio

    def enter(self, phase: Phase) -> None:
        """It has come so far."""
        self.phase = phase
        self.since = time.time()

    def hear(self, event: Event) -> None:
        """It has shown something."""
        if isinstance(event, Output):
            self.last_line = last_line(self.last_line + event.text)

    def end(self) -> None:
        """It has ended."""
        self._ended = time.monotonic()


def plain(line: str) -> str:
    """Return *line* as a terminal would show it, without its colours."""
    line = _STYLES.sub("", line).rstrip().rpartition("\r")[2]
    return "".join(letter if letter.isprintable() else " " for letter in line)


def last_line(text: str) -> str:
    """Return the last line of *text*; one that is whole counts until the next has begun."""
    lines = text.rsplit("\n", 2)
    return (lines[-1] or "\n".join(lines[-2:]))[-_MAX_LINE:]
