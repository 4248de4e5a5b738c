"""Looks inside while a cell runs: stacks, variables, completions.

The control thread answers, so nothing here may run code of the user's: no ``repr`` and no
attribute of an object whose class is not known to be harmless. What a class says of itself is read
from the ``__dict__`` of its bases by the descriptors of `type` itself, which nothing can override.
Nothing large is imported either, which takes long beside a busy loop; source files are left for
the parent to read.
"""

from __future__ import annotations

import linecache
import sys
import threading
from types import (
    AsyncGeneratorType,
    CoroutineType,
    FunctionType,
    GeneratorType,
    GetSetDescriptorType,
    MemberDescriptorType,
    ModuleType,
)

from subint_magic._child.display.traceback import OURS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType
    from typing import Any

MAX_ROWS = 1000
"""Frames, variables or completions that are told at most."""

_LONGEST = 1000  # characters of any text

_WIDTH = 60  # characters of a value
_FEW = 8  # items of a container that is shown
_bases_of: Any = type.__dict__["__mro__"].__get__
_members_of: Any = type.__dict__["__dict__"].__get__
_name_of: Any = type.__dict__["__name__"].__get__
_globals_of: Any = vars(ModuleType)["__dict__"].__get__

_SCALARS = (bool, int, float, complex, str, bytes, type(None), type(...))
_CONTAINERS = (list, tuple, dict, set, frozenset, bytearray, range)


def stacks(
    cells: Mapping[str, int], executor: int, own: int, awaiting: object
) -> list[tuple[str, str, int, int, str, str]]:
    """Return the frames of all threads, outermost first, those of the cell before all others.

    Each is the thread's name, ``""`` for the cell; the file; the number of the cell, or 0; the
    line; the function; and the text of the line, if it is one of a cell.

    Args:
        cells: the file names of cells, and their numbers.
        executor: the thread that runs cells.
        own: the thread that answers.
        awaiting: the coroutine of the cell, if it has one.
    """
    frames = sys._current_frames()
    cell = list(_frames(frames.pop(executor, None)))
    first = next((i for i, f in enumerate(cell) if f.f_code.co_filename in cells), None)
    shown = cell[first:] if first is not None else list(_awaited(awaiting))
    threads = [("", shown)]
    for ident, frame in frames.items():
        if ident != own:
            thread = threading._active.get(ident)  # type: ignore[attr-defined]
            name = _instance_dict(type(thread), thread).get("_name")
            threads.append((name if type(name) is str else str(ident), list(_frames(frame))))
    return [
        (_clean(name), *_place(frame, cells))
        for name, those in threads
        for frame in those[-MAX_ROWS:]
        if not frame.f_code.co_filename.startswith(OURS)
    ]


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    inner = []
    while frame is not None:
        inner.append(frame)
        frame = frame.f_back
    yield from reversed(inner)


def _awaited(waiting: object) -> Iterator[FrameType]:
    """Yield the frames of a coroutine that waits in its loop, and of what it waits for."""
    while waiting is not None:
        if type(waiting) is CoroutineType:
            frame, waiting = waiting.cr_frame, waiting.cr_await
        elif type(waiting) is GeneratorType:
            frame, waiting = waiting.gi_frame, waiting.gi_yieldfrom
        elif type(waiting) is AsyncGeneratorType:
            frame, waiting = waiting.ag_frame, waiting.ag_await
        else:
            return
        if frame is not None:
            yield frame


def _place(frame: FrameType, cells: Mapping[str, int]) -> tuple[str, int, int, str, str]:
    code, line = frame.f_code, frame.f_lineno or frame.f_code.co_firstlineno
    count = cells.get(code.co_filename, 0)
    text = ""
    if count:
        entry: Any = linecache.cache.get(code.co_filename, (0, None, [], ""))
        text = "".join(entry[2][line - 1 : line])
    return _clean(code.co_filename), count, line, _clean(code.co_qualname), _clean(text.strip())


def variables(namespace: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return name, type, size and value of what cells have put into *namespace*."""
    return [
        (_clean(name), _clean(_name_of(type(value))), _size(value), _clean(_value(value)))
        for name, value in sorted(_plain_names(namespace))
    ][:MAX_ROWS]


def _plain_names(namespace: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (name, value)
        for name, value in list(namespace.items())
        if type(name) is str and not name.startswith("_")
    ]


def _size(value: Any) -> str:
    kind = type(value)
    if _is_of(kind, "numpy", "ndarray") or _is_of(kind, "pandas", "DataFrame", "Series"):
        return " × ".join(map(str, value.shape)) or "–"
    for base in (str, bytes, *_CONTAINERS):
        if issubclass(kind, base):
            return str(base.__len__(value))  # not that of the class, if it has one
    return ""


def _value(value: Any) -> str:
    kind = type(value)
    if kind in _CONTAINERS:
        return _contents(value)
    if kind in _SCALARS:
        return _scalar(value)
    if _is_of(kind, "numpy", "ndarray"):
        return str(value.dtype)
    if kind is ModuleType:
        name = _globals_of(value).get("__name__")
        return name if type(name) is str else ""
    if kind is FunctionType:
        code = value.__code__
        return f"({', '.join(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])})"
    return ""


def _scalar(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 4 * _WIDTH:
        return f"{value.bit_length()} bits"
    if isinstance(value, str | bytes) and len(value) > _WIDTH:
        return f"{value[:_WIDTH]!r}…"
    return repr(value)


def _contents(value: Any) -> str:
    """Return a short ``repr`` of a container of scalars, or nothing."""
    if len(value) > _FEW or type(value) is bytearray:
        return ""
    items = list(value.items()) if type(value) is dict else list(value)  # it may change meanwhile
    flat = [part for pair in items for part in pair] if type(value) is dict else items
    if any(type(item) not in _SCALARS or len(_scalar(item)) > _WIDTH for item in flat):
        return ""
    text = repr(type(value)(items) if type(value) is not range else value)
    return text if len(text) <= _WIDTH else ""


def _is_of(kind: type, package: str, *names: str) -> bool:
    """Whether *kind* is one of these classes themselves, whatever it says of itself."""
    module = sys.modules.get(package)
    known = _globals_of(module) if type(module) is ModuleType else {}
    return any(kind is known.get(name) for name in names)


def completions(namespace: dict[str, Any], text: str) -> list[tuple[str, str]]:
    """Return the names that *text*, as in ``a.b.na``, may become, each with its kind."""
    *path, prefix = text.split(".")
    members: dict[str, Any] = dict(namespace)
    for depth, name in enumerate(path):
        if name not in members or (depth and _is_computed(members[name])):
            return []
        members = _members(members[name])
    names = sorted(
        name
        for name in members
        if type(name) is str
        and name.startswith(prefix)
        and (prefix.startswith("_") or not name.startswith("_"))
    )
    return [(_clean(name), _kind(members[name])) for name in names[:MAX_ROWS]]


def _is_computed(member: object) -> bool:
    """Whether *member* may be a descriptor, so that only code of its class knows the value."""
    return any("__get__" in _members_of(base) for base in _bases_of(type(member)))


def _members(value: object) -> dict[str, Any]:
    """Return what *value* has, as far as that can be read without asking it."""
    kind = type(value)
    members: dict[str, Any] = {}
    for base in reversed(_bases_of(kind)):
        members.update(_members_of(base))
    for name, slot in list(members.items()):
        if type(slot) is not MemberDescriptorType:
            continue
        try:
            members[name] = slot.__get__(value)
        except AttributeError:
            del members[name]  # it is not set
    if issubclass(kind, type):
        members.clear()  # what a metaclass has is no matter
        for base in reversed(_bases_of(value)):
            members.update(_members_of(base))
    elif issubclass(kind, ModuleType):
        members.update(_globals_of(value))
    else:
        members.update(_instance_dict(kind, value))
    return members


def _instance_dict(kind: type, value: object) -> dict[str, Any]:
    """Return the ``__dict__`` of an instance, unless its class has put something else there."""
    for base in _bases_of(kind):
        if (found := _members_of(base).get("__dict__")) is not None:
            real = type(found) is GetSetDescriptorType and found.__name__ == "__dict__"
            # From Python 3.15 on, all classes share that of object.
            real = real and (found.__objclass__ is base or found.__objclass__ is object)
            return dict(found.__get__(value)) if real else {}
    return {}


def _kind(value: object) -> str:
    kind = type(value)
    if issubclass(kind, type):
        return "class"
    if issubclass(kind, ModuleType):
        return "module"
    return "function" if "function" in _name_of(kind) or "method" in _name_of(kind) else "instance"


def _clean(text: str) -> str:
    """Return *text* so that it can be sent."""
    return text[:_LONGEST].encode("utf-8", "backslashreplace").decode()
