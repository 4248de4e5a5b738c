"""Several values packed for the way to another interpreter or process.

A small parcel travels in its message. A large one is an anonymous file: pickles are written
straight into it and so are the buffers beside them, which is the one copy there is. Who unpacks
maps the file, and arrays, memoryviews and the like live in the mapping: they are writable, and the
memory is freed with the last of them.
"""

from __future__ import annotations

from subint_magic._child.values.files import MOST, File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from subint_magic._child.values.share import Shared

__all__ = ["ALIGNMENT", "INLINE", "PackError", "Packer", "Parcel", "pack"]

INLINE = 2**16
"""Bytes of a parcel that go in a message; more go in a file."""

ALIGNMENT = 64
"""What the offsets of buffers are multiples of: vector instructions like it."""


shares = True
"""Whether shared memory can go to whoever unpacks; set where that is on another machine."""


class PackError(Exception):
    """A value cannot be pickled; the message says why, and goes on from the name of the value.

    Attributes:
        name: the name of the value.
        way_out: what may help: to leave out an ``"attribute"`` or an ``"item"``, or to make a
            ``"list"`` of it; ``"itself"`` if nothing of it can cross, empty if the message says it.
    """

    def __init__(self, name: str, why: str, way_out: str) -> None:
        super().__init__(why)
        self.name = name
        self.way_out = way_out


class Parcel:
    """Packed values. It can be unpacked, or sent, once.

    Attributes:
        items: the name of each value, then the size of its pickle, then what lies beside that:
            the size of a buffer, or ``-n`` for the nth shared memory.
        data: the bytes, if they go in the message, else ``None``.
        files: the file with the bytes, if there is one, then the shared memories.
        code: the file names of the code in the values.
        sources: of those that are no files: name, number if it is that of a cell, else 0, and text.
        elsewhere: the names of values that only something else stands for, and that.
        copied: its size in bytes.
        shared: the size of the shared memories in bytes, which nothing copies.
    """

    def __init__(
        self,
        items: list[tuple[str, int, list[int]]],
        data: bytes | None,
        files: list[File],
        sources: Iterable[tuple[str, int, str]] = (),
    ) -> None:
        self.items: list[tuple[str, int, list[int]]] = items
        self.data: bytes | None = data
        self.files: list[File] = files
        self.code: set[str] = set()
        self.sources: list[tuple[str, int, str]] = list(sources)
        self.elsewhere: list[tuple[str, Any]] = []
        filed = data is None
        self.copied: int = files[0].size if data is None and files else len(data or b"")
        self.shared: int = sum(file.size for file in files[filed:])

    @property
    def names(self) -> list[str]:
        """The names of the values."""
        return [name for name, *_ in self.items]

    def leave(self) -> tuple[dict[str, Any], list[File]]:
        """Return it as a part of a message, and the files that go with that. It is empty then."""
        files, self.files = self.files, []
        return {
            "items": self.items,
            "data": self.data,
            "files": len(files),
            "sources": self.sources,
        }, files

    def close(self) -> None:
        """Let go of the files."""
        while self.files:
            self.files.pop().close()


class _Target:
    """Where a parcel is written: into memory, and once it is large into a file."""

    def __init__(self, spare: File | None) -> None:
        self.size = 0
        self.file: File | None = None
        self._spare = spare
        self.data = bytearray()

    def write(self, data: Any) -> int:
        """Append *data*."""
        with memoryview(data) as view:
            raw = view if view.format == "B" and view.ndim == 1 else view.cast("B")
            if self.file is None and self.size + len(raw) > INLINE:
                self.file = self._spare or File.make()
                self.file.write(memoryview(bytes(self.data)), 0)
            if self.file is None:
                self.data += raw
            else:
                self.file.write(raw, self.size)
            self.size += len(raw)
            return len(raw)

    def align(self) -> None:
        """Leave room before the next buffer."""
        self.write(bytes(-self.size % ALIGNMENT))

    def rewind(self, size: int) -> None:
        """Take back what was written after the first *size* bytes."""
        self.size = size
        del self.data[size:]
        if self.file is not None:
            self.file.truncate(size)


class Packer:
    """Packs values one by one.

    Args:
        spare: the file that a large parcel is written to. With one, `add` may be interrupted
            anywhere: it makes no descriptor that could get lost.
    """

    def __init__(self, spare: File | None = None) -> None:
        self._spare = spare
        self._target = _Target(spare)
        self._items: list[tuple[str, int, list[int]]] = []
        self._shared: list[Shared] = []
        self._code: set[str] = set()
        self._numbers: dict[int, int] = {}

    def add(self, name: str, value: object) -> None:
        """Pack *value*.

        Raises:
            PackError: it cannot be pickled. The other values are not concerned.
        """
        from subint_magic._child.values.pickling import dump

        target = self._target
        begun = target.size
        try:
            aside = dump(value, target)
            pickled = target.size - begun
            beside = [self._put(part) for part in aside.parts]
        except Exception as error:
            target.rewind(begun)
            from subint_magic._child.values.blocker import explain

            raise PackError(name, *explain(name, value, error)) from error
        self._items.append((name, pickled, beside))
        self._code |= aside.code

    def _put(self, part: memoryview | Shared) -> int:
        if isinstance(part, memoryview):
            self._target.align()
            return self._target.write(part)
        if not shares:
            from subint_magic._child.values.pickling import RefusedError

            raise RefusedError("stays on its machine: give its .array or .memory, which is copied")
        number = self._numbers.get(id(part))
        if number is None:
            if len(self._shared) == MOST - 1:
                raise ValueError(f"at most {MOST - 1} shared memories can go at once")
            self._shared.append(part)
            number = self._numbers[id(part)] = len(self._shared)
        return -number

    def close(self) -> None:
        """Let go of all that was packed."""
        for file in (self._target.file, self._spare):
            if file is not None:
                file.close()

    def parcel(self) -> Parcel:
        """Return all that was packed.

        Raises:
            OSError: there are too many open files.
            ValueError: memory that is shared was closed meanwhile.
        """
        target = self._target
        shared = [each.dup_file() for each in self._shared]
        if target.file is not None:
            parcel = Parcel(self._items, None, [target.file, *shared])
        else:
            self.close()
            parcel = Parcel(self._items, bytes(target.data), shared)
        parcel.code = self._code
        return parcel


def pack(values: Mapping[str, object]) -> Parcel:
    """Pack *values* under their names.

    Raises:
        PackError: one of them cannot be pickled.
    """
    packer = Packer()
    try:
        for name, value in values.items():
            packer.add(name, value)
        return packer.parcel()
    except BaseException:
        packer.close()  # a traceback may live for long, and hold it all
        raise
