"""One run of a cell, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from subint_magic.errors import CellError, RunCancelled
from subint_magic.wire.messages import Done, Dropped, Output, Result

if TYPE_CHECKING:
    from subint_magic.errors import SubintMagicError

__all__ = ["CellResult", "CellRun", "Event", "Sink"]

type Event = Output | Dropped | Result
type Sink = Callable[[Event], None]
"""Takes the events of a run, in order, in the thread that runs trio. It must not block."""


@dataclass(frozen=True)
class CellResult:
    """What a cell that ran to its end gave.

    Attributes:
        value: the ``repr`` of its last expression; ``None`` if there was none, or it was ``None``.
        stdout: what it printed, unless a sink took it.
        stderr: the same for stderr.
        dropped: how many characters of output were over the limit and dropped.
    """

    value: str | None = None
    stdout: str = ""
    stderr: str = ""
    dropped: int = 0


class CellRun:
    """A run that was sent to an actor.

    Attributes:
        number: counts the runs of the actor from 1.
        source: the text of the cell.
        filename: what tracebacks call it.
        started: `trio.current_time` of its start.
        ended: set once `outcome` can be called.
    """

    def __init__(self, actor: str, number: int, source: str, sink: Sink | None) -> None:
        self.number = number
        self.source = source
        self.filename: str = f"<{actor} cell {number}>"
        self.started: float = trio.current_time()
        self.ended: trio.Event = trio.Event()
        self._actor = actor
        self._sink = sink or self._collect
        self._texts: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._value: str | None = None
        self._dropped = 0
        self._done: Done | None = None
        self._note = ""
        self._error: BaseException | None = None
        self._stop: tuple[str, float] | None = None  # who asked, and when

    def take(self, event: Event) -> bool:
        """Pass *event* to the sink; false when that raised, which is what the run will raise."""
        if isinstance(event, Result):
            self._value = event.text
        elif isinstance(event, Dropped):
            self._dropped = event.characters
        try:
            self._sink(event)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever gave the sink
            self._error = self._error or error
            self._sink = _ignore
            return False
        return True

    def finish(self, done: Done, note: str) -> None:
        """End the run as its child reports; *note* says what became of the actor."""
        self._done = done
        self._note = note
        self.ended.set()

    def fail(self, error: SubintMagicError) -> None:
        """End the run, because its actor has ended."""
        self._error = self._error or error
        self.ended.set()

    def stop_requested(self, by: str) -> bool:
        """Note who wants the run to stop; false if somebody did before."""
        first = self._stop is None
        if self._stop is None:
            self._stop = by, trio.current_time()
        return first

    def cancelled(self, note: str, traceback: str = "") -> RunCancelled:
        """Return the error that says who stopped the run and how long that took."""
        by, since = self._stop or ("the end of its actor", self.started)
        return RunCancelled(self._actor, by, trio.current_time() - since, note, traceback)

    def outcome(self) -> CellResult:
        """Return the result or raise what the run ended with."""
        if self._error is not None:
            raise self._error
        done = self._done
        assert done is not None
        if done.status == "interrupted":
            raise self.cancelled(self._note, done.traceback)
        if done.status == "error":
            raise CellError(self._actor, done.type_name, done.message, done.traceback)
        stdout, stderr = ("".join(texts) for texts in self._texts.values())
        return CellResult(self._value, stdout, stderr, self._dropped)

    def _collect(self, event: Event) -> None:
        if isinstance(event, Output):
            self._texts[event.stream].append(event.text)


def _ignore(_event: Event) -> None:
    pass
