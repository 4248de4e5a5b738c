"""What the backends that start a process share."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["GONE", "StdioPipes", "end_group", "kill_group"]

GONE = 1.0
"""Seconds within which a killed process is gone, unless the operating system has it in a call."""

_TAIL = 2**16


class StdioPipes:
    """The pipes behind fd 1 and 2 of a child.

    The child reads them itself and sends what it finds, in order with what it prints. The parent
    keeps the read ends too: what a crashing child wrote last is still in there.
    """

    def __init__(self) -> None:
        self.fds = (os.pipe(), os.pipe())
        """Read and write end for stdout, then for stderr."""
        self._open = {fd for pair in self.fds for fd in pair}

    def __enter__(self) -> StdioPipes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close(*self._open)

    def started(self) -> None:
        """Close the write ends here, now that the child has them."""
        self._close(*(writer for _, writer in self.fds))

    def last_words(self) -> str:
        """Return what is left in the pipe of stderr, once the child has ended."""
        reader = self.fds[1][0]
        os.set_blocking(reader, False)
        with suppress(BlockingIOError):
            return os.read(reader, _TAIL).decode("utf-8", "replace")
        return ""

    def _close(self, *fds: int) -> None:
        for fd in fds:
            self._open.discard(fd)
            os.close(fd)


def kill_group(pid: int) -> None:
    """Kill the process *pid*, and what it started as long as that stayed in its group.

    Every child leads a group of its own: a SIGINT for the kernel's group, by Ctrl-C in a terminal
    or by a Jupyter server, must not reach it.
    """
    end_group(pid)
    with suppress(ProcessLookupError):  # it may not have come to make its group
        os.kill(pid, signal.SIGKILL)


def end_group(pid: int) -> None:
    """Kill what the process *pid*, which has ended, has left in its group.

    What an actor starts ends with it. Called right after the process was reaped, before its number
    can have come round again.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
