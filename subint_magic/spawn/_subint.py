"""Sub-interpreters: each is driven by a thread of its own.

Isolated ones have a GIL of their own (PEP 684) and are made through the public API (PEP 734).
Legacy ones share the kernel's GIL, for extension modules that refuse isolation.
"""

from __future__ import annotations

import sys
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from subint_magic.errors import SpawnMethodUnavailable
from subint_magic.spawn._contract import ChildEnd, LocalChild, SpawnMethod, code_string
from subint_magic.spawn._exit import drivers
from subint_magic.wire.fds import FdStream, socket_pair

_WHY_NOT: str | None = None
try:
    from concurrent import interpreters
except ImportError:
    _WHY_NOT = (
        "it needs Python 3.14 or later (concurrent.interpreters),"
        f" this is Python {'.'.join(map(str, sys.version_info[:3]))}"
    )

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator

    from subint_magic.spawn._contract import Child

__all__ = ["SUBINT", "SUBINT_LEGACY", "subint_proc"]


class _SubintChild(LocalChild):
    """A sub-interpreter and the thread that drives it."""

    shares_process = True
    kill = None  # nothing in CPython can end a running interpreter from outside

    def __init__(self, stream: FdStream, theirs: socket.socket, name: str, *, legacy: bool) -> None:
        self.stream = stream
        self._theirs = theirs
        self._legacy = legacy
        self._code = code_string(str(theirs.fileno()))  # made here: sys.path may change any time
        self._end = ChildEnd()
        self._ended = trio.Event()
        self._token = trio.lowlevel.current_trio_token()
        # A thread of its own, never one of trio's cache: a thread that is used again keeps the
        # sub-interpreter's thread state, and closing the interpreter fails or races. A daemon,
        # so that one which is stuck in a call does not keep the process from ending.
        self._thread = threading.Thread(target=self._drive, name=f"subint {name}", daemon=True)
        self._thread.start()

    def _drive(self) -> None:
        error = ""
        drivers.add(self._thread)
        try:
            interpreter = _create(legacy=self._legacy)
            try:
                interpreter.exec(self._code)
            finally:
                self._theirs.close()
                interpreter.close()
        except interpreters.ExecutionFailed as failure:
            error = str(failure)
        except BaseException as failure:  # noqa: BLE001 - reported to whoever waits
            error = f"{type(failure).__name__}: {failure}"
        self._end = ChildEnd(error=error)
        drivers.discard(self._thread)
        try:
            self._token.run_sync_soon(self._ended.set)
        except trio.RunFinishedError:
            pass  # abandoned, and the supervisor has gone since

    async def wait(self) -> ChildEnd:
        """Wait until the interpreter is closed and its thread has ended."""
        await self._ended.wait()
        self._thread.join()  # its last statement was to tell us
        return self._end


def _create(*, legacy: bool) -> interpreters.Interpreter:
    if not legacy:
        return interpreters.create()
    # The public API makes isolated ones only.
    import _interpreters

    return interpreters.Interpreter(_interpreters.create("legacy", reqrefs=True))


@asynccontextmanager
async def subint_proc(key: str, name: str) -> AsyncGenerator[Child]:
    """Start a sub-interpreter, isolated or, for the key ``"subint_legacy"``, with our GIL.

    Raises:
        SpawnMethodUnavailable: below Python 3.14.
    """
    if _WHY_NOT:
        raise SpawnMethodUnavailable(key, _WHY_NOT, ["trio", "mp_spawn", "mp_forkserver"])
    stream, theirs = socket_pair()
    async with stream:
        yield _SubintChild(stream, theirs, name, legacy=key == "subint_legacy")


SUBINT = SpawnMethod(
    "subint",
    "a sub-interpreter with its own GIL: fast, parallel, no numpy",
    subint_proc,
    lambda: _WHY_NOT,
)
SUBINT_LEGACY = SpawnMethod(
    "subint_legacy",
    "a sub-interpreter with the kernel's GIL: more modules load",
    subint_proc,
    lambda: _WHY_NOT,
)
