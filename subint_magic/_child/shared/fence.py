"""How the code of a sub-interpreter is stopped, which gets no signals."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import sys
import threading
import time

from subint_magic._child import frames
from subint_magic._child.stopping.async_exc import set_async_exc
from subint_magic._child.stopping.interrupt import NOBODY, Fence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType

_pthread_kill = signal.pthread_kill  # cells may not use it
_sleep = time.sleep
_allocate_lock = threading.Lock

SHORT = 0.01
"""Seconds of sleep that are not worth being woken from."""


class AsyncExceptionFence(Fence):
    """For a sub-interpreter, whose code gets no signals: PyThreadState_SetAsyncExc().

    It must be called inside the sub-interpreter: from outside it looks through the thread states
    of the wrong interpreter. The exception is raised when the thread next runs bytecode. From
    Python 3.15 on, a system call that a signal breaks off sees it too; before, only our own
    `sleep` can be woken, and on each version what waits on a condition of `threading`, as
    ``Event.wait`` and ``Queue.get`` do.
    """

    rungs = (frames.LOOP, frames.EXCEPTION, frames.WAKE, frames.INSIST)

    def __init__(self) -> None:
        super().__init__()
        self._gong = threading.Lock()
        self._gong.acquire()
        self._waiter: LockType | None = None
        self._pending: list[None] = []
        time.sleep = self.sleep  # type: ignore[assignment] # objects with __index__ go on to it
        threading._allocate_lock = self.allocate_lock  # type: ignore[attr-defined]

    def sleep(self, seconds: float, /) -> None:
        """Do what `time.sleep` does, but so that it can be woken."""
        wakeable = threading.get_ident() == self.thread and type(seconds) in (int, float)
        if not (wakeable and SHORT < seconds < threading.TIMEOUT_MAX):
            _sleep(seconds)
            return
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._gong.acquire(timeout=left)  # and the exception strikes here

    def allocate_lock(self) -> LockType:
        """Do what `threading` wants a lock for: each wait on a condition has one of its own."""
        lock = _allocate_lock()
        if threading.get_ident() == self.thread:
            self._waiter = lock
        return lock

    def _raise(self) -> None:
        self._pending = []
        set_async_exc(self.thread, self._interrupt_types().once(self._pending))

    def _wake(self) -> None:
        if self._gong.locked():
            self._gong.release()
        # Without an exception to see, the wait would end as if there had been what it waits for.
        if self._waiter is not None and (self._pending or self.rung == frames.INSIST):
            try:
                self._waiter.release()
            except RuntimeError:
                pass  # it is not waiting
        if sys.version_info >= (3, 15):
            _interrupt_system_call(self.thread)

    def _withdraw(self) -> None:
        if self._requested != NOBODY:  # else nobody has set one, and ctypes need not be there
            set_async_exc(self.thread, None)


def _interrupt_system_call(thread: int) -> None:
    """Let the system call that *thread* is in fail with EINTR.

    A signal does that only if it has a handler. SIGURG is by default ignored, so it hurts nobody,
    and a sub-interpreter cannot use `signal.signal`; `abs` is a C function with the signature of a
    handler that does nothing. PyOS_setsig() sets it without SA_RESTART.
    """
    import ctypes

    set_handler = ctypes.pythonapi.PyOS_setsig
    set_handler.argtypes, set_handler.restype = [ctypes.c_int, ctypes.c_void_p], ctypes.c_void_p
    do_nothing = ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p)
    before = set_handler(signal.SIGURG, do_nothing)
    if before not in (None, signal.SIG_DFL, signal.SIG_IGN, do_nothing.value):
        set_handler(signal.SIGURG, before)  # somebody's own handler does as well
    _pthread_kill(thread, signal.SIGURG)
