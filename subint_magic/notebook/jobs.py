"""One cell on its way through an actor."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import trio

from subint_magic.errors import ActorConflict, RunCancelled
from subint_magic.notebook.output import CellOutput, CellValue
from subint_magic.runtime.host import HostTask, on_sigint
from subint_magic.runtime.lifecycle import State
from subint_magic.spawn import get_start_method
from subint_magic.wire.messages import Output, Rung

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.asking import Answer
    from subint_magic.runtime.host import Host
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.runtime.run import CellResult, CellRun, Event
    from subint_magic.runtime.turns import Turn
    from subint_magic.wire.messages import Loop

__all__ = ["CellRequest", "Job", "Phase", "cell_value"]

_BY = "an interrupt"
_ENDING = (State.CLOSING, State.CANCELLING)


@dataclass(frozen=True)
class CellRequest:
    """What the magic's line asks for.

    Attributes:
        source: the text of the cell.
        name: the named actor to run in; ``None`` for a fresh one that ends after the cell.
        backend: the key of a spawn method; ``None`` for the selected one.
        loop: what runs top-level ``await``.
        timeout: seconds after which it is stopped; ``None`` for no limit.
        grace: seconds that it gets to stop.
        output_limit: characters of output that are shown.
    """

    source: str
    name: str | None
    backend: str | None
    loop: Loop
    timeout: float | None
    grace: float
    output_limit: int


class Phase(StrEnum):
    """How far a cell has come before its end."""

    QUEUED = "queued"
    """Cells that were started before it are to run first in its actor."""
    STARTING = "starting"
    """Its actor is being started, or was ending and is waited for."""
    RUNNING = "running"


class Job:
    """A cell on its way through the host. Made in the cell, by its thread.

    Args:
        host: runs it.
        request: says what to run.
        answer: answers what the cell asks; `HostTask.call_waiter` is there for it.
        watch: called in trio's thread with each event, and with each phase that begins.

    Attributes:
        task: ends when the cell does.
        phase: how far it has come.
        method: the spawn method of its actor, should that have to be started.
        actor: what it runs in, once that is there.
        ended: `time.monotonic` of its end, once it has ended.
    """

    def __init__(
        self,
        host: Host,
        request: CellRequest,
        answer: Answer,
        watch: Callable[[Event | Phase], object] | None = None,
    ) -> None:
        self.task: HostTask[CellResult] = HostTask()
        self.phase: Phase = Phase.QUEUED
        self.actor: Actor | None = None
        self.ended: float | None = None
        self._host = host
        self._request = request
        self.method: str = request.backend or get_start_method()
        self._answer = answer
        self._watch = watch
        self._output = CellOutput(request.output_limit)
        self._run: CellRun | None = None
        self._before_run = trio.CancelScope()
        self._stopped_by = ""

    # A SIGINT that came between the start and the wait would leave a cell that nobody waits for.

    def result(self) -> CellValue | None:
        """Run the cell and block until it has ended; return its last expression or raise."""
        self._host.wait_started()
        with on_sigint(self._interrupt):
            self.start()
            return cell_value(self.task.wait(self._interrupt))

    async def result_async(self) -> CellValue | None:
        """The same, on the kernel's own loop."""
        self._host.wait_started()
        with on_sigint(self._interrupt):
            self.start()
            return cell_value(await self.task.wait_async(self._interrupt))

    def start(self) -> None:
        """Begin to run the cell and do not wait for it."""
        self._host.begin(self.task, self._begin)

    def stop(self, by: str, *, end_actor: bool = False) -> None:
        """Stop the cell, however far it has come; asked again, climb the stop ladder.

        Args:
            by: who asks, for the report.
            end_actor: whether to end its actor, if that is for this cell alone.
        """
        self._host.call_soon(self._stop_now, by, end_actor and self._request.name is None)

    def _interrupt(self) -> None:
        self.stop(_BY)

    def _stop_now(self, by: str, end_actor: bool) -> None:
        self._stopped_by = self._stopped_by or by
        if self.actor is not None and self._run is not None and not self._run.ended.is_set():
            if end_actor:
                self.actor.request_cancel(by=by)
            else:
                self.actor.interrupt(by)
        else:  # it waits for its turn, or its actor is starting or ending
            self._before_run.cancel()

    # in trio

    def _begin(self, nursery: ActorNursery) -> Awaitable[CellResult]:
        # Here, and not in the task: cells of one actor run in the order in which they were started.
        name = self._request.name
        return self._in_turn(nursery, None if name is None else nursery.turns.take(name))

    async def _in_turn(self, nursery: ActorNursery, turn: Turn | None) -> CellResult:
        begun = trio.current_time()
        try:
            with self._before_run:
                async with nullcontext() if turn is None else turn.held():
                    return await self._find_and_run(nursery)
        finally:
            self.ended = time.monotonic()
        name, seconds = self._request.name or "(unnamed)", trio.current_time() - begun
        raise RunCancelled(name, self._stopped_by, seconds, None, "it had not begun")

    async def _find_and_run(self, nursery: ActorNursery) -> CellResult:
        self._host.require_running()  # it may be the end of the host that has made it our turn
        request = self._request
        self._enter(Phase.STARTING)
        actor = self.actor = await self._find(nursery) or await nursery.start_actor(
            request.name, spawn_method=self.method
        )
        try:
            return await actor.run_cell(
                request.source,
                loop=request.loop,
                sink=self._sink,
                timeout=request.timeout,
                grace=request.grace,
                output_limit=request.output_limit,
                answer=self._answer,
                on_begin=self._on_begin,
            )
        except RunCancelled as error:
            if request.name is None and error.rung != Rung.END:
                error.note = "its actor ends with it"
            raise
        finally:
            if request.name is None:
                actor.request_end()  # the prompt does not wait for it

    async def _find(self, nursery: ActorNursery) -> Actor | None:
        name, backend = self._request.name, self._request.backend
        if name is None:
            return None
        while (actor := nursery.actors.get(name)) and actor.state in _ENDING:
            await actor.wait_ended()
        if actor is None:
            if death := nursery.pop_death(name):
                self._sink(Output(0, "stderr", f"{death}\nA new one takes its name.\n"))
            return None
        if backend is not None and backend != actor.spawn_method:
            raise ActorConflict(
                name,
                f"runs on {actor.spawn_method!r}, not {backend!r}:"
                f" close it first (%subints close {name}) or choose another name.",
            )
        return actor

    def _on_begin(self, run: CellRun) -> None:
        self._run = run
        self._enter(Phase.RUNNING)

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        if self._watch is not None:
            self._watch(phase)

    def _sink(self, event: Event) -> None:
        if self._watch is not None:
            self._watch(event)
        self._output(event)


def cell_value(result: CellResult) -> CellValue | None:
    """Return the last expression of a cell, in the thread that wants it."""
    return None if result.value is None else CellValue(result.value)
