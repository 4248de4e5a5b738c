"""Parcels unpacked: each value by itself, so that one which cannot be loaded hurts no other."""

from __future__ import annotations

from subint_magic._child.values.parcel import ALIGNMENT, Parcel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from subint_magic._child.values.files import File
    from subint_magic._child.values.source import MemorySource

__all__ = ["Opened", "UnpackError", "unpack"]


class UnpackError(Exception):
    """A value cannot be loaded here; the message says why, on one line.

    Attributes:
        name: the name of the value.
        module: the module that could not be imported, or else the one that was needed last.
        missing: whether that could not be imported.
    """

    def __init__(self, name: str, why: str, module: str, *, missing: bool) -> None:
        super().__init__(why)
        self.name = name
        self.module = module
        self.missing = missing


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
        from subint_magic._child.values.pickling import Loader, NotInMainError

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
                root = _root(error)
                module = (_module(root) or loader.module).partition(".")[0]
                why = str(error) if isinstance(error, NotInMainError) else _line(root)
                missing = missing and module != "__main__"  # which no other backend has either
                value = UnpackError(name, why, module, missing=missing)
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


def _root(error: BaseException) -> BaseException:
    """Return what went wrong first: numpy, for one, writes a page around it."""
    while isinstance(cause := error.__cause__ or error.__context__, ImportError):
        error = cause
    return error


def _module(error: BaseException) -> str:
    """Return what an ImportError is about, if it says so."""
    if not isinstance(error, ImportError):
        return ""
    first, _, rest = str(error).partition(" ")  # "module a.b does not support …" has no name
    return error.name or (rest.partition(" ")[0] if first == "module" else "")


def _line(error: BaseException) -> str:
    line = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
