"""What stands in for ``sys.stdout`` and ``sys.stderr`` in an actor."""

from __future__ import annotations

import io
import os
import sys
from codecs import getincrementaldecoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from subint_magic._child.control import Control


class OutputStream(io.TextIOBase):
    """A text stream that ends in the cell's output.

    Args:
        control: sends the text.
        name: ``"stdout"`` or ``"stderr"``.
        fd: the file descriptor of that name if it is this actor's own, else ``None``: in a
            sub-interpreter fd 1 and 2 belong to the whole process.
    """

    errors = "backslashreplace"

    def __init__(self, control: Control, name: str, fd: int | None) -> None:
        self._control = control
        self._fd = fd
        self.name = f"<{name}>"
        self._stream = name
        self._bytes: io.BufferedWriter | None = None
        self._dirty = False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Always UTF-8, as in a notebook."""
        return "utf-8"

    @property
    def buffer(self) -> io.BufferedWriter:
        """The stream for bytes; what is written to it is decoded as UTF-8."""
        if self._bytes is None:
            self._bytes = io.BufferedWriter(_ByteStream(self))
        return self._bytes

    def write(self, text: str) -> int:
        """Send *text*; returns its length."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.flush_bytes()
        self.send(text)
        return len(text)

    def send(self, text: str) -> None:
        """Send *text* now, before bytes that wait in `buffer`."""
        self._dirty = True
        self._control.write(self._stream, text)

    def flush(self) -> None:
        """Send all that was written and wait until it has left."""
        self.flush_bytes()
        if self._dirty:
            self._dirty = False
            self._control.flush()

    def flush_bytes(self) -> None:
        """Send what waits in `buffer`; text is on its way already."""
        if self._bytes is not None:
            self._bytes.flush()

    def writable(self) -> bool:
        """Return true."""
        return True

    def fileno(self) -> int:
        """Return the file descriptor.

        Raises:
            io.UnsupportedOperation: in a sub-interpreter.
        """
        if self._fd is None:
            raise io.UnsupportedOperation(
                f"{self._stream} of a sub-interpreter has no file descriptor of its own;"
                " use a process backend if a library needs one"
            )
        return self._fd


class _ByteStream(io.RawIOBase):
    def __init__(self, text: OutputStream) -> None:
        self._text = text
        self._decoder = getincrementaldecoder("utf-8")("replace")  # a character may come in parts

    def write(self, data: Any) -> int:
        content = bytes(data)
        self._text.send(self._decoder.decode(content))
        return len(content)

    def writable(self) -> bool:
        return True


def redirect(control: Control, *, own_fds: bool) -> None:
    """Put our streams in place of those of ``sys``."""
    sys.stdout = OutputStream(control, "stdout", 1 if own_fds else None)
    sys.stderr = OutputStream(control, "stderr", 2 if own_fds else None)


def restore() -> None:
    """Put the streams back that a process began with: from now on its fds are all there is."""
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__


def after_fork() -> None:
    """Use fd 0, 1 and 2 as they are in a fork: the thread that sends is not in it."""
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115


def capture_fds(pipes: tuple[tuple[int, int], ...]) -> list[tuple[int, str]]:
    """Make fd 1 and 2 of this process the write ends of *pipes*, and fd 0 empty.

    Args:
        pipes: read and write end of the pipe for stdout, then for stderr.

    Returns:
        The read ends with the names of their streams. The parent holds them as well, so that the
        last words of a child that crashed are not lost.
    """
    wires = []
    for fd, name, (reader, writer) in zip((1, 2), ("stdout", "stderr"), pipes, strict=True):
        os.dup2(writer, fd)
        if writer != fd:
            os.close(writer)
        os.set_inheritable(reader, False)
        wires.append((reader, name))
    with open(os.devnull, "rb") as empty:
        os.dup2(empty.fileno(), 0)
    return wires
