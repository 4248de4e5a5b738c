"""The runs of one actor: one at a time, in the order in which they were sent."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from math import inf
from typing import TYPE_CHECKING, Any

import trio

from subint_magic._child.frames import FrameError
from subint_magic.errors import InputError, RunError
from subint_magic.runtime.ladder import climb
from subint_magic.runtime.runs.asking import reply
from subint_magic.runtime.runs.run import CellRun
from subint_magic.runtime.runs.values import Traffic, why_not_brought
from subint_magic.wire.messages import (
    PLAIN,
    ClearOutput,
    Display,
    Done,
    Dropped,
    InputRequest,
    Interrupt,
    Output,
    Result,
    Run,
    Rung,
    Stopping,
    Values,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from subint_magic.errors import SubintMagicError
    from subint_magic.runtime.runs.asking import Answer
    from subint_magic.runtime.runs.run import Sink
    from subint_magic.runtime.runs.values import Elsewhere
    from subint_magic.wire.messages import Frontend, Parcel, ToChild

__all__ = ["AboutRun", "Runs"]

type AboutRun = (
    Stopping | InputRequest | Output | Display | ClearOutput | Dropped | Result | Values | Done
)
"""What a child says of its runs."""


class Runs:
    """Sends runs to a child, stops them, and gives each what the child says of it.

    Attributes:
        actor: the name of the actor, for errors.

    Args:
        actor: the same.
        spawn_method: how it was started, likewise.
        post: sends a message to the child.
        bring: lets the child get at a value that is elsewhere; says whether it knows how.
        may_begin: called when the turn of a run has come; what it raises, that run raises.
        on_begin: called when it was sent.
        on_stopping: called when it is to stop, and when its child has tried a rung on it.
        on_stuck: called when nothing has stopped a run.
    """

    def __init__(
        self,
        actor: str,
        spawn_method: str,
        post: Callable[[ToChild], None],
        *,
        bring: Callable[[object], Awaitable[bool]],
        may_begin: Callable[[], object],
        on_begin: Callable[[], object],
        on_stopping: Callable[[CellRun], object],
        on_stuck: Callable[[], object],
    ) -> None:
        self.actor: str = actor
        self._spawn_method = spawn_method
        self._post = post
        self._bring = bring
        self._may_begin = may_begin
        self._on_begin = on_begin
        self._on_stopping = on_stopping
        self._on_stuck = on_stuck
        self._turn = trio.Lock()
        self._runs: deque[CellRun] = deque(maxlen=2)  # the one before, and the current or last
        self._number = 0
        self._tasks: trio.Nursery | None = None
        self._rungs: list[Rung] = []

    @property
    def current(self) -> CellRun | None:
        """The one that goes on now."""
        return None if self.last is None or self.last.ended.is_set() else self.last

    @property
    def last(self) -> CellRun | None:
        """The one that goes on now, or was the last."""
        return self._runs[-1] if self._runs else None

    def allow(self, tasks: trio.Nursery, rungs: list[Rung]) -> None:
        """Get ready for the first run.

        Args:
            tasks: where what stops runs, and answers them, is to live.
            rungs: the rungs of the stop ladder that the child has.
        """
        self._tasks, self._rungs = tasks, rungs

    def forget(self) -> None:
        """Have had no run so far."""
        self._runs.clear()

    @asynccontextmanager
    async def carry_out(
        self,
        source: str,
        sink: Sink | None,
        timeout: float | None,  # noqa: ASYNC109 - the end of the run says that it timed out
        grace: float,
        *,
        inputs: Parcel | None,
        frontend: Frontend = PLAIN,
        answer: Answer | None = None,
        on_begin: Callable[[CellRun], object] | None = None,
        call: str = "",
        **fields: Any,
    ) -> AsyncGenerator[CellRun]:
        """Send a `Run` and wait until it has ended; its values can be taken in the block."""
        async with self._turn:
            try:
                self._may_begin()
                if inputs is not None and inputs.elsewhere:
                    await self._bring_all(inputs.elsewhere, call)
                    self._may_begin()  # it may have ended meanwhile
                number = self._number + 1
                run = CellRun(
                    self.actor, number, source, sink, grace, frontend.filename, answer, call
                )
                if inputs is not None:
                    run.traffic = Traffic(inputs.copied, inputs.shared)
                self._post(
                    Run(number, source, run.filename, frontend=frontend, inputs=inputs, **fields)
                )
            except FrameError as error:
                raise RunError(self.actor, f"the cell was not sent: {error}") from None
            finally:
                if inputs is not None:
                    inputs.close()  # what was sent has left it
            self._runs.append(run)
            self._number = number
            self._on_begin()
            if on_begin is not None:
                on_begin(run)
            try:
                with trio.move_on_after(inf if timeout is None else timeout):
                    await run.ended.wait()
                if not run.ended.is_set():
                    self.stop_once("its timeout", timeout)
                    await run.ended.wait()
            except trio.Cancelled:
                self.stop_once("the caller")
                with trio.CancelScope(shield=True):  # bounded: the last rung ends the actor
                    await run.ended.wait()
                run.drop_values()
                raise
        try:
            yield run
        except BaseException:
            run.drop_values()
            raise
        run.values = None  # they belong to whoever has the result

    async def _bring_all(self, elsewhere: list[tuple[str, Elsewhere]], call: str) -> None:
        for name, value in elsewhere:
            try:
                why = "" if await self._bring(value) else f"{value.what}. {value.instead}"
            except OSError as error:
                why = f"{value.what}, and cannot be read there: {error}"
            if why:
                raise InputError(self.actor, name, why_not_brought(name, why, call))

    def stop(self, by: str, timeout: float | None = None) -> bool:
        """Stop the current run; asked again, climb to the next rung at once.

        Args:
            by: who asks, for the report.
            timeout: the run's, in seconds, if that is why.

        Returns:
            Whether there was a run to stop.
        """
        run = self.current
        if run is not None and run.request_stop(by, timeout):
            assert self._tasks is not None
            # Now, not in the task: it has to come before a Close.
            self._post(Interrupt(run.number, self._rungs[0]))
            self._tasks.start_soon(self._climb, run)
            self._on_stopping(run)
        return run is not None

    def stop_once(self, by: str, timeout: float | None = None) -> None:
        """Stop the current run, unless somebody has asked before: only people are in a hurry."""
        if self.current and not self.current.requests:
            self.stop(by, timeout)

    async def _climb(self, run: CellRun) -> None:
        if not await climb(run, self._rungs, run.grace, self._post):
            self._on_stuck()

    def take(self, message: AboutRun, note: str = "") -> None:
        """Give *message* to the run that it is about; with `Done`, what became of the actor."""
        run = next((run for run in self._runs if run.number == message.run), None)
        if isinstance(message, InputRequest):
            assert self._tasks is not None
            asking = run if run is self.current else None
            self._tasks.start_soon(reply, asking, message, self._post)
        elif run is not None:
            match message:
                case Stopping():
                    if not run.ended.is_set():
                        run.tried(message.rung)
                        self._on_stopping(run)
                case Values():
                    run.take_values(message, self._spawn_method)
                case Done():
                    run.finish(message, note)
                case _:
                    if not run.take(message) and run is self.current:
                        self.stop_once("an error of its sink")

    def fail(self, why: Callable[[CellRun], SubintMagicError]) -> bool:
        """End the current run, because its actor has ended; false if there is none."""
        run = self.current
        if run is None:
            return False
        run.rung = Rung.END
        run.fail(why(run))
        return True
