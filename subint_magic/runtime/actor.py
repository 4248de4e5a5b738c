"""One actor: what it is asked, what state it is in, and what came of its runs."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import trio

from subint_magic._child.frames import FrameError
from subint_magic.errors import (
    ActorBusy,
    ActorEnded,
    ActorError,
    RunError,
)
from subint_magic.runtime.lifecycle import ENDED, State, Trigger, advance
from subint_magic.runtime.run import CellRun
from subint_magic.runtime.supervisor import Supervisor
from subint_magic.wire.messages import (
    OUTPUT_LIMIT,
    Done,
    Dropped,
    FromChild,
    Hello,
    Interrupt,
    Output,
    Result,
    Run,
)

if TYPE_CHECKING:
    from subint_magic.runtime.run import CellResult, Sink
    from subint_magic.runtime.supervisor import Ending
    from subint_magic.spawn import SpawnMethod
    from subint_magic.wire.messages import Loop

__all__ = ["GRACE", "Actor"]

GRACE = 2.0
"""Seconds that a child gets to end before it is killed or abandoned."""

SOFT = 0.5
"""Seconds that a cell's event loop gets to cancel it before it is interrupted hard."""

_STDERR_TAIL = 4096

_DOING = {
    State.SPAWNING: "while it was started",
    State.BOOTING: "while booting",
    State.IDLE: "while idle",
    State.RUNNING: "while running a cell",
    State.CLOSING: "while closing",
}


class Actor:
    """An interpreter or a process that runs cells in a namespace of its own.

    Made by `ActorNursery.start_actor`. All methods are for the thread that runs trio.

    Attributes:
        name: unique among the live actors of its nursery.
        spawn_method: the key of the method that started it.
        state: where it is in its life.
        hello: what its child said of itself; ``None`` before.
        started: `trio.current_time` of its start.
    """

    def __init__(self, name: str, method: SpawnMethod, grace: float = GRACE) -> None:
        self.name = name
        self.spawn_method: str = method.key
        self.state: State = State.SPAWNING
        self.hello: Hello | None = None
        self.started: float = trio.current_time()
        self._grace = grace
        self._supervisor = Supervisor(
            method, name, grace, on_spawned=self._on_spawned, on_message=self._on_message
        )
        self._stops: trio.Nursery | None = None
        self._turn = trio.Lock()  # cells that are sent at once run one after the other
        self._runs: deque[CellRun] = deque(maxlen=2)  # the one before, and the current or last
        self._run_count = 0
        self._ready = trio.Event()
        self._ended = trio.Event()
        self._stderr = ""
        self._ending: Ending | None = None
        self._died_while = ""
        self._told = False

    def __repr__(self) -> str:
        return f"<Actor {self.name!r} {self.spawn_method} {self.state}>"

    @property
    def current_run(self) -> CellRun | None:
        """The cell that runs now."""
        return self._runs[-1] if self.state is State.RUNNING else None

    @property
    def unreported_death(self) -> ActorError | None:
        """Why the actor failed, if nobody was told yet."""
        return None if self._told else self._failure()

    async def wait_ready(self) -> None:
        """Wait until its child said hello.

        Raises:
            ActorDied: it did not come so far.
            ProtocolError: it said something else.
            ActorEnded: it was cancelled before.
        """
        await self._ready.wait()
        self._require_alive()

    async def wait_ended(self) -> State:
        """Wait until it has ended; return how."""
        await self._ended.wait()
        return self.state

    async def run_cell(
        self,
        source: str,
        *,
        loop: Loop = "trio",
        sink: Sink | None = None,
        output_limit: int = OUTPUT_LIMIT,
    ) -> CellResult:
        """Run *source* in the actor's namespace, after the cells that were sent before it.

        Cancelling this call stops the run; if it cannot be stopped, the actor is ended.

        Args:
            source: the text of a cell. It may use top-level ``await``.
            loop: what runs that.
            sink: called with each `Output`, `Dropped` and `Result` as it arrives, also with output
                that comes after the run. Without one, they are collected in what is returned.
            output_limit: characters of output that are taken; the rest is dropped.

        Raises:
            CellError: the cell raised.
            RunCancelled: somebody interrupted the run, or ended the actor.
            ActorDied: the child died.
            ActorEnded: the actor had ended before.
            ProtocolError: the child broke the protocol.
            RunError: *source* is too large to be sent.
        """
        async with self._turn:
            self._require_alive()
            run = CellRun(self.name, self._run_count + 1, source, sink)
            try:
                self._supervisor.post(Run(run.number, source, run.filename, loop, output_limit))
            except FrameError as error:
                raise RunError(self.name, f"the cell was not sent: {error}") from None
            self._run_count += 1
            self._runs.append(run)
            self._advance(Trigger.RUN)
            try:
                await run.ended.wait()
            except trio.Cancelled:
                self.interrupt("the caller")
                with trio.CancelScope(shield=True):  # bounded: the last rung ends the actor
                    await run.ended.wait()
                raise
            return run.outcome()

    def interrupt(self, by: str = "an interrupt") -> bool:
        """Stop the current run; keep the actor if the run can be stopped.

        Args:
            by: who asks, for the report.

        Returns:
            Whether there was a run to stop.
        """
        run = self.current_run
        if run is None or self._stops is None:
            return False
        if run.stop_requested(by):
            self._supervisor.post(Interrupt(run.number))
            self._stops.start_soon(self._stop, run)
        return True

    async def close(self) -> None:
        """End the actor in good order and wait for it; nothing happens if it has ended.

        Raises:
            ActorBusy: it is running a cell.
        """
        await self._ready.wait()
        if self.state is State.RUNNING:
            raise ActorBusy(self.name, "closed")
        if self.state not in ENDED:
            self.request_end()
        await self._ended.wait()

    async def cancel(self) -> None:
        """End the actor whatever it does, and wait for it: little longer than its grace period."""
        self.request_cancel()
        await self._ended.wait()

    def request_end(self, grace: float | None = None) -> None:
        """Begin to end the actor: in good order if it runs no cell, else by cancelling it.

        Args:
            grace: seconds until its child is killed or abandoned, if not those of the actor.
        """
        if self.state is State.IDLE:
            self._advance(Trigger.CLOSE)
        if self.state is State.CLOSING:
            self._supervisor.end(grace)
        else:
            self.request_cancel(grace)

    def request_cancel(self, grace: float | None = None) -> None:
        """Begin to end the actor whatever it does.

        Args:
            grace: seconds until its child is killed or abandoned, if not those of the actor.
        """
        if self.state not in ENDED:
            self.interrupt("the end of its actor")
            if self.state is not State.CANCELLING:
                self._advance(Trigger.CANCEL)
            self._supervisor.end(grace)

    async def supervise(self) -> None:
        """Live: from the start of the child until it has ended. Called by the nursery.

        Shielded, since a child has to be put down in good order, and a cancelled run is stopped by
        tasks of this nursery. Who wants the end calls `request_cancel`, which bounds it.
        """
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as self._stops:
                self._conclude(await self._supervisor.run())
                self._stops.cancel_scope.cancel()
        self._stops = None

    # what the supervisor reports

    def _on_spawned(self) -> None:
        if self.state is State.SPAWNING:
            self._advance(Trigger.SPAWNED)

    def _on_message(self, message: FromChild) -> None:
        match message:
            case Hello():
                self.hello = message
                if self.state is State.BOOTING:
                    self._advance(Trigger.HELLO)
                self._ready.set()
            case Output() | Dropped() | Result():
                if isinstance(message, Output) and message.stream == "stderr":
                    self._stderr = (self._stderr + message.text)[-_STDERR_TAIL:]
                for run in self._runs:
                    if run.number != message.run or run.take(message):
                        continue
                    if run is self.current_run:
                        self.interrupt("an error of its sink")
            case Done():
                note = "the actor is ending"
                if self.state is State.RUNNING:
                    self._advance(Trigger.RETURN)
                    note = "the actor and its namespace are kept"
                self._runs[-1].finish(message, note)

    async def _stop(self, run: CellRun) -> None:
        """Climb the ladder until *run*, which was interrupted softly, has ended."""
        with trio.move_on_after(SOFT):
            await run.ended.wait()
            return
        self._supervisor.post(Interrupt(run.number))  # the second one is hard
        with trio.move_on_after(self._grace):
            await run.ended.wait()
            return
        self.request_cancel(grace=0)

    def _conclude(self, ending: Ending) -> None:
        self._ending = ending
        self._died_while = _DOING.get(self.state, "")
        cancelled = self.state is State.CANCELLING and ending.trigger is Trigger.FAIL
        self._advance(Trigger.ENDED if cancelled else ending.trigger)
        run = self._runs[-1] if self._runs else None
        if run is not None and not run.ended.is_set():
            self._told = True
            run.fail(self._failure() or run.cancelled(f"the actor was {self.state}"))
        self._ready.set()
        self._ended.set()

    # helpers

    def _advance(self, trigger: Trigger) -> None:
        self.state = advance(self.state, trigger)

    def _failure(self) -> ActorError | None:
        """Return a new error that says why the actor failed."""
        if self._ending is None or self.state is not State.FAILED:
            return None
        return self._ending.failure(self.name, self._died_while, self._stderr)

    def _require_alive(self) -> None:
        if failure := self._failure():
            self._told = True
            raise failure
        if self.state not in (State.IDLE, State.RUNNING):
            raise ActorEnded(self.name, self.state)
