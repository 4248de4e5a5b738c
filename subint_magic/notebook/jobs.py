"""One cell on its way through an actor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from subint_magic.errors import ActorConflict, OutputError, RunCancelled
from subint_magic.notebook.auto import AUTO, cheapest_process, choose
from subint_magic.notebook.output import CellOutput, CellValue
from subint_magic.runtime.host import on_sigint
from subint_magic.runtime.imports import check_imports, note_loaded
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.values import open_outputs, pack_inputs
from subint_magic.spawn import get_start_method
from subint_magic.wire.messages import Output, Rung

if TYPE_CHECKING:
    from collections.abc import Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.host import Host
    from subint_magic.runtime.imports import Import
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.runtime.run import CellResult
    from subint_magic.wire.messages import Frontend, Loop

__all__ = ["CellRequest", "Job"]

_BY = "an interrupt"
_ENDING = (State.CLOSING, State.CANCELLING)


@dataclass(frozen=True)
class CellRequest:
    """What the magic's line asks for.

    Attributes:
        source: the text of the cell.
        name: the named actor to run in; ``None`` for a fresh one that ends after the cell.
        backend: the key of a spawn method, or `AUTO`; ``None`` for the selected one.
        loop: what runs top-level ``await``.
        timeout: seconds after which it is stopped; ``None`` for no limit.
        grace: seconds that it gets to stop.
        output_limit: characters of output that are shown.
        frontend: what shows it.
        imports: what the cell imports, as far as it may be a problem.
        check: whether to refuse the cell if one of them cannot load where it is to run.
        inputs: variables of the notebook that the cell gets a copy of, by name.
        outputs: names of variables of the cell that the notebook gets a copy of.
        namespace: the notebook's variables.
    """

    source: str
    name: str | None
    backend: str | None
    loop: Loop
    timeout: float | None
    grace: float
    output_limit: int
    frontend: Frontend
    imports: tuple[Import, ...] = ()
    check: bool = True
    inputs: Mapping[str, object] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    namespace: dict[str, object] = field(default_factory=dict)


class Job:
    """A cell on its way through the host. Made in the cell, by its thread."""

    def __init__(self, host: Host, shell: InteractiveShell, request: CellRequest) -> None:
        self._host = host
        self._shell = shell
        self._request = request
        self._output = CellOutput(shell, request.output_limit)
        self._actor: Actor | None = None
        self._before_run = trio.CancelScope()
        self._inputs = pack_inputs(self._name, request.inputs) if request.inputs else None

    # A SIGINT that came between the start and the wait would leave a cell that nobody waits for.

    def result(self) -> CellValue | None:
        """Run the cell and block until it has ended; return its last expression or raise."""
        self._host.wait_started()
        with on_sigint(self._interrupt):
            result = self._host.start(self._run).wait(self._interrupt)
        return self._finish(result)

    async def result_async(self) -> CellValue | None:
        """The same, on the kernel's own loop."""
        self._host.wait_started()
        with on_sigint(self._interrupt):
            result = await self._host.start(self._run).wait_async(self._interrupt)
        return self._finish(result)

    @property
    def _name(self) -> str:
        return self._request.name or "(unnamed)"

    def _finish(self, result: CellResult) -> CellValue | None:
        """Set the outputs in the notebook, by the cell's own thread; return what is shown."""
        namespace = self._request.namespace
        try:
            namespace |= open_outputs(self._name, result.parcel, result.missing)
        except OutputError as error:
            namespace |= error.values
            raise
        if not result.data:
            return None
        self._shell.events.register("post_execute", self._release)
        return CellValue(result.data, result.metadata)

    def _release(self) -> None:
        """Show what the cell displayed after its value, now that the kernel has shown that."""
        self._shell.events.unregister("post_execute", self._release)
        self._host.start(self._output.release).result()

    def _interrupt(self) -> None:
        self._host.call_soon(self._interrupt_now)

    def _interrupt_now(self) -> None:
        run = self._actor.current_run if self._actor else None
        if self._actor is not None and run is not None and run.source is self._request.source:
            self._actor.interrupt(_BY)
        else:  # the actor is starting or ending, or runs another cell
            self._before_run.cancel()

    async def _run(self, nursery: ActorNursery) -> CellResult:
        request = self._request
        begun = trio.current_time()
        with self._before_run:
            actor = await self._find(nursery)
            backend = await self._backend(actor)
            if actor is None:  # another cell may have started it meanwhile
                actor = await self._find(nursery) or await nursery.start_actor(
                    request.name, spawn_method=backend
                )
            self._actor = actor
            note_loaded(request.imports, actor)
            try:
                return await actor.run_cell(
                    request.source,
                    loop=request.loop,
                    sink=self._output,
                    timeout=request.timeout,
                    grace=request.grace,
                    output_limit=request.output_limit,
                    frontend=request.frontend,
                    inputs=self._inputs,
                    outputs=request.outputs,
                    unpack=False,
                )
            except RunCancelled as error:
                if request.name is None and error.rung != Rung.END:
                    error.note = "its actor ends with it"
                raise
            finally:
                if request.name is None:
                    actor.request_end()  # the prompt does not wait for it
        seconds = trio.current_time() - begun
        raise RunCancelled(self._name, _BY, seconds, None, "it had not begun")

    async def _backend(self, actor: Actor | None) -> str:
        """Return the key of the backend for the cell; *actor* is the one that it has already.

        Raises:
            ImportRefused: a module cannot load there.
        """
        request = self._request
        if actor is None and request.backend == AUTO:
            key, why = await choose(request.imports)
            self._say(f"auto: {key}{why}")
            return key
        backend = actor.spawn_method if actor else request.backend or get_start_method()
        if request.imports and request.check:
            instead = cheapest_process()
            doubt = await check_imports(request.imports, backend, actor, instead=instead)
            if doubt is not None:
                self._say(f"{doubt}: {doubt.reason}. The cell runs all the same.")
        return backend

    def _say(self, line: str) -> None:
        self._output(Output(0, "stderr", f"{line}\n"))

    async def _find(self, nursery: ActorNursery) -> Actor | None:
        name, backend = self._request.name, self._request.backend
        if name is None:
            return None
        while (actor := nursery.actors.get(name)) and actor.state in _ENDING:
            await actor.wait_ended()
        if actor is None:
            if death := nursery.pop_death(name):
                self._say(f"{death}\nA new one takes its name.")
            return None
        if backend not in (None, AUTO, actor.spawn_method):
            raise ActorConflict(
                name,
                f"runs on {actor.spawn_method!r}, not {backend!r}:"
                f" close it first (%subints close {name}) or choose another name.",
            )
        await actor.wait_ready()  # another cell may be starting it
        return actor
