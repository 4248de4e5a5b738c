"""A channel of typed messages over any trio byte stream."""

from __future__ import annotations

import math
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from subint_magic._child import frames
from subint_magic._child.values.files import Arrivals, File, chunks
from subint_magic.wire.fds import FdStream, FileStream
from subint_magic.wire.messages import Chunk, FromChild, Parcel, ParcelData

if TYPE_CHECKING:
    from subint_magic.wire.messages import ToChild

__all__ = ["Channel"]

_RECEIVE_SIZE = 2**18


class Channel:
    """The parent's end of the line to one child.

    The files of parcels go beside their messages where the stream passes file descriptors. Over
    any other stream their content goes before the message, in pieces.

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
        arrivals = stream.arrivals if isinstance(stream, FileStream) else Arrivals()
        self._arrivals = arrivals
        self._departing: list[File] = []
        same_memory = isinstance(stream, FdStream)
        leaving = _Leaving(self._departing, same_memory=same_memory)
        self._encoder = msgspec.msgpack.Encoder(enc_hook=leaving)
        self._decoder: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(
            FromChild, dec_hook=_Arriving(arrivals)
        )
        self._splitter = frames.Splitter(limit)
        self._payloads: deque[bytes] = deque()
        self._waiting = 0  # messages that were posted and are not sent yet
        self._posted, self._to_send = trio.open_memory_channel[tuple[bytes, list[File]]](math.inf)

    def post(self, message: ToChild) -> None:
        """Send *message*, or queue it for `deliver`: a child that does not read holds up nobody.

        The files of its parcel belong to the channel from now on.

        Raises:
            FrameError: the message is over the limit; it is not sent.
        """
        payload = self._encoder.encode(message)
        files, self._departing[:] = [*self._departing], []
        data = frames.frame(payload, self._limit)
        if isinstance(self._stream, FdStream) and not (self._waiting or files):
            # At once: in a kernel each turn of trio is one of asyncio as well.
            sent = self._stream.send_now(data)
            self.sent += sent
            data = data[sent:]
        if data:
            self._waiting += 1
            self._posted.send_nowait((data, files))

    async def deliver(self) -> None:
        """Send what is posted, until the child has closed its end or this end is closed."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for data, files in self._to_send:
                try:
                    await self._send(data, files)
                    self.sent += len(data)
                finally:
                    self._waiting -= 1
                    for file in files:
                        file.close()

    async def _send(self, data: bytes, files: list[File]) -> None:
        if files and isinstance(self._stream, FileStream):
            await self._stream.send_with_files(data, files)
            return
        for file in files:
            for chunk in chunks(file):
                payload = self._encoder.encode(Chunk(*chunk))
                await self._stream.send_all(frames.frame(payload, self._limit))
        await self._stream.send_all(data)

    async def receive(self) -> FromChild | None:
        """Return the next message; ``None`` once the child has closed its end or broken off.

        Raises:
            FrameError: what came is malformed or oversized.
            trio.ClosedResourceError: this end was closed.
        """
        while True:
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
                message = self._decoder.decode(self._payloads.popleft())
            except msgspec.DecodeError as error:
                raise frames.FrameError(f"a malformed message ({error})") from None
            if not isinstance(message, Chunk):
                return message
            self._arrivals.add_chunk(message.data, message.last)

    async def aclose(self) -> None:
        """Close this end; whoever waits on the channel wakes."""
        with suppress(trio.WouldBlock, trio.EndOfChannel):
            while True:
                for file in self._to_send.receive_nowait()[1]:
                    file.close()
        self._arrivals.close()
        await trio.aclose_forcefully(self._stream)


class _Leaving:
    """Encodes parcels; their files are added to *files*."""

    def __init__(self, files: list[File], *, same_memory: bool) -> None:
        self._files = files
        self._same_memory = same_memory

    def __call__(self, parcel: Any) -> dict[str, Any]:
        if parcel.shared and not self._same_memory:
            raise frames.FrameError(
                "shared memory stays on this machine: give its .array or .memory, which is copied"
            )
        data, files = parcel.leave()
        self._files += files
        return data  # type: ignore[no-any-return]


class _Arriving:
    """Decodes parcels; their files are taken from *arrivals*."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    def __call__(self, kind: type, plain: Any) -> Any:
        data = msgspec.convert(plain, ParcelData)
        files = self._arrivals.take(data.files)
        if len(files) < data.files:
            raise ValueError("the files of a parcel have not come")
        return Parcel(data.items, data.data, files, data.sources)
