"""Messages on their way to the parent; printed text is joined into batches."""

from __future__ import annotations

import time
from collections import deque

import msgpack

from subint_magic._child import frames
from subint_magic._child.values.files import chunks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _queue import SimpleQueue
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from subint_magic._child.output.kin import Kin
    from subint_magic._child.values.files import File

type Text = tuple[Allowance, str, str]  # whose it is, stream, text
type Message = dict[str, Any]

CHUNK = 2**16
"""The size, in bytes or characters, from which output is sent without waiting for more."""

MESSAGE_COST = 256
"""Characters that a message counts at least: many small ones are a flood as well."""

HASTE = 0.02
"""Seconds since the last message after which one counts no more than it has: nobody is flooded
by a progress bar, however long it goes on.
"""


RATE = 1000
"""Displays, and changes between streams or runs, a second that are sent for long. Each makes a
message, and faster than a frontend takes them they are lost on the way, with the replies to other
cells. Who flushes all the time waits for each message, so that needs no limit.
"""

BURST = 500
"""Those that are sent at once after a while of quiet. The queue of a kernel's socket holds 1,000
messages for each frontend, what other cells show among them; what is over that is lost.
"""


class Allowance:
    """How much output of a run is sent; what is over it is dropped.

    Only the control thread changes it.

    Args:
        run: the run.
        limit: characters.

    Attributes:
        run: the run.
        left: characters that may still be sent.
        dropped: characters that were dropped.
        told: how many of them the parent knows of.
    """

    def __init__(self, run: int, limit: int) -> None:
        self.run = run
        self.left = limit
        self.dropped = 0
        self.told = 0


class Packed:
    """A message that is packed already.

    Args:
        frame: its bytes.
        allowance: what it counts against; ``None`` if it is sent in any case.
    """

    def __init__(self, frame: bytes, allowance: Allowance | None) -> None:
        self.frame = frame
        self.allowance = allowance


class Outbox:
    """Filled by any thread, emptied by the control thread.

    `items` is a deque because its ``append`` is one atomic step: a KeyboardInterrupt comes either
    before or after it. Only the control thread calls the methods.

    Args:
        clock: tells the time in seconds.
        by_descriptor: whether the line passes the files of parcels. Where it does not, their
            content goes before the message, in pieces.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, by_descriptor: bool = True
    ) -> None:
        self.items: deque[Text | Message | Packed | Allowance | Kin | SimpleQueue[None]] = deque()
        self.ready = bytearray()
        """Frames to be sent now."""
        self.urgent = False
        """Whether a message was taken that is not to wait for more text."""
        self.dropping = False
        """Whether text was dropped; whoever looks sets it back."""
        self.parts: Iterator[bytes] | None = None
        """Frames of one message that are still to be made; nothing is taken before them."""
        self.by_descriptor = by_descriptor
        self._files: deque[tuple[int, Sequence[File]]] = deque()  # with which byte each goes
        self._clock = clock
        self._credit = float(BURST)
        self._credited = clock()
        self._closed = 0.0  # when the last batch was
        self._last: tuple[Allowance, str] | None = None  # whose it was
        self._key: tuple[Allowance, str] | None = None
        self._texts: list[str] = []
        self._size = 0
        self._flushes: list[SimpleQueue[None]] = []

    @property
    def has_text(self) -> bool:
        """Whether text was taken that may wait a little for more."""
        return self._key is not None

    @property
    def ends_line(self) -> bool:
        """Whether the text that was taken ends with a whole line."""
        return bool(self._texts) and self._texts[-1].endswith("\n")

    @property
    def full(self) -> bool:
        """Whether enough was taken to send it before taking more."""
        return self._size + len(self.ready) >= CHUNK

    @property
    def spent(self) -> bool:
        """Whether the next message has to wait for `earn`."""
        return self._credit < 1

    def earn(self) -> None:
        """Allow for as many messages as the time that has passed is good for."""
        now = self._clock()
        self._credit = min(BURST, self._credit + (now - self._credited) * RATE)
        self._credited = now

    def hurry(self) -> None:
        """Let a burst of messages pass: somebody waits for what comes after them."""
        self._credit = float(BURST)

    def take_text(self, allowance: Allowance, stream: str, text: str) -> None:
        """Add *text* to the batch, or begin a new one if the last was of another stream.

        What is over its allowance is dropped.
        """
        if self._key != (allowance, stream) or self._size >= CHUNK:
            self.close_batch()
        if kept := text[: allowance.left]:
            self._key = (allowance, stream)
            self._texts.append(kept)
            self._size += len(kept)
            allowance.left -= len(kept)
        if over := len(text) - len(kept):
            self._drop(allowance, over)

    def take_packed(self, packed: Packed) -> None:
        """Add a message that is packed already, unless it is over its allowance."""
        allowance, size = packed.allowance, len(packed.frame)
        self.close_batch()
        if allowance is not None:
            now = self._clock()
            cost = max(size, MESSAGE_COST) if now - self._closed < HASTE else size
            self._closed = now
            if cost > allowance.left:
                allowance.left = 0  # the rest is dropped as well: it may be about this one
                self._drop(allowance, size)
                return
            allowance.left -= cost
            self._credit -= 1
        self.ready += packed.frame
        self.urgent = True

    def _drop(self, allowance: Allowance, size: int) -> None:
        if not allowance.dropped:  # say so at once
            self._tell(allowance)
        allowance.dropped += size
        self.dropping = True

    def take_message(self, message: Message) -> None:
        """Add *message* after all text before it."""
        self.close_batch()
        files: list[File] = []
        frame = frames.frame(_pack(message, files))
        self.urgent = True
        if files and not self.by_descriptor:
            self.parts = _in_pieces(files, frame)
            self.take_parts()
            return
        if files:
            self._files.append((len(self.ready), files))
        self.ready += frame

    def take_kin(self, moved: list[Any]) -> None:
        """Add what is told of actors, if that is anything; text may still wait for more."""
        if moved:
            message = {"kind": frames.DESCENDANTS, "moved": moved}
            self.ready += frames.frame(_pack(message, []))

    def take_parts(self) -> None:
        """Make the next frames of a message that is in parts, if it is."""
        while self.parts is not None and not self.full:
            part = next(self.parts, None)
            if part is None:
                self.parts = None
            else:
                self.ready += part
                self.urgent = True

    def next_piece(self) -> tuple[int, Sequence[File]]:
        """Return how many bytes can be sent at once, and the files that go with the first."""
        files: Sequence[File] = ()
        for at, these in self._files:
            if at > 0:
                return at, files
            files = these
        return len(self.ready), files

    def was_sent(self, size: int) -> None:
        """Forget the first *size* bytes."""
        del self.ready[:size]
        while self._files and self._files[0][0] < size:
            for file in self._files.popleft()[1]:
                file.close()
        self._files = deque((at - size, files) for at, files in self._files)

    def close(self) -> None:
        """Let go of what was not sent."""
        self.parts = None
        self._files.clear()
        self.items.clear()

    def take_allowance(self, allowance: Allowance) -> None:
        """Tell the parent how much was dropped, if that is more than it knows of."""
        if allowance.dropped > allowance.told:
            self._tell(allowance)

    def _tell(self, allowance: Allowance) -> None:
        allowance.told = allowance.dropped
        self.take_message(
            {"kind": frames.DROPPED, "run": allowance.run, "characters": allowance.dropped}
        )

    def take_flush(self, waiting: SimpleQueue[None]) -> None:
        """Send all text before it; *waiting* is told when that has left."""
        self.close_batch()
        self.urgent = True
        self._flushes.append(waiting)
        self.tell_flushed()

    def tell_flushed(self) -> None:
        """Tell those who wait for a flush, if all has left."""
        if not self.ready:
            for waiting in self._flushes:
                waiting.put(None)
            self._flushes.clear()

    def close_batch(self) -> None:
        """Make the batched text a frame."""
        if self._key is not None:
            allowance, stream = self._key
            now = self._clock()
            if now - self._closed < HASTE:
                allowance.left -= min(allowance.left, max(0, MESSAGE_COST - self._size))
            self._closed = now
            self._credit -= self._key != self._last
            self._last = self._key
            message: Message = {"kind": frames.OUTPUT, "run": allowance.run, "stream": stream}
            message["text"] = "".join(self._texts)
            self.ready += frames.frame(_pack(message, []))
            self._key = None
            self._texts.clear()
            self._size = 0


def _in_pieces(files: Sequence[File], frame: bytes) -> Iterator[bytes]:
    for file in files:
        for data, last in chunks(file):
            yield frames.frame(_pack({"kind": frames.CHUNK, "data": data, "last": last}, []))
    yield frame


def _pack(message: Message, files: list[File]) -> bytes:
    """Encode *message*; the files of parcels in it are added to *files*."""

    def leave(parcel: Any) -> dict[str, Any]:
        data, its_files = parcel.leave()
        files.extend(its_files)
        return data  # type: ignore[no-any-return]

    try:
        return msgpack.packb(message, default=leave)  # type: ignore[no-any-return]
    except UnicodeEncodeError:  # lone surrogates have no UTF-8: show them as Python's repr does
        return msgpack.packb(  # type: ignore[no-any-return]
            {
                key: value.encode("utf-8", "backslashreplace").decode()
                if isinstance(value, str)
                else value
                for key, value in message.items()
            },
            default=leave,
        )
