"""Several values packed for the way to another interpreter or process, and unpacked.

A small parcel travels in its message. A large one is an anonymous file: pickles are written
straight into it and so are the buffers beside them, which is the one copy there is. Who unpacks
maps the file, and arrays, memoryviews and the like live in the mapping: they are writable, and the
memory is freed with the last of them.
"""

from __future__ import annotations

from subint_magic._child.values.files import MOST, File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from subint_magic._child.values.share import Shared

__all__ = ["INLINE", "Opened", "PackError", "Packer", "Parcel", "UnpackError", "pack", "unpack"]

INLINE = 2**16
"""Bytes of a parcel that go in a message; more go in a file."""

ALIGNMENT = 64
"""What the offsets of buffers are multiples of: vector instructions like it."""


class PackError(Exception):
    """A value cannot be pickled; the message says why.

    Attributes:
        name: the name of the value.
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = name


class UnpackError(Exception):
    """A value cannot be loaded here; the message says why, on one line.

    Attributes:
        name: the name of the value.
        module: the module that the pickle needed last.
        missing: whether that could not be imported.
    """

    def __init__(self, name: str, why: str, module: str, *, missing: bool) -> None:
        super().__init__(why)
        self.name = name
        self.module = module
        self.missing = missing


class Parcel:
    """Packed values. It can be unpacked, or sent, once.

    Attributes:
        items: the name of each value, then the size of its pickle, then what lies beside that:
            the size of a buffer, or ``-n`` for the nth shared memory.
        data: the bytes, if they go in the message, else ``None``.
        files: the file with the bytes, if there is one, then the shared memories.
        copied: its size in bytes.
        shared: the size of the shared memories in bytes, which nothing copies.
    """

    def __init__(
        self, items: list[tuple[str, int, list[int]]], data: bytes | None, files: list[File]
    ) -> None:
        self.items: list[tuple[str, int, list[int]]] = items
        self.data: bytes | None = data
        self.files: list[File] = files
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
        return {"items": self.items, "data": self.data, "files": len(files)}, files

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
            parts = dump(value, target)
            pickled = target.size - begun
            beside = [self._put(part) for part in parts]
        except Exception as error:
            target.rewind(begun)
            from subint_magic._child.values.blocker import explain

            raise PackError(name, explain(name, value, error)) from error
        self._items.append((name, pickled, beside))

    def _put(self, part: memoryview | Shared) -> int:
        if isinstance(part, memoryview):
            self._target.align()
            return self._target.write(part)
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
            return Parcel(self._items, None, [target.file, *shared])
        self.close()
        return Parcel(self._items, bytes(target.data), shared)


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


class Opened:
    """A parcel that is being unpacked.

    Only `load` runs code of the values; it may be interrupted anywhere, as it neither makes nor
    closes a descriptor.

    Args:
        parcel: it is empty afterwards.

    Raises:
        OSError: its files have not come with it, or there are too many open ones.
    """

    def __init__(self, parcel: Parcel) -> None:
        from subint_magic._child.values.source import FileSource, MemorySource

        files, parcel.files = parcel.files, []
        self._items = parcel.items
        self._unclaimed: list[File] = []
        try:
            most = -min((n for *_, sizes in parcel.items for n in sizes if n < 0), default=0)
            if len(files) < most + (parcel.data is None):
                raise OSError("the memory of the values got lost: are there too many open files?")
            self._source: MemorySource = (
                FileSource(files.pop(0)) if parcel.data is None else MemorySource(parcel.data)
            )
            for _, _, beside in parcel.items:
                self._unclaimed += [files[-size - 1].dup() for size in beside if size < 0]
        finally:
            for file in files:
                file.close()

    def load(self) -> Iterator[tuple[str, object | UnpackError]]:
        """Yield the name of each value, and the value or why it cannot be loaded here."""
        from subint_magic._child.values.pickling import Loader

        source = self._source
        at = 0  # in the unclaimed
        for name, pickled, beside in self._items:
            source.begin(pickled)
            end = source.end
            parts: list[object] = []
            begun = at
            for size in beside:
                if size < 0:
                    parts.append(self._unclaimed[at])
                    at += 1
                else:
                    end += -end % ALIGNMENT
                    parts.append(source.view(end, size))
                    end += size
            loader = Loader(source, parts)
            value: object
            try:
                value = loader.load()
            except Exception as error:  # noqa: BLE001 - code of the user, told to whoever asked
                missing = isinstance(error, ImportError | AttributeError)
                module = loader.module.partition(".")[0]
                value = UnpackError(name, _root(error), module, missing=missing)
            else:
                del self._unclaimed[begun:at]
                at = begun
            del parts, loader
            source.skip_to(end)
            yield name, value
            del value

    def close(self) -> None:
        """Close the files that no value has got."""
        for file in self._unclaimed:
            file.close()


def unpack(parcel: Parcel) -> Iterator[tuple[str, object | UnpackError]]:
    """Do all of it.

    Raises:
        OSError: the files have not come with it.
    """
    opened = Opened(parcel)
    try:
        yield from opened.load()
    finally:
        opened.close()


def _root(error: BaseException) -> str:
    """Return on one line what went wrong first: numpy, for one, writes a page around it."""
    while isinstance(cause := error.__cause__ or error.__context__, ImportError):
        error = cause
    line = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
