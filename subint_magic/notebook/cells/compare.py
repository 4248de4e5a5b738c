"""``%%subint --compare``: the same cell on every backend that can run it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import trio
from IPython.display import display

from subint_magic.errors import (
    CellError,
    InputError,
    RunCancelled,
    RunTimedOut,
    SubintMagicError,
)
from subint_magic.notebook.cells.output import CellOutput
from subint_magic.notebook.views.tables import duration, html_table, size, text_table
from subint_magic.runtime.host import on_sigint
from subint_magic.runtime.imports import find_obstacle, note_loaded
from subint_magic.runtime.nursery import ends_after
from subint_magic.spawn import spawn_methods
from subint_magic.wire.messages import Output

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic.notebook.cells.request import CellRequest
    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.host import Host
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.runtime.runs.run import Event
    from subint_magic.spawn import SpawnMethodStatus

__all__ = ["Comparison", "ComparisonTable"]

_BY = "an interrupt"
_HEADER = ["backend", "start", "run", "total", "CPU", "peak memory", "moved", "outcome"]
_FOOTER = (
    "total: until the actor had ended; peak memory: how much the run has added at most;"
    " moved: bytes of messages to and from the actor"
)
_SHARED = (
    "{}: CPU of the thread that ran the cell; peak memory of the kernel's process, which they share"
)
_COMPARED = ("stdout", "stderr", "result", "message")
_ADDRESS = re.compile(r"\b0x[0-9a-f]+\b")


@dataclass
class _Trace:
    """All that came of a run, in a form that can be compared with that of another."""

    texts: dict[str, list[str]] = field(default_factory=lambda: {n: [] for n in _COMPARED})
    error: SubintMagicError | None = None
    filename: str = ""

    def __call__(self, event: Event) -> None:
        if isinstance(event, Output):
            self.texts[event.stream].append(event.text)
        else:
            self.texts["result"].append(repr(event))

    @property
    def outcome(self) -> str:
        match self.error:
            case None:
                return "ok"
            case CellError(type_name=name):
                return f"raises {name}"
            case RunTimedOut(timeout=timeout):
                return f"stopped after {timeout:g} s"
            case RunCancelled():
                return "stopped"
        return _first_line(self.error)

    def outcome_beside(self, other: _Trace) -> str:
        """Say what came of it where *other* was the first."""
        if self.outcome != other.outcome:
            return self.outcome
        parts = [name for name in self.texts if self._comparable(name) != other._comparable(name)]
        if not parts:
            return "same"
        return f"{' and '.join(parts)} differ{'s' if len(parts) == 1 else ''}"

    def _comparable(self, name: str) -> str:
        """Return a text without what is another one in each interpreter."""
        text = "".join(self.texts[name])
        if name == "message" and self.error is not None:
            text = str(self.error)
        if self.filename:
            text = text.replace(self.filename, "<cell>")
        return _ADDRESS.sub("0x…", text)


@dataclass(frozen=True)
class ComparisonTable:
    """What ``%%subint --compare`` shows.

    Attributes:
        rows: for each backend the texts of its columns; only the first and the last where it
            could not run the cell.
        footer: what the columns mean.
    """

    rows: list[list[str]]
    footer: str

    def __repr__(self) -> str:
        return f"{text_table(_HEADER, self.rows)}\n\n{self.footer}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {
            "text/plain": repr(self),
            "text/html": html_table(_HEADER, self.rows, self.footer),
        }


class Comparison:
    """A cell on its way through all backends. Made in the cell, by its thread."""

    def __init__(self, host: Host, shell: InteractiveShell, request: CellRequest) -> None:
        self._host = host
        self._request = request
        self._output = CellOutput(shell, request.output_limit, with_value=True)
        self._methods = [each for each in spawn_methods() if each.selected or not each.remote]
        self._actor: Actor | None = None
        self._between_runs = trio.CancelScope()
        self._interrupted: RunCancelled | None = None
        self._rows: list[list[str]] = []
        self._shared: list[str] = []
        self._traces: list[_Trace] = []  # of the backends on which the cell has run
        self._input_error: InputError | None = None

    def result(self) -> ComparisonTable:
        """Block until all have ended; return the table, or show it and raise.

        It raises if it was interrupted, and if the cell has raised on every backend.
        """
        self._host.wait_started()
        with on_sigint(self._interrupt):
            self._host.start(self._run).wait()
        return self._conclude()

    async def result_async(self) -> ComparisonTable:
        """The same, on the kernel's own loop."""
        self._host.wait_started()
        with on_sigint(self._interrupt, wakes_loop=True):
            await self._host.start(self._run).wait_async(self._interrupt)
        return self._conclude()

    def _conclude(self) -> ComparisonTable:
        shared = [_SHARED.format(", ".join(self._shared))] if self._shared else []
        table = ComparisonTable(self._rows, "\n".join([_FOOTER, *shared]))
        errors = [trace.error for trace in self._traces] or [self._input_error]
        error = self._interrupted or (errors[0] if all(errors) else None)
        if error is not None:
            display(table)
            raise error
        return table

    def _interrupt(self) -> None:
        self._host.call_soon(self._interrupt_now)

    def _interrupt_now(self) -> None:
        if self._actor is None or not self._actor.interrupt(_BY):
            self._between_runs.cancel()

    async def _run(self, nursery: ActorNursery) -> None:
        begun = trio.current_time()
        with self._between_runs:
            for method in self._methods:
                reason = await self._why_not(method)
                if reason is None:
                    await self._run_on(nursery, method.key)
                else:
                    self._note_reason(method.key, reason)
                if self._interrupted:
                    return
        if self._between_runs.cancelled_caught:
            seconds = trio.current_time() - begun
            self._interrupted = RunCancelled("(compared)", _BY, seconds, None, "none was running")

    def _note_reason(self, key: str, reason: str) -> None:
        self._rows.append([key, *[""] * (len(_HEADER) - 2), reason])

    async def _why_not(self, method: SpawnMethodStatus) -> str | None:
        if method.reason is not None:
            return f"cannot run here: {method.reason}"
        imports = self._request.imports
        obstacle = await find_obstacle(imports, method.key, say=self._say)
        if obstacle is not None and obstacle.certain:
            return f"{obstacle.module} cannot load: {obstacle.reason}"
        return None

    def _say(self, line: str) -> None:
        self._output(Output(0, "stderr", f"{line}\n"))

    async def _run_on(self, nursery: ActorNursery, key: str) -> None:
        request, trace = self._request, _Trace()
        first = next(iter(self._traces), trace)

        def sink(event: Event) -> None:
            trace(event)
            if trace is first:
                self._output(event)

        times = [trio.current_time()]
        actor: Actor | None = None
        try:
            actor = self._actor = await nursery.start_actor(spawn_method=key, from_spare=False)
            note_loaded(request.imports, actor)
            times.append(trio.current_time())
            with ends_after(actor, linger=0):  # the next is measured
                await request.run_in(actor, sink=sink, inputs=request.inputs or None, measure=True)
        except SubintMagicError as error:
            trace.error = error
        finally:
            self._actor = None
        times.append(trio.current_time())
        if isinstance(trace.error, RunCancelled) and not isinstance(trace.error, RunTimedOut):
            trace.error.note = "the backends after it were not tried"
            self._interrupted = trace.error
        if actor is not None:
            if actor.last_run is not None:
                trace.filename = actor.last_run.filename
            await actor.wait_ended()
        times.append(trio.current_time())
        if isinstance(trace.error, InputError):
            self._input_error = self._input_error or trace.error
            self._note_reason(key, f"cannot run: {_first_line(trace.error)}")
            return
        self._traces.append(trace)
        outcome = trace.outcome if trace is first else trace.outcome_beside(first)
        self._rows.append([key, *self._measurements(actor, times), outcome])

    def _measurements(self, actor: Actor | None, times: list[float]) -> list[str]:
        if actor is None or len(times) < 4 or actor.last_run is None:
            return [duration(times[1] - times[0]), *["–"] * 5]
        if actor.hello is not None and actor.hello.interpreter != 0 and not actor.place:
            self._shared.append(actor.spawn_method)
        begun, ready, ran, ended = times
        return [
            duration(ready - begun),
            duration(ran - ready),
            duration(ended - begun),
            duration(actor.last_run.cpu),
            size(actor.last_run.peak),
            size(actor.bytes_moved),
        ]


def _first_line(error: SubintMagicError) -> str:
    return str(error).partition("\n")[0]
