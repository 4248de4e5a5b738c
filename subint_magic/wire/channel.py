"""A channel of typed messages over any trio byte stream."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import msgspec
import trio

from subint_magic._child import frames
from subint_magic.wire.messages import FromChild

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subint_magic.wire.messages import ToChild

__all__ = ["Channel", "socket_pair"]

_RECEIVE_SIZE = 2**18


class Channel:
    """The parent's end of the line to one child.

    Args:
        stream: carries the bytes. The channel owns it.
        limit: the largest frame in bytes.
    """

    def __init__(self, stream: trio.abc.Stream, limit: int = frames.MAX_FRAME) -> None:
        self._stream = stream
        self._limit = limit
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)
        self._sending = trio.Lock()

    async def send(self, message: ToChild) -> None:
        """Send *message*, whole or not at all: it is shielded from cancellation.

        A child that does not read cannot hold it up for ever, since closing the channel ends it.

        Raises:
            trio.BrokenResourceError: the child has closed its end.
            trio.ClosedResourceError: this end was closed.
            FrameError: the message is over the limit; nothing was sent.
        """
        data = frames.frame(self._encoder.encode(message), self._limit)
        async with self._sending:
            with trio.CancelScope(shield=True):
                await self._stream.send_all(data)

    async def messages(self) -> AsyncIterator[FromChild]:
        """Yield messages until the child closes its end or breaks off.

        Raises:
            FrameError: what came is malformed, oversized or truncated.
            trio.ClosedResourceError: this end was closed.
        """
        splitter = frames.Splitter(self._limit)
        while True:
            try:
                data = await self._stream.receive_some(_RECEIVE_SIZE)
            except trio.BrokenResourceError:
                data = b""
            if not data:
                break
            for payload in splitter.feed(bytes(data)):
                try:
                    message = self._decoder.decode(payload)
                except (msgspec.DecodeError, msgspec.ValidationError) as error:
                    raise frames.FrameError(f"a malformed message ({error})") from None
                yield message
        if splitter.truncated:
            raise frames.FrameError("the stream ended inside a frame")

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
