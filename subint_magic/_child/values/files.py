"""Anonymous files: memory that crosses to another interpreter or process by its descriptor.

The operating system frees it when the last descriptor and the last mapping have gone, whatever
became of those who held them.
"""

from __future__ import annotations

import os
from collections import deque

from subint_magic._child.frames import FrameError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from mmap import mmap

STEP = 2**24
"""Bytes that are copied at once: an interrupt is heard in between, and no call is cut short."""

CHUNK = 2**20
"""Bytes of a file in one message, where the line does not pass descriptors."""

MOST = 250
"""Files that one message can take: Linux passes 253 descriptors at once."""


class File:
    """A descriptor of an anonymous file, closed when nobody has this object any more.

    Args:
        fd: the descriptor; it belongs to this object from now on.
    """

    def __init__(self, fd: int) -> None:
        self.fd: int = fd

    @classmethod
    def make(cls) -> File:
        """Return a new one, which is empty."""
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create("subint_magic"))
        from tempfile import mkstemp

        fd, path = mkstemp(prefix="subint_magic")
        os.unlink(path)
        return cls(fd)

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return os.fstat(self.fd).st_size

    def dup(self) -> File:
        """Return another descriptor of it."""
        return File(os.dup(self.fd))

    def write(self, data: memoryview, offset: int) -> None:
        """Write *data*, which is a view of bytes, there."""
        done = 0
        while done < len(data):
            done += os.pwrite(self.fd, data[done : done + STEP], offset + done)

    def read(self, offset: int, size: int) -> bytes:
        """Return what is there; less at its end."""
        return os.pread(self.fd, size, offset)

    def truncate(self, size: int) -> None:
        """Make it this long."""
        os.ftruncate(self.fd, size)

    def map(self) -> mmap:
        """Return it as memory, which may outlive this object."""
        from mmap import mmap

        return mmap(self.fd, self.size, trackfd=False)

    def close(self, _close: Callable[[int], None] = os.close) -> None:
        """Let go of it."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            _close(fd)  # `os` has gone when the interpreter ends

    __del__ = close


class Arrivals:
    """The files that have arrived and that no message has taken yet, in order."""

    def __init__(self) -> None:
        self._files: deque[File] = deque()
        self._unfinished: File | None = None

    def add(self, fds: Iterable[int]) -> None:
        """Take in descriptors that came with bytes of a message.

        Raises:
            FrameError: there are more than any message can take.
        """
        self._files.extend(map(File, fds))
        if len(self._files) > 2 * MOST:
            raise FrameError("files that no message takes")

    def put(self, file: File) -> None:
        """Take in a file."""
        self._files.append(file)

    def add_chunk(self, data: bytes, last: bool) -> None:
        """Take in a piece of a file."""
        file = self._unfinished = self._unfinished or File.make()
        file.write(memoryview(data), file.size)
        if last:
            self._unfinished = None
            self._files.append(file)

    def take(self, count: int) -> list[File]:
        """Return the next *count* files; less if they were lost on the way."""
        return [self._files.popleft() for _ in range(min(count, len(self._files)))]

    def close(self) -> None:
        """Close those that nobody has taken."""
        if self._unfinished is not None:
            self._unfinished.close()
        while self._files:
            self._files.popleft().close()


def chunks(file: File) -> Iterator[tuple[bytes, bool]]:
    """Yield what is in *file* piece by piece, and whether it is the last."""
    size = file.size
    for offset in range(0, size, CHUNK):
        yield file.read(offset, CHUNK), offset + CHUNK >= size
