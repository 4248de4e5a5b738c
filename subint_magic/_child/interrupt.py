"""Stops the code that runs: a `Fence` around it, and two ways to raise inside it.

The control thread asks, the executor's thread is hit. A KeyboardInterrupt that comes late must not
hit what runs after the code that it was meant for, so the fence is armed for one run at a time.
None of this takes a lock: an exception that strikes between acquiring a lock and entering the
``with`` body would leave it locked for ever. Single reads and writes are atomic under the GIL.
"""

from __future__ import annotations

# `signal` itself imports enum: a fifth of what a child takes to start.
import _signal as signal  # type: ignore[import-not-found]
import sys
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_NOBODY = -1


class Fence:
    """Lets KeyboardInterrupt into one run and keeps it out of everything else.

    Made by the thread whose code is to be stopped.
    """

    owns_process = False
    """Whether this interpreter may end its process."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._armed = _NOBODY
        self._requested = _NOBODY
        self._delivering = False
        self.hard = False
        """Whether the run that is armed was hit other than by its event loop."""
        self.soft: Callable[[], object] | None = None
        """Cancels the run's event loop from another thread, while the run has one."""

    def arm(self, run: int) -> None:
        """Open the fence for *run*; raise at once if its interrupt was here before it."""
        self.hard = False
        self._armed = run
        if self._requested == run:
            raise KeyboardInterrupt

    def disarm(self) -> None:
        """Close the fence. After this returns no KeyboardInterrupt of ours is pending.

        May itself be hit by one: call it again until it returns.
        """
        self._armed = _NOBODY
        self.soft = None
        while self._delivering:  # wait for a delivery that saw the fence still armed
            time.sleep(0)
        self._withdraw()

    def was_requested(self, run: int) -> bool:
        """Whether somebody asked to interrupt *run*."""
        return self._requested == run

    def interrupt(self, run: int) -> None:
        """Stop *run*, from the control thread: by its event loop first, hard the second time."""
        first = self._requested != run
        self._requested = run
        if self._armed != run:
            return  # ended already, or not yet begun: then arm() sees the request
        soft = self.soft
        if soft is not None and first:
            try:
                soft()
            except Exception:  # noqa: BLE001 - the loop ended this moment, so the run has
                pass
        else:
            self._hit(run)

    def interrupt_any(self) -> None:
        """Stop whatever runs; called again and again once the parent is gone."""
        run = self._armed
        if run != _NOBODY:
            self._hit(run)

    def _hit(self, run: int) -> None:
        self._delivering = True
        try:
            if self._armed == run:
                self.hard = True
                self._raise()
        finally:
            self._delivering = False

    def _raise(self) -> None:
        raise NotImplementedError

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

    def arm(self, run: int) -> None:
        """Open the fence for *run*; raise at once if its interrupt was here before it."""
        if signal.getsignal(signal.SIGINT) is _ignore:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        super().arm(run)

    def _raise(self) -> None:
        signal.pthread_kill(self._thread, signal.SIGINT)

    def _withdraw(self) -> None:
        time.sleep(0)  # a signal to this thread that is on its way arrives with a system call
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _ignore)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Take a SIGINT that comes between runs; SIG_IGN would be inherited by subprocesses."""


class AsyncExceptionFence(Fence):
    """For a sub-interpreter, which gets no signals: PyThreadState_SetAsyncExc().

    It must be called inside the sub-interpreter: from outside it looks through the thread states
    of the wrong interpreter. The exception is raised when the thread next runs bytecode.
    """

    def _raise(self) -> None:
        _set_async_exc(self._thread, KeyboardInterrupt)

    def _withdraw(self) -> None:
        if self._requested != _NOBODY:  # else nobody has set one, and ctypes need not be there
            _set_async_exc(self._thread, None)


def _set_async_exc(thread: int, exception: type[BaseException] | None) -> None:
    # ctypes is not imported before the first interrupt: it costs every start a third more. Then a
    # busy loop holds the GIL, and each file that the import opens waits a switch interval for it.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        import ctypes
    finally:
        sys.setswitchinterval(interval)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), None if exception is None else ctypes.py_object(exception)
    )


def make_fence() -> Fence:
    """Return the fence that works in this interpreter, for the calling thread."""
    try:
        return SignalFence()
    except ValueError:  # "signal only works in main thread of the main interpreter"
        return AsyncExceptionFence()
