"""A channel of typed messages over any trio byte stream."""

from __future__ import annotations

import math
import socket
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import trio

from subint_magic._child import frames
from subint_magic.wire.messages import FromChild

if TYPE_CHECKING:
    from subint_magic.wire.messages import ToChild

__all__ = ["Channel", "socket_pair"]

_RECEIVE_SIZE = 2**18


class Channel:
    """The parent's end of the line to one child.

    Args:
        stream: carries the bytes. The channel owns it.
        limit: the largest frame in bytes.

    Attributes:
        sent: bytes that went to the child.
        received: bytes that came from it.
    """

    def __init__(self, stream: trio.abc.Stream, limit: int = frames.MAX_FRAME) -> None:
        self.sent: int = 0
        self.received: int = 0
        self._stream = stream
        self._limit = limit
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)
        self._splitter = frames.Splitter(limit)
        self._payloads: deque[bytes] = deque()
        self._posted, self._to_send = trio.open_memory_channel[bytes](math.inf)

    def post(self, message: ToChild) -> None:
        """Queue *message* for `deliver`, so that a child that does not read holds up nobody.

        Raises:
            FrameError: the message is over the limit; it is not queued.
        """
        self._posted.send_nowait(frames.frame(self._encoder.encode(message), self._limit))

    async def deliver(self) -> None:
        """Send what is posted, until the child has closed its end or this end is closed."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for data in self._to_send:
                await self._stream.send_all(data)
                self.sent += len(data)

    async def receive(self) -> FromChild | None:
        """Return the next message; ``None`` once the child has closed its end or broken off.

        Raises:
            FrameError: what came is malformed or oversized.
            trio.ClosedResourceError: this end was closed.
        """
        while not self._payloads:
            try:
                data = await self._stream.receive_some(_RECEIVE_SIZE)
            except trio.BrokenResourceError:
                data = b""
            self.received += len(data)
            self._payloads.extend(self._splitter.feed(bytes(data)))
            if not data:
                return None  # also inside of a frame: it died while it sent something large
        try:
            return self._decoder.decode(self._payloads.popleft())
        except msgspec.DecodeError as error:
            raise frames.FrameError(f"a malformed message ({error})") from None

    async def aclose(self) -> None:
        """Close this end; whoever waits on the channel wakes."""
        await trio.aclose_forcefully(self._stream)


def socket_pair() -> tuple[trio.SocketStream, socket.socket]:
    """Return two connected ends: the parent's as a stream, the child's as a blocking socket.

    There is no path and no listener, so there is nothing for a stranger to connect to.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        return trio.SocketStream(trio.socket.from_stdlib_socket(ours)), theirs
    except BaseException:
        ours.close()
        theirs.close()
        raise
