"""Finds the part of a value that cannot be pickled: pickle itself names only a type."""

from __future__ import annotations

from _collections_abc import Iterator
from types import FunctionType, MethodType

from subint_magic._child.values.pickling import CachedFunction, RefusedError, dump
from subint_magic._child.values.share import Shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    type Part = tuple[str, object, str]
    """How it is reached, the part, and the `PackError.way_out`."""

DEPTH = 50
"""Steps from a value to its part."""

_MAX_TEXT = 300


class _Nowhere:
    """Takes a pickle and forgets it."""

    size = 0

    def write(self, data: Any) -> int:
        return len(data)

    def rewind(self, size: int) -> None:
        pass


def explain(name: str, value: object, error: Exception) -> tuple[str, str]:
    """Say on one line why *value* cannot be pickled, as a `PackError` does, and the way out.

    Args:
        name: what the value is called.
        value: the value.
        error: what was raised.
    """
    path, part, way_out = find(name, value)
    what = f"a {_type_name(part)}"
    try:
        dump(part, _Nowhere())
    except RecursionError:
        return f"cannot be pickled: {path} is nested too deep", way_out
    except Exception as trouble:  # noqa: BLE001 - it may be of the value itself
        error = trouble
    line = " ".join(str(error).split())[:_MAX_TEXT]
    if isinstance(error, RefusedError):
        return (line if path == name else f"cannot be pickled: {path} {line}"), ""
    if isinstance(error, TypeError) and line.startswith("cannot pickle"):
        if _is_iterator(part):
            way_out = "list"
        which = f"it is {what}" if path == name else f"{path} ({what})"
    else:
        trouble_words = f"{type(error).__name__}: {line}" if line else type(error).__name__
        which = f"{trouble_words} (in {path}, {what})"
    return f"cannot be pickled: {which}", way_out


def find(path: str, value: object) -> Part:
    """Return the smallest part of *value* that cannot be pickled."""
    way_out = "itself"
    seen: set[int] = set()
    for _ in range(DEPTH):
        seen.add(id(value))
        for label, part, how in _parts(path, value):
            if id(part) not in seen and not _can_be_pickled(part):
                path, value, way_out = label, part, how
                break
        else:
            break
    return path, value, way_out


def _can_be_pickled(value: object) -> bool:
    try:
        dump(value, _Nowhere())
    except Exception:  # noqa: BLE001 - whatever it is
        return False
    return True


def _parts(path: str, value: Any) -> Iterator[Part]:
    if isinstance(value, Shared) or _dispatches(value):
        return  # it is closed; or its parts are not the user's
    if isinstance(value, CachedFunction):
        yield path, value.__wrapped__, "itself"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"a key of {path}", key, "item"
            yield f"{path}[{key!r:.60}]", item, "item"
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield f"{path}[{i}]", item, "item"
    elif isinstance(value, set | frozenset):
        for item in value:
            yield f"an element of {path}", item, "item"
    elif isinstance(value, BaseException):
        for i, item in enumerate(value.args):
            yield f"{path}.args[{i}]", item, "item"
    elif isinstance(value, MethodType):
        yield f"{path}.__self__", value.__self__, "item"
    elif isinstance(value, FunctionType):
        code = value.__code__
        for name, cell in zip(code.co_freevars, value.__closure__ or (), strict=False):
            try:
                yield f"{name} in {path}", cell.cell_contents, "item"
            except ValueError:
                pass  # it has no value yet
        for name in code.co_names:
            if name in value.__globals__:
                yield f"{name} in {path}", value.__globals__[name], "item"
    if not isinstance(value, FunctionType | CachedFunction):
        way_out = "item" if isinstance(value, type) else "attribute"
        for name, item in _attributes(value):
            yield f"{path}.{name}", item, way_out


def _attributes(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, type):
        if value.__module__ == "__main__":
            own = ("__dict__", "__weakref__")  # each class gets these anew
            yield from ((name, item) for name, item in vars(value).items() if name not in own)
        return
    try:
        state = value.__getstate__()
    except Exception:  # noqa: BLE001 - code of the user
        return
    for each in state if isinstance(state, tuple) else (state,):  # a pair where there are slots
        if isinstance(each, dict):
            yield from ((str(key), item) for key, item in each.items())


def _is_iterator(value: object) -> bool:
    """Return whether it is a generator, a ``zip`` or the like; not a file or a cursor."""
    return type(value).__module__ in ("builtins", "itertools") and isinstance(value, Iterator)


def _dispatches(value: object) -> bool:
    """Return whether it is what `functools.singledispatch` makes of a function."""
    return (
        isinstance(value, FunctionType)
        and value.__code__.co_qualname == "singledispatch.<locals>.wrapper"
    )


def _type_name(value: object) -> str:
    if _dispatches(value):
        return "functools.singledispatch function"
    kind = type(value)
    if kind.__module__ in ("builtins", "__main__"):
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"
