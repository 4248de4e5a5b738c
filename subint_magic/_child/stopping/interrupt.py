"""Stops the code that runs: a `Fence` around it, and the rungs of the stop ladder.

The control thread asks, the executor's thread is hit. A KeyboardInterrupt that comes late must not
hit what runs after the code that it was meant for, so the fence is armed for one run at a time.
None of this takes a lock: an exception that strikes between acquiring a lock and entering the
``with`` body would leave it locked for ever. Single reads and writes are atomic under the GIL.
"""

from __future__ import annotations

# `signal` itself imports enum: a fifth of what a child takes to start.
import _signal as signal  # type: ignore[import-not-found]
import threading
import time

from subint_magic._child import frames
from subint_magic._child.stopping.async_exc import AsyncInterrupt, set_async_exc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

NOBODY = -1
"""No run."""

LAST = 0
"""Stands for what cells have left to be run at the end."""

_sleep = time.sleep  # not that of a sub-interpreter, which can be woken

INSISTENCE = 0.02
"""Seconds between two attempts to stop a run that does not want to."""


class Fence:
    """Lets KeyboardInterrupt into one run and keeps it out of everything else.

    Made by the thread whose code is to be stopped.
    """

    owns_process = False
    """Whether this interpreter may end its process."""

    rungs: tuple[str, ...] = (frames.LOOP, frames.EXCEPTION, frames.INSIST)
    """The rungs of the stop ladder that work here."""

    def __init__(self) -> None:
        self.thread: int = threading.get_ident()
        """The thread whose code is stopped."""
        self.armed = NOBODY
        """The run that may be hit."""
        self.hits: list[type[BaseException]] = []
        """What is left of a chain of KeyboardInterrupts; see `AsyncInterrupt.chained`."""
        self._interrupts: AsyncInterrupt | None = None
        self._requested = NOBODY
        self._requests = 0
        self._delivering = False
        self.rung: str | None = None
        """The highest rung that was tried on the run that is armed, or was the last."""
        self.report: Callable[[int, str], None] = _tell_nobody
        """Called with a run and the rung that was tried on it."""
        self.cancel_loop: Callable[[], object] | None = None
        """Lets the run's event loop cancel it and call `reached`, while the run has a loop."""
        self.raise_in_loop: Callable[[], object] | None = None
        """Lets that loop raise KeyboardInterrupt in a run that waits in it."""

    def arm(self, run: int) -> None:
        """Open the fence for *run*; raise at once if its interrupt was here before it."""
        self.rung = None
        self.rearm(run)
        if self._requested == run:
            self.rung = frames.EXCEPTION
            raise KeyboardInterrupt

    def rearm(self, run: int) -> None:
        """Open the fence again for what is left to tell of *run*, which has ended.

        An interrupt that came in between has nothing to stop any more; a higher rung still has.
        """
        self.armed = run

    def disarm(self) -> None:
        """Close the fence. After this returns no KeyboardInterrupt of ours is pending."""
        self.armed = NOBODY
        self.cancel_loop = self.raise_in_loop = None
        while self._delivering:  # wait for a delivery that saw the fence still armed
            _sleep(0)
        self._withdraw()

    def guard(self, call: Callable[[], object]) -> BaseException | None:
        """Call *call*, which arms the fence; return what it raised. After this nothing is pending.

        Up to three KeyboardInterrupts may still be on their way when it ends: the one that came
        just after its last bytecode, a signal, and the last of a chain. There is no loop here,
        because the jump at its end would be hit outside of the ``try``.
        """
        error: BaseException | None = None
        try:
            try:
                try:
                    try:
                        call()
                    except BaseException as raised:  # noqa: BLE001 - it is returned
                        error = raised
                    finally:
                        # Neither line can be hit before it has its effect.
                        self.armed = NOBODY
                        self.hits.clear()
                    self.disarm()
                except KeyboardInterrupt as late:
                    error = late if error is None else error
                    self.disarm()
            except KeyboardInterrupt as late:
                error = late if error is None else error
                self.disarm()
        except KeyboardInterrupt as late:
            error = late if error is None else error
            self.disarm()
        return error

    def postpone(self, call: Callable[[], object]) -> None:
        """Call *call* and let no interrupt in before it has ended: half an import stays half.

        Raises:
            KeyboardInterrupt: after it, if somebody has asked meanwhile.
        """
        if self.armed == NOBODY or threading.get_ident() != self.thread:
            call()
            return
        before = self._requests
        _sleep(0)  # what was raised before strikes here; or the cell has caught it already
        run, self.armed = self.armed, NOBODY
        try:
            while self._delivering:  # as in disarm()
                _sleep(0)
            self.hits.clear()
            self._withdraw()
            call()
        finally:
            self.rearm(run)
            if self._requests != before:
                self.rung = frames.EXCEPTION
                raise KeyboardInterrupt

    def was_requested(self, run: int) -> bool:
        """Whether somebody asked to interrupt *run*."""
        return self._requested == run

    def interrupt(self, run: int, rung: str) -> None:
        """Climb to *rung* with *run*, from the control thread."""
        self._requested = run
        self._requests += 1
        self._delivering = True
        try:
            if self.armed == run:  # else it has ended, or arm() will see the request
                self._climb(run, rung)
        finally:
            self._delivering = False

    def interrupt_any(self) -> None:
        """Raise in whatever runs, once, and wake it."""
        for rung in self.rungs[1:-1]:
            if self.armed != NOBODY:
                self.interrupt(self.armed, rung)

    def reached(self, run: int, rung: str) -> None:
        """Note that *rung* was tried on *run*."""
        if rung == frames.LOOP and self.rung is not None:
            return  # the loop turned only after a higher rung had freed it
        self.rung = rung
        self.report(run, rung)

    @property
    def insisting(self) -> bool:
        """Whether `insist` is to be called again and again."""
        return self.armed != NOBODY and self.rung == frames.INSIST

    def insist(self) -> None:
        """Stop whatever runs, by all means that there are."""
        self._delivering = True
        try:
            if self.armed != NOBODY:
                self.rung = frames.INSIST
                self.hits.clear()  # else who ends the run might clear the new ones only
                hits: list[type[BaseException]] = []
                self.hits = hits
                kind = self._interrupt_types().chained(hits)
                if self.armed == NOBODY:  # asked after the hits can be seen
                    hits.clear()
                else:
                    set_async_exc(self.thread, kind)
                self._wake()
                self._try(self.raise_in_loop)
        finally:
            self._delivering = False

    def _climb(self, run: int, rung: str) -> None:
        waits_in_loop = self.rung == frames.LOOP
        if rung == frames.LOOP and self.rung is None and self._try(self.cancel_loop):
            return  # reached() is called by the loop, once it turns: the code may not let it
        if rung in (frames.LOOP, frames.EXCEPTION):
            if self.rung in (None, frames.LOOP):
                # Before it is raised, as the run may end by it this moment.
                self.reached(run, frames.EXCEPTION)
                # Raised just anywhere, it would tear a loop that only waits.
                if not (waits_in_loop and self._try(self.raise_in_loop)):
                    self._raise()
        elif rung in self.rungs:
            self.reached(run, rung)
            if rung == frames.WAKE:
                self._wake()

    def _interrupt_types(self) -> AsyncInterrupt:
        if self._interrupts is None:
            self._interrupts = AsyncInterrupt(self.thread)
        return self._interrupts

    @staticmethod
    def _try(way: Callable[[], object] | None) -> bool:
        """Go a *way* through the loop, if it is there; whether that was possible."""
        if way is not None:
            try:
                way()
            except Exception:  # noqa: BLE001 - the loop ended this moment, so the run has
                pass
        return way is not None

    def _raise(self) -> None:
        raise NotImplementedError

    def _wake(self) -> None:
        pass

    def _withdraw(self) -> None:
        raise NotImplementedError


class SignalFence(Fence):
    """For the main thread of a process: SIGINT, which also wakes blocking calls.

    While a run goes on the handler is Python's own, so that trio and asyncio, if a cell runs them,
    put theirs in its place as they do in any program. A handler of the cell's own is respected.

    Raises:
        ValueError: this is not the main thread of a main interpreter.
    """

    owns_process = True

    def __init__(self) -> None:
        super().__init__()
        signal.signal(signal.SIGINT, _ignore)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])

    def rearm(self, run: int) -> None:
        """Open the fence again for what is left to tell of *run*, which has ended."""
        if signal.getsignal(signal.SIGINT) is _ignore:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        super().rearm(run)

    def _raise(self) -> None:
        signal.pthread_kill(self.thread, signal.SIGINT)

    _wake = _raise

    def _withdraw(self) -> None:
        _sleep(0)  # a signal to this thread that is on its way arrives with a system call
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _ignore)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Take a SIGINT that comes between runs; SIG_IGN would be inherited by subprocesses."""


def _tell_nobody(_run: int, _rung: str) -> None:
    pass
