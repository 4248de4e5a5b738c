"""Where the bytes of a parcel are read from: a message, or a mapped file."""

from __future__ import annotations

import mmap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from subint_magic._child.values.files import File

STEP = 2**24
"""Bytes that are copied at once."""

_REMOVE: int | None = getattr(mmap, "MADV_REMOVE", None)


class MemorySource:
    """Bytes in a message; no buffer lies beside the pickles there.

    Attributes:
        end: where the present pickle ends.
    """

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0
        self.end: int = 0

    def begin(self, size: int) -> None:
        """Let the next *size* bytes be the present pickle."""
        self.end = self._at + size

    def read(self, size: int) -> bytes:
        """Return the next bytes of the pickle."""
        end = min(self.end, self._at + size)
        data = bytes(self._data[self._at : end])
        self._at = end
        return data

    def readline(self) -> bytes:
        """Return nothing: no pickle of ours has lines."""
        return b""

    def readinto(self, buffer: Any) -> int:
        """Fill *buffer* with the next bytes of the pickle."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def view(self, offset: int, size: int) -> memoryview:
        """Return the buffer that lies there."""
        return self._data[offset : offset + size]

    def skip_to(self, offset: int) -> None:
        """Go on there."""
        self._at = offset


class FileSource(MemorySource):
    """A mapped file. Buffers stay in the mapping.

    What a pickle has of ``bytes`` and the like is copied into the objects, and its pages are given
    back at once: it is never there twice.
    """

    def __init__(self, file: File) -> None:
        self._mapping = file.map()
        file.close()
        super().__init__(self._mapping)  # type: ignore[arg-type]

    def readinto(self, buffer: Any) -> int:
        """Fill *buffer* with the next bytes of the pickle."""
        target = memoryview(buffer)
        size = min(len(target), self.end - self._at)
        for done in range(0, size, STEP):
            step = min(STEP, size - done)
            begin = self._at
            target[done : done + step] = self._data[begin : begin + step]
            self._at += step
            self._give_back(begin, self._at)
        return size

    def _give_back(self, begin: int, end: int) -> None:
        begin += -begin % mmap.PAGESIZE
        end -= end % mmap.PAGESIZE
        if _REMOVE is not None and begin < end:
            try:
                self._mapping.madvise(_REMOVE, begin, end - begin)
            except OSError:
                pass  # not on this file system
