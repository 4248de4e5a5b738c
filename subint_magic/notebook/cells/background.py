"""A cell that runs while the notebook goes on: its handle."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import trio
from IPython.display import display

from subint_magic.errors import ActorEnded, HostEnded, RunCancelled, RunTimedOut, StillRunning
from subint_magic.notebook.cells.asking import background_answer
from subint_magic.notebook.cells.jobs import Job, Phase, cell_value
from subint_magic.notebook.cells.starting_cell import StartingCell
from subint_magic.notebook.views.runs import last_line, run_bundle, run_text
from subint_magic.wire.messages import ClearOutput, Dropped, Output

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic.notebook.cells.output import CellValue
    from subint_magic.notebook.cells.request import CellRequest
    from subint_magic.runtime.host import Host
    from subint_magic.runtime.runs.run import Event

__all__ = ["BackgroundRun"]


_TICK = 1.0
"""Seconds between two looks at what a handle shows while its cell runs."""


class BackgroundRun:
    """The handle of a cell that runs in the background. Made by ``%%subint --bg``.

    It shows itself, as the value of its cell: while it runs the seconds and its last line, which
    are brought up to date at most once a second, and what came of it when it has ended. If
    the run fails while nobody waits for it, its traceback appears in that cell.

    ``await run`` is the same as `result`, for cells and programs on an asyncio loop. Whoever waits
    can be interrupted: that stops the wait, not the run.

    Attributes:
        since: `time.time` of the begin of its state.
        last_line: the last that it has printed, as far as that line has come.
    """

    def __init__(self, host: Host, request: CellRequest, shell: InteractiveShell) -> None:
        self._name = request.name
        self._host = host
        self._ticking = trio.CancelScope()
        self._job = Job(host, shell, request, background_answer, self._watch)
        self._cell = StartingCell(shell)
        self._events: list[Event] = []
        self.last_line: str = ""
        self.since: float = time.time()
        self._started = time.monotonic()
        # Who takes the one element away is to tell of the error; this needs no lock, which an
        # interrupt could leave locked.
        self._untold = [True]
        self._waiting: set[object] = set()
        self._display_id = uuid4().hex
        self._shown: dict[str, str] = {}
        self._cleared: ClearOutput | None = None  # since the handle was shown
        self._shell: Any = shell
        self._show()  # before anything that the cell shows
        self._shown_in: int | None = self._count
        self._job.task.add_done_callback(self._settle)
        self._job.start()

    # what it is

    @property
    def name(self) -> str:
        """The name of its actor; an unnamed one gets it when it is started."""
        return self._name or (self._job.actor.name if self._job.actor else "(unnamed)")

    @property
    def backend(self) -> str:
        """The spawn method of its actor."""
        return self._job.backend

    @property
    def state(self) -> str:
        """How far it is.

        ``"queued"``, ``"starting"`` or ``"running"``; at last ``"done"``, ``"failed"``,
        ``"timed out"`` or ``"cancelled"``.
        """
        task = self._job.task
        if not task.done:
            return str(self._job.phase)
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
        """Seconds since its cell was run, until its end; the time in the queue counts."""
        return (self._job.ended or time.monotonic()) - self._started

    @property
    def stdout(self) -> str:
        """All that it has printed so far."""
        return self._printed("stdout")

    @property
    def stderr(self) -> str:
        """The same for stderr."""
        return self._printed("stderr")

    @property
    def outputs(self) -> list[Event]:
        """What it has shown so far, other than by printing."""
        return [event for event in self._events if not isinstance(event, Output | Dropped)]

    @property
    def last_word(self) -> str:
        """The first line of what it has raised, if it has; else `last_line`."""
        error = self._job.task.error if self.done() else None
        if error is not None:
            return str(error).partition("\n")[0]
        if self.state == Phase.QUEUED:
            return f"%subints interrupt {self._name} stops what {self._name!r} runs now"
        return self.last_line

    def done(self) -> bool:
        """Whether it has ended."""
        return self._job.task.done

    # waiting for it

    def result(self, timeout: float | None = None) -> CellValue | None:
        """Wait for its end; return how the value of its last expression looks, or raise its error.

        The value itself stays in the actor: ``-o NAME`` gives the notebook a copy of a variable.

        Args:
            timeout: seconds to wait at most.

        Raises:
            StillRunning: it has not ended by then, and goes on; also a TimeoutError.
            CellError: the cell raised.
            RunCancelled: somebody stopped it, or ended its actor.
            RunTimedOut: it took longer than its ``--timeout``.
            ActorDied: its actor died.
            ActorEnded: its actor was ended while it was being started.
            HostEnded: the extension was unloaded before it began, or the kernel is ending.
        """
        __tracebackhide__ = True
        with self._waiter():
            self._join(timeout)
            return cell_value(self._job.task.result())

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for its end; return what `result` raises, or ``None``.

        Args:
            timeout: seconds to wait at most.

        Raises:
            StillRunning: it has not ended by then, and goes on; also a TimeoutError.
        """
        __tracebackhide__ = True
        with self._waiter():
            self._join(timeout)
            return self._job.task.error

    def __await__(self) -> Generator[Any, None, CellValue | None]:
        return self._result_async().__await__()

    async def _result_async(self) -> CellValue | None:
        __tracebackhide__ = True
        with self._waiter():
            await self._job.task.join_async()
            self._claim()
            return cell_value(self._job.task.result())

    def _join(self, timeout: float | None) -> None:
        __tracebackhide__ = True
        try:
            self._job.task.join(timeout)
        except TimeoutError:
            raise StillRunning(self.name, self.state, timeout or 0) from None
        self._claim()

    # stopping it

    def interrupt(self) -> None:
        """Stop the run, as an interrupt stops a cell; its actor is kept if it has a name.

        Asked again while that goes on, climb to the next rung of the stop ladder at once.
        """
        with suppress(HostEnded):  # so has the run
            self._job.stop("its handle's interrupt()")

    def cancel(self) -> None:
        """Stop the run whether it is queued, starting or running, and end its actor if unnamed."""
        with suppress(HostEnded):
            self._job.stop("its handle's cancel()", end_actor=True)

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError(
            "the handle of a background run stays in the kernel: pass on what it has set"
        )

    # how it shows itself

    def __repr__(self) -> str:
        return run_text(self)

    def _repr_html_(self) -> str:
        return run_bundle(self)["text/html"]

    def _ipython_display_(self) -> None:
        # The cell that has started it shows it already, and this is the value of that cell.
        shown_in, self._shown_in = self._shown_in, None
        if shown_in != self._count:
            self._show()
            self._refresh()  # it may have said more meanwhile, too early

    def _show(self) -> None:
        self._shown = run_bundle(self)
        display(self._shown, raw=True, display_id=self._display_id)

    def _show_again(self) -> None:
        """Show it after the run has cleared what the cell shows: it is no part of that."""
        self._cleared = None
        self._shown = run_bundle(self)
        self._cell.show(self._shown, self._display_id)

    def _refresh(self) -> None:
        # One that waits is kept waiting: it would take what the run shows for this.
        if self._cleared is not None and not self._cleared.wait:
            self._show_again()
        bundle = run_bundle(self)
        if bundle != self._shown:
            self._shown = bundle
            self._cell.update(bundle, self._display_id)

    @property
    def _count(self) -> int:
        return int(self._shell.displayhook.prompt_count)

    # what happens to it, in trio

    def _watch(self, event: Event | Phase) -> None:
        if isinstance(event, Phase):
            self.since = time.time()
            self._refresh()
            if event is Phase.RUNNING and self._cell.can_update:
                self._host.start(self._tick)
            return
        if self._cleared is not None and not isinstance(event, ClearOutput):
            self._show_again()
        self._events.append(event)
        if isinstance(event, Output):
            self.last_line = last_line(self.last_line + event.text)
        elif isinstance(event, ClearOutput):
            self._cleared = event

    async def _tick(self, _nursery: object) -> None:
        with self._ticking:
            while not self.done():
                self._refresh()
                await trio.sleep(_TICK)

    def _settle(self) -> None:
        self._ticking.cancel()
        self._refresh()
        self._tell()

    def _tell(self) -> None:
        """Show the error in the cell, unless somebody waits for it, or was told."""
        task = self._job.task
        if self.state in ("failed", "timed out") and not self._waiting and self._claim():
            assert task.error is not None
            self._cell.show_error(task.error)

    @contextmanager
    def _waiter(self) -> Iterator[None]:
        me = object()
        self._waiting.add(me)
        try:
            yield
        finally:
            # It may have failed while we were interrupted, and so have thought that we know.
            self._waiting.discard(me)
            if self._job.task.done:
                self._tell()

    def _claim(self) -> bool:
        try:
            return self._untold.pop()
        except IndexError:
            return False

    def _printed(self, stream: str) -> str:
        return "".join(
            event.text
            for event in self._events
            if isinstance(event, Output) and event.stream == stream
        )
