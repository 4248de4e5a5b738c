"""Memory that the kernel and several actors see at once."""

from __future__ import annotations

from subint_magic._child.values.files import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap
    from types import TracebackType
    from typing import Any

    type DType = str | list[Any] | None  # as numpy.dtype takes it; None if it is no array

__all__ = ["Shared", "share"]


class Shared:
    """Memory that all who hold it see and change at once; nothing in it is locked.

    Made by `share`. As an input or an output of a cell, or as a part of one, it arrives as the same
    kind of object, and the memory itself stays where it is. Each holder closes it for itself: by
    `close`, by a ``with`` block, or by dropping it. The memory is freed when the last one has gone,
    also if that has crashed; arrays and memoryviews of it are holders as well.
    """

    def __init__(
        self, file: File, nbytes: int, kind: str, shape: tuple[int, ...], dtype: DType
    ) -> None:
        self._file = file
        self._nbytes = nbytes
        self._kind = kind
        self._shape = shape
        self._dtype = dtype
        self._mapping: mmap | None = file.map()

    @classmethod
    def arrived(
        cls, file: File, nbytes: int, kind: str, shape: tuple[int, ...], dtype: DType
    ) -> Shared:
        """Return one that has crossed; this is what its pickle calls.

        Args:
            file: the memory, as `dup_file` gives it.
            nbytes: its size in bytes.
            kind: the format of its items, as `struct` has it.
            shape: that of what was shared.
            dtype: as numpy takes it; ``None`` if it is no array.
        """
        return cls(file, nbytes, kind, shape, dtype)

    @property
    def layout(self) -> tuple[int, str, tuple[int, ...], DType]:
        """What has to be known of the memory to make sense of it."""
        return self._nbytes, self._kind, self._shape, self._dtype

    @property
    def closed(self) -> bool:
        """Whether it is closed here."""
        return self._mapping is None

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return self._nbytes

    @property
    def memory(self) -> memoryview:
        """The memory, with the item format and the shape of what was shared.

        Raises:
            ValueError: it is closed.
        """
        __tracebackhide__ = True
        return shaped(self._raw(), self._kind, self._shape)

    @property
    def array(self) -> Any:
        """The memory as a numpy array, with the shape and the dtype of what was shared.

        Raises:
            ValueError: it is closed.
            ImportError: numpy cannot be loaded in this interpreter.
        """
        __tracebackhide__ = True
        raw = self._raw()
        try:
            import numpy
        except ImportError:  # with a page about other causes
            raise ImportError(
                "numpy cannot be loaded here: use .memory, or -b mp_forkserver", name="numpy"
            ) from None
        dtype = numpy.dtype(self._kind if self._dtype is None else self._dtype)
        return numpy.frombuffer(raw, dtype).reshape(self._shape)

    def dup_file(self) -> File:
        """Return the memory as a file, to be passed on.

        Raises:
            ValueError: it is closed.
        """
        self._raw()
        return self._file.dup()

    def close(self) -> None:
        """Let go of the memory. Arrays and memoryviews that were made of it stay valid."""
        self._mapping = None
        self._file.close()

    def __enter__(self) -> Shared:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        what = "closed" if self.closed else f"{self._nbytes} bytes"
        shape = "×".join(map(str, self._shape))
        return f"<Shared {shape} {self._dtype or self._kind!r}, {what}>"

    def __reduce_ex__(self, protocol: object) -> str | tuple[Any, ...]:
        raise TypeError(
            "shared memory only goes to actors and back (-i, -o, inputs=, outputs=);"
            " pickle its .array or .memory to copy what is in it"
        )

    def _raw(self) -> memoryview:
        __tracebackhide__ = True
        if self._mapping is None:
            raise ValueError("this shared memory is closed")
        return memoryview(self._mapping)[: self._nbytes]


def shaped(raw: memoryview, kind: str, shape: tuple[int, ...]) -> memoryview:
    """Return *raw* bytes as items of a format, in a shape.

    They stay flat bytes if it is a format that memoryview does not know, as that of a date, a
    record or another machine's integers.
    """
    try:
        view = raw.cast(kind)  # type: ignore[call-overload]
    except ValueError:
        return raw
    return raw.cast(kind, shape) if raw.nbytes else view  # type: ignore[call-overload, no-any-return]


def share(value: Any) -> Shared:
    """Copy *value* into memory that the kernel and actors see at once.

    ::

        with share(array) as shared:
            shared.array[0] = 1       # a numpy array on the memory
            shared.memory[0]          # a memoryview on it, also where there is no numpy

    Args:
        value: a numpy array, or anything else with a buffer (PEP 3118), as bytes and
            ``array.array`` have.

    Raises:
        TypeError: it has no buffer, or one of Python objects.
    """
    __tracebackhide__ = True
    array, dtype, layout = value, None, None
    if hasattr(value, "__array_interface__"):
        array, dtype, layout = _flat_array(value)
    try:
        view = memoryview(array)
    except TypeError:
        name = type(value).__name__
        article = "an" if name[0] in "aeiou" else "a"
        raise TypeError(
            f"{article} {name} has no buffer and cannot be shared: give a numpy array, bytes, or a"
            " memoryview"
        ) from None
    kind, shape = layout or (view.format, view.shape or ())
    if not view.c_contiguous:
        view = memoryview(view.tobytes())
    raw = view.cast("B") if view.nbytes else memoryview(b"")
    file = File.make()
    file.truncate(max(1, raw.nbytes))  # nothing cannot be mapped
    file.write(raw, 0)
    return Shared(file, raw.nbytes, kind, shape, dtype)


def _flat_array(value: Any) -> tuple[Any, DType, tuple[str, tuple[int, ...]]]:
    """Return the bytes of an array, its dtype, and the format and shape of its items."""
    import numpy

    __tracebackhide__ = True
    array = numpy.asarray(value)
    if array.dtype.hasobject:
        raise TypeError("an array of Python objects cannot be shared, only one of plain data")
    dtype = array.dtype.str if array.dtype.fields is None else array.dtype.descr
    kind = array.dtype.char if array.dtype.isnative else array.dtype.str
    flat = numpy.ascontiguousarray(array).reshape(-1).view("u1")
    return flat, dtype, (kind, array.shape)
