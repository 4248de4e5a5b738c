"""Finds the part of a value that cannot be pickled: pickle itself names only a type."""

from __future__ import annotations

from types import FunctionType, MethodType

from subint_magic._child.values.pickling import dump
from subint_magic._child.values.share import Shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

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


def explain(name: str, value: object, error: Exception) -> str:
    """Say on one line why *value* cannot be pickled.

    Args:
        name: what the value is called.
        value: the value.
        error: what was raised.
    """
    path, part = find(name, value)
    what = f"a {_type_name(part)}"
    try:
        dump(part, _Nowhere())
    except RecursionError:
        return f"{path} is nested too deep"
    except Exception as trouble:  # noqa: BLE001 - it may be of the value itself
        error = trouble
    line = " ".join(str(error).split())[:_MAX_TEXT]
    if isinstance(error, TypeError) and line.startswith("cannot pickle"):
        return f"it is {what}" if path == name else f"{path} ({what})"
    trouble_words = f"{type(error).__name__}: {line}" if line else type(error).__name__
    return f"{trouble_words} (in {path}, {what})"


def find(path: str, value: object) -> tuple[str, object]:
    """Return the smallest part of *value* that cannot be pickled, and how it is reached."""
    seen: set[int] = set()
    for _ in range(DEPTH):
        seen.add(id(value))
        for label, part in _parts(path, value):
            if id(part) not in seen and not _can_be_pickled(part):
                path, value = label, part
                break
        else:
            break
    return path, value


def _can_be_pickled(value: object) -> bool:
    try:
        dump(value, _Nowhere())
    except Exception:  # noqa: BLE001 - whatever it is
        return False
    return True


def _parts(path: str, value: Any) -> Iterator[tuple[str, object]]:
    if isinstance(value, Shared):
        return  # it is closed
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"a key of {path}", key
            yield f"{path}[{key!r:.60}]", item
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield f"{path}[{i}]", item
    elif isinstance(value, set | frozenset):
        for item in value:
            yield f"an element of {path}", item
    elif isinstance(value, BaseException):
        for i, item in enumerate(value.args):
            yield f"{path}.args[{i}]", item
    elif isinstance(value, MethodType):
        yield f"{path}.__self__", value.__self__
    elif isinstance(value, FunctionType):
        code = value.__code__
        for name, cell in zip(code.co_freevars, value.__closure__ or (), strict=False):
            try:
                yield f"{name} in {path}", cell.cell_contents
            except ValueError:
                pass  # it has no value yet
        for name in code.co_names:
            if name in value.__globals__:
                yield f"{name} in {path}", value.__globals__[name]
    if not isinstance(value, FunctionType):
        for name, item in _attributes(value):
            yield f"{path}.{name}", item


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


def _type_name(value: object) -> str:
    kind = type(value)
    if kind.__module__ in ("builtins", "__main__"):
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"
