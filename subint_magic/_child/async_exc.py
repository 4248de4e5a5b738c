"""PyThreadState_SetAsyncExc(): raise an exception in another thread.

The thread raises it when it next checks its eval breaker: at the end of a round of a loop, at the
begin of a function, after a call into C. It must be called in the interpreter of that thread: from
outside it looks through the thread states of the wrong one.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CHAIN = 1000
"""KeyboardInterrupts that follow one another at most."""


def set_async_exc(thread: int, exception: type[BaseException] | None) -> None:
    """Raise *exception* in *thread* soon, or take back what was not raised yet."""
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


def _keyboard_interrupt(on_raise: Callable[[], None]) -> type[BaseException]:
    """Return a KeyboardInterrupt that calls *on_raise* when it is raised, in that thread.

    To raise a class makes an instance of it. *on_raise* must be C, because bytecode in it would
    itself be hit by the next one.
    """
    kind = type("KeyboardInterrupt", (KeyboardInterrupt,), {"__module__": "builtins"})
    kind.__init__ = staticmethod(on_raise)  # type: ignore[misc]
    return kind


def observed(pending: list[None]) -> type[BaseException]:
    """Return a KeyboardInterrupt that clears *pending* when it is raised."""
    pending.append(None)
    return _keyboard_interrupt(pending.clear)


def insistent(thread: int, hits: list[type[BaseException]]) -> type[BaseException]:
    """Return a KeyboardInterrupt that no loop can swallow: each one brings the next.

    Code that catches it is hit again the next time that it could be: at the end of that round of
    its loop, which is outside of the ``try``.

    Args:
        thread: whose code is to be stopped.
        hits: filled; the chain ends once it is empty, so whoever catches the exception for good
            clears it.
    """
    import ctypes
    from functools import partial
    from itertools import repeat

    set_next: Callable[[int, type[BaseException]], None] = ctypes.PYFUNCTYPE(
        None, ctypes.c_ulong, ctypes.py_object
    )(("PyThreadState_SetAsyncExc", ctypes.pythonapi))
    kind = _keyboard_interrupt(partial(next, map(set_next, repeat(thread), iter(hits)), None))
    hits += [kind] * CHAIN
    return kind
