"""Events to the cell they belong to."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipykernel.iostream import OutStream

from subint_magic.wire.messages import Dropped, Output

if TYPE_CHECKING:
    from typing import TextIO

    from subint_magic.runtime.run import Event

__all__ = ["CellOutput", "CellValue"]


@dataclass(frozen=True, repr=False)
class CellValue:
    """The last expression of a cell as the actor's ``repr`` shows it.

    Attributes:
        text: that ``repr``.
    """

    text: str

    def __repr__(self) -> str:
        return self.text


class CellOutput:
    """The sink for the events of one run. Made in the cell, by its thread; called in trio's.

    What is printed goes where the cell's own ``print`` would go at that moment: to the cell itself,
    also while later cells run, or into a ``%%capture`` around it.

    Args:
        limit: characters of output that are sent, for the line that says so.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line_begun = False
        self._writers = {name: _writer(getattr(sys, name)) for name in ("stdout", "stderr")}

    def __call__(self, event: Event) -> None:
        if isinstance(event, Output):
            self._writers[event.stream](event.text)
            self._line_begun = not event.text.endswith("\n")
        elif isinstance(event, Dropped):
            newline = "\n" if self._line_begun else ""
            self._line_begun = False
            self._writers["stderr"](f"{newline}{self._words(event.characters)}\n")

    def _words(self, dropped: int) -> str:
        if dropped:
            return f"… {dropped:,} characters of output were dropped"
        return (
            f"… output is over its limit of {self._limit:,} characters: the rest is dropped"
            " (%config SubintMagics.output_limit)"
        )


class _Writer:
    """Writes to a stream that is no kernel's."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class _KernelWriter:
    """Sends ``stream`` messages itself.

    An OutStream would buffer them, stdout and stderr each for itself, and so lose their order.
    """

    def __init__(self, stream: OutStream) -> None:
        if stream._buffers:  # what the cell itself has printed comes first
            stream.flush()
        self._stream = stream
        self._parent = stream.parent_header

    def __call__(self, text: str) -> None:
        stream = self._stream
        if stream.pub_thread is not None:  # else the kernel is closing its sockets
            stream.session.send(
                stream.pub_thread,
                "stream",
                {"name": stream.name, "text": text},
                parent=self._parent,
                ident=stream.topic,
            )


def _writer(stream: TextIO | OutStream) -> _Writer | _KernelWriter:
    return _KernelWriter(stream) if isinstance(stream, OutStream) else _Writer(stream)
