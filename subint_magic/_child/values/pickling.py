"""One value as a pickle and the buffers beside it (pickle protocol 5).

Plain pickle does it where it can. What only the sender has, as functions and classes of its
``__main__`` are, goes by value, which takes cloudpickle; a fresh child imports that in 40 ms.
"""

from __future__ import annotations

import sys
from _functools import _lru_cache_wrapper  # type: ignore[import-not-found]
from _pickle import PickleBuffer, Pickler, Unpickler
from types import CodeType, FunctionType

from subint_magic._child.values.share import Shared, shaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Protocol

    class Target(Protocol):
        """Takes the bytes of a pickle."""

        size: int

        def write(self, data: Any) -> int: ...
        def rewind(self, size: int) -> None: ...

    class Source(Protocol):
        """Gives the bytes of a pickle."""

        def read(self, size: int) -> bytes: ...
        def readline(self) -> bytes: ...
        def readinto(self, buffer: Any) -> int: ...


PROTOCOL = 5

CachedFunction: type[Any] = _lru_cache_wrapper  # functools itself has more to import
"""What `functools.lru_cache` makes of a function."""

LARGE = 2**16
"""Bytes from which a buffer goes beside the pickle."""


class _ByValueError(Exception):
    """Something can only be pickled by value."""


class RefusedError(Exception):
    """A value cannot cross; the message goes on from its name, and says what to do."""


class StaysHere:
    """The base of what never crosses.

    Attributes:
        refusal: the message of the `RefusedError`.
    """

    refusal: str


class NotInMainError(AttributeError):
    """What a pickle names in ``__main__`` is not in that of who loads it."""


class Aside:
    """What goes beside one pickle.

    Attributes:
        parts: each is a buffer that is copied, or memory that is shared.
        code: the file names of the code that the pickle has in it.
    """

    def __init__(self) -> None:
        self.parts: list[memoryview | Shared] = []
        self.code: set[str] = set()
        self._shared: dict[int, tuple[Shared, PickleBuffer]] = {}

    def take(self, buffer: PickleBuffer) -> bool:
        """Put *buffer* aside; true if it belongs into the pickle instead."""
        if shared := self._shared.get(id(buffer)):
            self.parts.append(shared[0])
            return False
        view = buffer.raw()
        if view.nbytes < LARGE:
            return True
        self.parts.append(view)
        return False

    def reduce(self, value: object) -> Any:
        """Return how a value is pickled that pickle has no way for."""
        if type(value) is memoryview:
            flat = value if value.c_contiguous else memoryview(value.tobytes())
            raw = flat.cast("B") if flat.nbytes else memoryview(bytearray())
            return _view, (PickleBuffer(raw), value.format, value.shape)
        if isinstance(value, StaysHere):
            raise RefusedError(value.refusal)
        if isinstance(value, Shared):
            if value.closed:
                raise RefusedError("is shared memory that is closed: share the array again")
            stand_in = PickleBuffer(value.memory)
            self._shared[id(stand_in)] = value, stand_in
            return Shared.arrived, (stand_in, *value.layout)
        return NotImplemented


def _view(buffer: Any, kind: str, shape: tuple[int, ...]) -> memoryview:
    return shaped(memoryview(buffer), kind, shape)


class _Plain(Pickler):
    def __init__(self, target: Target, aside: Aside) -> None:
        super().__init__(target, PROTOCOL, buffer_callback=aside.take)
        self._aside = aside

    def reducer_override(self, value: Any) -> Any:
        by_value = isinstance(value, FunctionType | type | CachedFunction)
        if by_value and value.__module__ == "__main__":
            raise _ByValueError
        return self._aside.reduce(value)


def _can_be_imported(function: Any) -> bool:
    found = None if function.__module__ == "__main__" else sys.modules.get(function.__module__)
    for name in getattr(function, "__qualname__", "").split("."):
        found = getattr(found, name, None)
    return found is function


def _reduce_cached(function: Any) -> tuple[Any, ...]:
    """Reduce it to the function inside; pickle only knows its name."""
    from functools import WRAPPER_ASSIGNMENTS

    anew = {*WRAPPER_ASSIGNMENTS, "__wrapped__", "cache_parameters"}  # from the function
    own = {key: item for key, item in vars(function).items() if key not in anew}
    # One that calls itself is met again inside of the function, which has no attributes yet there.
    return _cached, (function.cache_parameters(), function.__wrapped__), own


def _cached(parameters: dict[str, Any], function: Any) -> Any:
    from functools import lru_cache

    return lru_cache(**parameters)(function)


def _dump_plain(value: object, target: Target, aside: Aside) -> None:
    _Plain(target, aside).dump(value)


def _dump_by_value(value: object, target: Target, aside: Aside) -> None:
    from cloudpickle import Pickler as ByValue

    class Cloud(ByValue):  # type: ignore[misc]
        def reducer_override(self, value: Any) -> Any:
            if isinstance(value, CodeType):
                aside.code.add(value.co_filename)
            if isinstance(value, CachedFunction) and not _can_be_imported(value):
                return _reduce_cached(value)
            ours = aside.reduce(value)
            return super().reducer_override(value) if ours is NotImplemented else ours

    Cloud(target, PROTOCOL, buffer_callback=aside.take).dump(value)


def dump(value: object, target: Target) -> Aside:
    """Pickle *value* into *target*; return what goes beside it.

    Raises:
        Exception: it cannot be pickled. Nothing of it is in *target*.
    """
    begun = target.size
    try:
        aside = Aside()
        _dump_plain(value, target, aside)
    except Exception:  # noqa: BLE001 - the other way may work, or says why not
        target.rewind(begun)
        try:
            aside = Aside()
            _dump_by_value(value, target, aside)
        except Exception:
            target.rewind(begun)
            raise
    return aside


class Loader(Unpickler):
    """Reads one pickle.

    Attributes:
        module: the module that it imported last.
    """

    def __init__(self, source: Source, parts: Iterable[object]) -> None:
        super().__init__(source, buffers=parts)
        self.module: str = ""

    def find_class(self, module: str, name: str, /) -> Any:
        """Import what a pickle names."""
        self.module = module
        try:
            return super().find_class(module, name)
        except AttributeError as error:
            if module == "__main__":
                raise NotInMainError(f"module '__main__' has no attribute {name!r}") from error
            raise
