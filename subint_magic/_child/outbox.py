"""Messages on their way to the parent; printed text is joined into batches."""

from __future__ import annotations

from collections import deque

import msgpack

from subint_magic._child import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _queue import SimpleQueue
    from typing import Any

type Text = tuple[int, str, str]  # run, stream, text
type Message = dict[str, Any]

CHUNK = 2**16
"""The size, in bytes or characters, from which output is sent without waiting for more."""


class Outbox:
    """Filled by any thread, emptied by the control thread.

    `items` is a deque because its ``append`` is one atomic step: a KeyboardInterrupt comes either
    before or after it. Only the control thread calls the methods.
    """

    def __init__(self) -> None:
        self.items: deque[Text | Message | SimpleQueue[None]] = deque()
        self.ready = bytearray()
        """Frames to be sent now."""
        self.urgent = False
        """Whether a message was taken that is not to wait for more text."""
        self._key: tuple[int, str] | None = None
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

    def take_text(self, run: int, stream: str, text: str) -> None:
        """Add *text* to the batch, or begin a new one if the last was of another stream."""
        if self._key != (run, stream) or self._size >= CHUNK:
            self.close_batch()
            self._key = (run, stream)
        self._texts.append(text)
        self._size += len(text)

    def take_message(self, message: Message) -> None:
        """Add *message* after all text before it."""
        self.close_batch()
        self.ready += frames.frame(_pack(message))
        self.urgent = True

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
            run, stream = self._key
            message = {"kind": frames.OUTPUT, "run": run, "stream": stream}
            message["text"] = "".join(self._texts)
            self.ready += frames.frame(_pack(message))
            self._key = None
            self._texts.clear()
            self._size = 0


def _pack(message: Message) -> bytes:
    try:
        return msgpack.packb(message)  # type: ignore[no-any-return]
    except UnicodeEncodeError:  # lone surrogates have no UTF-8: show them as Python's repr does
        return msgpack.packb(  # type: ignore[no-any-return]
            {
                key: value.encode("utf-8", "backslashreplace").decode()
                if isinstance(value, str)
                else value
                for key, value in message.items()
            }
        )
