"""One cell on its way through an actor."""

from __future__ import annotations

import logging
from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from subint_magic.errors import CellError, HostEnded, OutputError, RunCancelled
from subint_magic.notebook.cells.hints import hint
from subint_magic.notebook.cells.output import CellOutput, CellValue
from subint_magic.notebook.live.progress import Phase, Progress
from subint_magic.runtime.events import RunStopping
from subint_magic.runtime.host import HostTask, on_sigint
from subint_magic.runtime.imports import AUTO, choose, note_loaded
from subint_magic.runtime.nursery import ends_after
from subint_magic.runtime.runs.values import pack_inputs
from subint_magic.spawn import get_start_method
from subint_magic.wire.messages import Output

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic.notebook.cells.request import CellRequest
    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.events import Published
    from subint_magic.runtime.host import Host
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.runtime.runs.asking import Answer, Question
    from subint_magic.runtime.runs.run import CellResult, CellRun, Event
    from subint_magic.runtime.runs.turns import Turn
    from subint_magic.wire.messages import Parcel

__all__ = ["Job", "cell_value"]

_LOG = logging.getLogger(__name__)

_BY = "an interrupt"


class Job:
    """A cell on its way through the host. Made in the cell, by its thread.

    Args:
        host: runs it.
        shell: the shell of the cell.
        request: says what to run.
        answer: answers what the cell asks; `HostTask.call_waiter` is there for it.
        background: whether the kernel goes on meanwhile, and so does not show the cell's value.
        whole_cell: whether there is nothing else in the cell, before it or around it.

    Attributes:
        task: ends when the cell does.
        actor: what it runs in, once that is there.
        progress: how far it has come.
        output: shows what it shows.
        listeners: called in trio's thread with each event before it is shown, and with each phase
            that begins.
    """

    def __init__(
        self,
        host: Host,
        shell: InteractiveShell,
        request: CellRequest,
        answer: Answer,
        *,
        background: bool = False,
        whole_cell: bool = False,
    ) -> None:
        self.task: HostTask[CellResult] = HostTask()
        self.actor: Actor | None = None
        self.progress: Progress = Progress(self, request.name)
        self.output: CellOutput = CellOutput(
            shell, request.output_limit, with_value=background, alone=whole_cell
        )
        self.listeners: list[Callable[[Event | Phase], object]] = []
        self._host = host
        # without the objects: what holds us, as a handle does, would else keep them for ever
        self._request = replace(request, inputs={})
        self._method = request.backend or get_start_method()
        self._nursery: ActorNursery | None = None
        self._ask = answer
        self._inputs: Mapping[str, object] = request.inputs
        self._shell = shell
        self._run: CellRun | None = None
        self._before_run = trio.CancelScope()
        self._stopped_by = ""
        self._stopped_at = 0.0

    # A SIGINT that came between the start and the wait would leave a cell that nobody waits for.

    def result(self) -> CellValue | None:
        """Run the cell and block until it has ended; return its last expression or raise."""
        self._host.wait_started()
        with on_sigint(self._interrupt):
            self.start()
            return self._shown(self.task.wait())

    async def result_async(self) -> CellValue | None:
        """The same, on the kernel's own loop."""
        self._host.wait_started()
        with on_sigint(self._interrupt, wakes_loop=True):
            self.start()
            return self._shown(await self.task.wait_async(self._interrupt))

    def _shown(self, result: CellResult) -> CellValue | None:
        if result.data:
            self._shell.events.register("post_execute", self._release)
        return cell_value(result)

    def _release(self) -> None:
        """Show what the cell displayed after its value, now that the kernel has shown that."""
        self._shell.events.unregister("post_execute", self._release)
        if self.output.keeps:
            self._host.start(self._release_now).result()
        else:  # only a thread that the cell has left can still display something
            with suppress(HostEnded):
                self._host.call_soon(self.output.release)

    async def _release_now(self, _nursery: ActorNursery) -> None:
        self.output.release()

    @property
    def backend(self) -> str:
        """The spawn method of its actor, as far as it is known. For any thread."""
        actor = self.actor
        if actor is None and self._nursery is not None:
            actor = self._nursery.actors.get(self._name)
        return actor.spawn_method if actor else self._method

    @property
    def _name(self) -> str:
        return self._request.name or "(unnamed)"

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
        if not self._stopped_by:
            self._stopped_by, self._stopped_at = by, trio.current_time()
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
        if name is None:
            return self._in_turn(nursery, None)
        self._nursery = nursery
        turn = nursery.turns.take(name)
        if not turn.come.is_set():
            self._enter(Phase.QUEUED)
        return self._in_turn(nursery, turn)

    async def _in_turn(self, nursery: ActorNursery, turn: Turn | None) -> CellResult:
        try:
            with self._before_run, nullcontext() if turn is None else turn.kept():
                # Now, and not when it is our turn: they are to be as they are now.
                inputs = await self._pack()
                with nullcontext() if inputs is None else closing(inputs):
                    return await self._find_and_run(nursery, turn, inputs)
        except Exception:
            await self.output.show_value()  # it may have come, and is lost else
            raise
        finally:
            self.progress.end()
        seconds = trio.current_time() - self._stopped_at
        raise RunCancelled(self._name, self._stopped_by, seconds, None, "it had not begun")

    async def _pack(self) -> Parcel | None:
        """Pack the inputs and let go of them. If the cell is stopped meanwhile, nobody waits."""
        values, self._inputs = self._inputs, {}
        if not values:
            return None
        wanted = True

        def pack() -> Parcel | None:
            parcel = pack_inputs(self._name, values)
            if not wanted:
                parcel.close()
            return parcel

        try:
            return await trio.to_thread.run_sync(pack, abandon_on_cancel=True)
        except trio.Cancelled:
            wanted = False
            raise

    async def _find_and_run(
        self, nursery: ActorNursery, turn: Turn | None, inputs: Parcel | None
    ) -> CellResult:
        if turn is not None:
            await turn.come.wait()
        self._host.require_running()  # it may be the end of the host that has made it our turn
        if turn is not None and turn.lost is not None:
            raise await turn.lost.missed()
        request = self._request
        self._enter(Phase.STARTING)
        actor = await self._find(nursery)
        self._method = await choose(
            request.imports, request.backend, actor, say=self._say, check=request.check
        )
        if actor is None:
            actor = await nursery.start_actor(request.name, spawn_method=self._method)
        self.actor = actor
        note_loaded(request.imports, actor)
        own = ends_after(actor) if request.name is None else nullcontext()
        try:
            with nursery.heard_by(self._hear), own:
                result = await request.run_in(
                    actor,
                    sink=self._sink,
                    inputs=inputs,
                    outputs=request.outputs,
                    answer=self._answer,
                    on_begin=self._on_begin,
                )
        except OutputError as error:
            request.namespace.update(error.values)
            raise
        except CellError as error:
            if line := hint(error, actor, request):
                error.add_note(f"\n{line}")
            raise
        request.namespace.update(result.values)
        return result

    def _say(self, line: str) -> None:
        self._sink(Output(0, "stderr", f"{line}\n"))

    async def _find(self, nursery: ActorNursery) -> Actor | None:
        name, backend = self._request.name, self._request.backend
        if name is None:
            return None
        actor = await nursery.find(name, None if backend == AUTO else backend)
        if actor is None and (death := nursery.pop_death(name)):
            self._say(death)
        return actor

    def _on_begin(self, run: CellRun) -> None:
        self._run = run
        self._enter(Phase.RUNNING)

    async def _answer(self, question: Question) -> str | None:
        self.output.settle_in()
        return await self._ask(question)

    def _hear(self, event: Published) -> None:
        if isinstance(event, RunStopping) and event.run is self._run:
            self._enter(Phase.STOPPING)

    def _enter(self, phase: Phase) -> None:
        self.progress.enter(phase)
        self._tell(phase)

    def _tell(self, event: Event | Phase) -> None:
        for listener in self.listeners.copy():
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - a defect of theirs, and no reason to stop the cell
                _LOG.exception("a listener failed, and hears no more")
                self.listeners.remove(listener)

    def _sink(self, event: Event) -> None:
        self.progress.hear(event)
        self._tell(event)
        self.output(event)


def cell_value(result: CellResult) -> CellValue | None:
    """Return the last expression of a cell, in the thread that wants it."""
    return CellValue(result.data, result.metadata) if result.data else None
