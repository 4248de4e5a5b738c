"""A cell that runs while the notebook goes on: its handle."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from subint_magic.errors import HostEnded, StillRunning
from subint_magic.notebook.cells.asking import background_answer
from subint_magic.notebook.cells.jobs import Job, cell_value
from subint_magic.notebook.live.progress import Phase
from subint_magic.notebook.live.run_view import RunLine
from subint_magic.notebook.live.starting_cell import StartingCell
from subint_magic.wire.messages import Dropped, Output

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic.notebook.cells.output import CellValue
    from subint_magic.notebook.cells.request import CellRequest
    from subint_magic.notebook.live.screen import Screen
    from subint_magic.runtime.runs.run import Event

__all__ = ["BackgroundRun"]


class BackgroundRun:
    """The handle of a cell that runs in the background. Made by ``%%subint --bg``.

    It shows itself, as the value of its cell: while it runs its state, how long, its last line and
    a button to cancel it, and what came of it when it has ended. If the run fails while nobody
    waits for it, its traceback appears in that cell.

    ``await run`` is the same as `result`, for cells and programs on an asyncio loop. Whoever waits
    can be interrupted: that stops the wait, not the run.

    Args:
        screen: shows it.
        request: says what to run.
        shell: the shell of the cell.
        quiet: whether the cell that starts it does not show it.
    """

    def __init__(
        self, screen: Screen, request: CellRequest, shell: InteractiveShell, *, quiet: bool = False
    ) -> None:
        self._job = job = Job(screen.host, shell, request, background_answer, background=True)
        self._progress = job.progress
        self._cell = StartingCell(shell)
        self._line = RunLine(screen, self._cell, job.progress, self._cancelled, with_output=True)
        self._events: list[Event] = []
        # Who takes the one element away is to tell of the error; this needs no lock, which an
        # interrupt could leave locked.
        self._untold = [True]
        self._waiting: set[object] = set()
        self._shell: Any = shell
        self._shown_in: int | None = self._count
        if not quiet:
            self._line.show()  # before anything that the cell shows
        job.listeners += [self._line.hear, self._note]
        job.task.add_done_callback(self._settle)
        job.start()

    # what it is

    @property
    def name(self) -> str:
        """The name of its actor; an unnamed one gets it when it is started."""
        return self._progress.name

    @property
    def backend(self) -> str:
        """The spawn method of its actor."""
        return self._progress.backend

    @property
    def state(self) -> str:
        """How far it is.

        ``"queued"``, ``"starting"``, ``"running"`` or ``"stopping"``; at last ``"done"``,
        ``"failed"``, ``"timed out"`` or ``"cancelled"``.
        """
        return self._progress.state

    @property
    def since(self) -> float:
        """`time.time` of the begin of its state."""
        return self._progress.since

    @property
    def elapsed(self) -> float:
        """Seconds since its cell was run, until its end; the time in the queue counts."""
        return self._progress.elapsed

    @property
    def last_line(self) -> str:
        """The last that it has printed, as far as that line has come."""
        return self._progress.last_line

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
        return self._line.text()

    def _repr_html_(self) -> str:
        return self._line.html()

    def _ipython_display_(self) -> None:
        # The cell that has started it shows it already, and this is the value of that cell.
        shown_in, self._shown_in = self._shown_in, None
        if shown_in != self._count:
            self._line.show()

    @property
    def _count(self) -> int:
        return int(self._shell.displayhook.prompt_count)

    def _cancelled(self) -> None:
        self._job.stop("its Cancel button", end_actor=True)

    # what happens to it, in trio

    def _note(self, event: Event | Phase) -> None:
        if not isinstance(event, Phase):
            self._events.append(event)

    def _settle(self) -> None:
        self._line.settle()
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
