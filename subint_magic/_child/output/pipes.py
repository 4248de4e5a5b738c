"""The pipes behind fd 1 and 2 of a process: what C code and subprocesses write."""

from __future__ import annotations

import os
import select
import time
from codecs import getincrementaldecoder

from subint_magic._child.output.outbox import CHUNK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

READS = 16
"""Reads of one chunk that empty a full pipe; more would let a flood keep a run from ending."""

PATIENCE = 0.1
"""Seconds that printing may wait for what is in the pipes."""


class Pipes:
    """The read ends; a sub-interpreter has none.

    Args:
        pipes: their fds, each with the name of its stream.
        take: called with the name of a stream and a text from it.
    """

    def __init__(self, pipes: Sequence[tuple[int, str]], take: Callable[[str, str], None]) -> None:
        self._take = take
        self._readers = {
            fd: (name, getincrementaldecoder("utf-8")("replace")) for fd, name in pipes
        }
        self._poll = select.poll()
        for fd in self._readers:
            os.set_blocking(fd, False)
            self._poll.register(fd, select.POLLIN)

    @property
    def fds(self) -> list[int]:
        """Those that are open."""
        return list(self._readers)

    def wait_empty(self) -> None:
        """Let the control thread take what is in them: it was written before what comes now."""
        if not self._readers:
            return
        try:
            if not self._poll.poll(0):
                return
            # The bound is for a process that writes all the time: it has no order with us anyway.
            deadline = time.monotonic() + PATIENCE
            while any(event & select.POLLIN for _, event in self._poll.poll(0)):
                if time.monotonic() > deadline:
                    return
                time.sleep(0)
        except RuntimeError:
            pass  # another thread prints at this moment, and has asked already

    # the control thread

    def empty(self) -> None:
        """Take all that is in them."""
        for fd in self._readers:
            for _ in range(READS):
                if not self.read(fd):
                    break

    def read(self, fd: int) -> bool:
        """Take what is in one of them, a chunk at most; false when there is nothing."""
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return False
        name, decoder = self._readers[fd]
        if text := decoder.decode(data):
            self._take(name, text)
        return bool(data)

    def hung_up(self, fd: int) -> None:
        """Close one: the cell has closed its fd 1 or 2."""
        self._poll.unregister(fd)
        del self._readers[fd]
        os.close(fd)

    def close(self) -> None:
        """Close them."""
        for fd in self._readers:
            os.close(fd)
