"""The byte stream to a child on a worker, made of calls."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from subint_magic._child.values.files import Arrivals
from subint_magic.wire.fds import FileStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from subint_magic._child.values.files import File

__all__ = ["CallStream"]

WRITE_AHEAD = 2**25
"""Bytes that wait for the worker; then who sends is held up."""


class CallStream(FileStream):
    """Sends by a call, and receives what somebody feeds it.

    Args:
        write: sends bytes, with files that are there already, by their numbers; returns when the
            other side has taken them.
        upload: brings a file to the other side; returns its number.
        hang_up: called once, when this end is closed.
    """

    def __init__(
        self,
        write: Callable[[bytes, list[int]], Awaitable[None]],
        upload: Callable[[File], Awaitable[int]],
        hang_up: Callable[[], object],
    ) -> None:
        self.arrivals: Arrivals = Arrivals()
        self._upload = upload
        self._numbers: list[int] = []
        self._write = write
        self._hang_up = hang_up
        self._outgoing: list[bytes] = []
        self._size = 0
        self._to_write = trio.Event()
        self._written = trio.Event()
        # One batch: who feeds is held up by who receives.
        self._fed, self._incoming = trio.open_memory_channel[bytes](1)
        self._rest = memoryview(b"")
        self._closed = False
        self._broken = ""

    async def pump(self) -> None:
        """Write what is sent, as long as the stream is open: one call at a time, for the order."""
        while True:
            while not self._outgoing:
                self._to_write = trio.Event()
                await self._to_write.wait()
            data, self._outgoing, self._size = b"".join(self._outgoing), [], 0
            numbers, self._numbers = self._numbers, []
            self._written.set()
            await self._write(data, numbers)

    async def feed(self, data: bytes) -> None:
        """Let *data* be received, once what came before it was; ``b""`` is the end."""
        if not data:
            self._fed.close()
            return
        with suppress(trio.BrokenResourceError):  # this end was closed
            await self._fed.send(data)

    def break_off(self, why: str) -> None:
        """Let both directions end."""
        self._broken = why
        self._fed.close()
        self._written.set()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data* soon; waits while too much is on its way."""
        while self._size >= WRITE_AHEAD and not (self._closed or self._broken):
            self._written = trio.Event()
            await self._written.wait()
        if self._closed:
            raise trio.ClosedResourceError("this end was closed")
        if self._broken:
            raise trio.BrokenResourceError(self._broken)
        self._outgoing.append(bytes(data))
        self._size += len(data)
        self._to_write.set()
        await trio.lowlevel.checkpoint()

    async def send_with_files(self, data: bytes, files: Sequence[File]) -> None:
        """Send *files*, then *data*."""
        numbers = [await self._upload(file) for file in files]
        while self._numbers and not (self._closed or self._broken):  # one message can take so many
            self._written = trio.Event()
            await self._written.wait()
        self._numbers += numbers
        await self.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Do nothing: what is sent is taken."""
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has come."""
        if not self._rest:
            try:
                # A view: what is left of a large piece is not copied each time.
                self._rest = memoryview(await self._incoming.receive())
            except trio.EndOfChannel:
                return b""
        data = bytes(self._rest[:max_bytes])
        self._rest = self._rest[len(data) :]
        return data

    async def aclose(self) -> None:
        """Close both ends."""
        if not self._closed:
            self._closed = True
            self._incoming.close()
            self.arrivals.close()
            self._written.set()
            self._hang_up()
        await trio.lowlevel.checkpoint()
