"""Calls that would act on the kernel's process, refused in a sub-interpreter, which shares it.

They are those that a cell may well make where its process is its own. This is no security: with
ctypes, for one, the kernel can still be brought down.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _thread
import os
import posix
import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_OF_OS = {
    "_exit": "end",
    "abort": "end",
    "execv": "replace",  # the other forms of exec call this one or the next
    "execve": "replace",
    "fork": "fork",
    "forkpty": "fork",
}
_OF_SIGNAL = {
    "raise_signal": "send a signal to",
    "pthread_kill": "send a signal to",
    "alarm": "send a signal to",
    "setitimer": "send a signal to",
}


def install() -> None:
    """Put the refusals in place, for all that is imported or called from now on."""
    functions = {name: _refusal(f"os.{name}()", effect) for name, effect in _OF_OS.items()}
    functions["kill"] = _others_only("os.kill()", posix.kill, lambda pid: pid)
    functions["killpg"] = _others_only("os.killpg()", posix.killpg, lambda group: -group)
    vars(posix).update(functions)
    vars(os).update(functions)

    functions = {name: _refusal(f"signal.{name}()", effect) for name, effect in _OF_SIGNAL.items()}
    # A copy, as our own modules need the functions of the `_signal` that they have imported.
    copy = ModuleType("_signal")
    vars(copy).update(vars(_signal), **functions)
    sys.modules["_signal"] = copy
    if "signal" in sys.modules:  # by a .pth file; else it will take them from the copy
        vars(sys.modules["signal"]).update(functions)

    vars(_thread)["interrupt_main"] = _refusal("_thread.interrupt_main()", "interrupt")


def _refusal(call: str, effect: str) -> Callable[..., Any]:
    def refused(*_: object, **__: object) -> None:
        raise RuntimeError(
            f"{call} would {effect} the kernel, which this sub-interpreter shares:"
            " use a process for it (%%subint -b trio)"
        )

    return refused


def _others_only(
    call: str, send: Callable[[int, int], None], target: Callable[[int], int]
) -> Callable[..., Any]:
    """Return *send* for other processes; *target* gives what it means by its first argument."""
    refused = _refusal(f"{call} with this target", "send a signal to")

    def checked(number: int, signal: int, /) -> None:
        # 0 is our group, -1 is everyone; the signal 0 only asks whether there is somebody
        if signal and target(number) in (0, -1, os.getpid(), -os.getpgrp()):
            refused()
        send(number, signal)

    return checked
