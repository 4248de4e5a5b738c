"""PyThreadState_SetAsyncExc(): raise an exception in another thread.

The thread raises it when it next checks its eval breaker: at the end of a round of a loop, at the
begin of a function, after a call into C. It must be called in the interpreter of that thread: from
outside it looks through the thread states of the wrong one.
"""

from __future__ import annotations

import _interpreters
import sys
from functools import partial
from itertools import repeat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

CHAIN = 1000
"""KeyboardInterrupts that follow one another at most."""


def _shares_gil() -> bool:
    try:
        config = _interpreters.get_config(_interpreters.get_current()[0])
    except AttributeError:  # before Python 3.14
        return False
    return bool(config.gil == "shared")


def _ctypes() -> ModuleType:
    """Import ctypes, not before the first interrupt: it costs every start a third more.

    Then a busy loop holds the GIL, and each file that the import opens waits a switch interval for
    it. That interval belongs to all who share the GIL, so a legacy sub-interpreter leaves it alone.
    """
    if "ctypes" not in sys.modules and not _shares_gil():
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-4)
        try:
            import ctypes
        finally:
            sys.setswitchinterval(interval)
    import ctypes

    return ctypes


def set_async_exc(thread: int, exception: type[BaseException] | None) -> None:
    """Raise *exception* in *thread* soon, or take back what was not raised yet."""
    ctypes = _ctypes()
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), None if exception is None else ctypes.py_object(exception)
    )


class AsyncInterrupt:
    """KeyboardInterrupts that know when they are raised.

    To raise a class makes an instance of it, in that thread, and so calls its ``__init__``. That
    must be C, because bytecode in it would itself be hit by the next one. The classes are made
    once.

    Args:
        thread: the thread whose code is to be stopped.
    """

    def __init__(self, thread: int) -> None:
        ctypes = _ctypes()
        self._thread = thread
        self._set = ctypes.PYFUNCTYPE(None, ctypes.c_ulong, ctypes.py_object)(
            ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
        )
        self._once = _keyboard_interrupt()
        self._chained = _keyboard_interrupt()

    def once(self, pending: list[None]) -> type[BaseException]:
        """Return a KeyboardInterrupt that clears *pending* when it is raised."""
        pending.append(None)
        self._once.__init__ = staticmethod(pending.clear)
        return self._once  # type: ignore[no-any-return]

    def chained(self, hits: list[type[BaseException]]) -> type[BaseException]:
        """Return a KeyboardInterrupt that no loop can swallow: each one brings the next.

        Code that catches it is hit again the next time that it could be: at the end of that round
        of its loop, which is outside of the ``try``.

        Args:
            hits: filled; the chain ends once it is empty, so whoever catches the exception for
                good clears it.
        """
        step = partial(next, map(self._set, repeat(self._thread), iter(hits)), None)
        self._chained.__init__ = staticmethod(step)
        hits += [self._chained] * CHAIN
        return self._chained  # type: ignore[no-any-return]


def _keyboard_interrupt() -> Any:
    return type("KeyboardInterrupt", (KeyboardInterrupt,), {"__module__": "builtins"})
