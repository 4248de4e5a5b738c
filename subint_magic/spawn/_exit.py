"""The end of the process while a sub-interpreter is stuck in a call.

Nothing can end an interpreter that runs. To finalise the process under one crashes it when it runs
Python code, and waits for ever when it runs C code that holds its GIL. Then the process ends
without being finalised, once all exit functions have run.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Thread

__all__ = ["drivers"]

drivers: set[Thread] = set()
"""The threads that are inside of a sub-interpreter."""


class _Listener:
    """Hears of each registered function: `atexit.unregister` compares it with all, in order.

    Attributes:
        heard: the functions.
        chosen: whether the next one is to be unregistered.
    """

    def __init__(self, *, chosen: bool, until: object = None, since: object = None) -> None:
        self.heard: list[object] = []
        self.chosen = chosen
        self._until = until
        self._since = since

    def __eq__(self, other: object) -> bool:
        self.heard.append(other)
        chosen = self.chosen = self.chosen or other is self._since
        if other is self._until:
            self.chosen = False
        return chosen

    __hash__ = None  # type: ignore[assignment]

    def __call__(self) -> None:
        """Be what `atexit.unregister` takes."""


def _leave() -> None:
    """End the process if a sub-interpreter is busy still.

    Exit functions run newest first, and this one is registered when the package is imported, so
    actors have been ended by now, as far as that is possible. Those that were registered before it
    are yet to come.
    """
    if not any(thread.is_alive() for thread in drivers):
        return
    newest = atexit.register(lambda: None)
    atexit.unregister(listener := _Listener(chosen=False))
    if listener.heard[0] is newest:
        atexit.unregister(_Listener(chosen=True, until=_leave))
    else:
        atexit.unregister(_Listener(chosen=False, since=_leave))
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    # A script that failed; in IPython, it only means that some cell has failed.
    failed = hasattr(sys, "last_exc") and "IPython" not in sys.modules
    os._exit(int(failed))


atexit.register(_leave)
