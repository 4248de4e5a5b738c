"""Looks inside while a cell runs: variables, completions, and how to look at anything safely.

The control thread answers, so nothing here may run code of the user's: no ``repr`` and no
attribute of an object whose class is not known to be harmless. What a class says of itself is read
from the ``__dict__`` of its bases by the descriptors of `type` itself, which nothing can override.
Nothing large is imported either, which takes long beside a busy loop; source files are left for
the parent to read.
"""

from __future__ import annotations

import sys
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_ROWS = 1000
"""Frames, variables or completions that are told at most."""

_LONGEST = 1000  # characters of any text

_WIDTH = 60  # characters of a value
_FEW = 8  # items of a container that is shown
_bases_of: Any = type.__dict__["__mro__"].__get__
members_of: Any = type.__dict__["__dict__"].__get__
name_of: Any = type.__dict__["__name__"].__get__
globals_of: Any = vars(ModuleType)["__dict__"].__get__

_SCALARS = (bool, int, float, complex, str, bytes, type(None), type(...))
_CONTAINERS = (list, tuple, dict, set, frozenset, bytearray, range)


def variables(namespace: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return name, type, size and value of what cells have put into *namespace*."""
    return [
        (clean(name), clean(name_of(type(value))), _size(value), clean(_value(value)))
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
        name = globals_of(value).get("__name__")
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
    known = globals_of(module) if type(module) is ModuleType else {}
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
    return [(clean(name), _kind(members[name])) for name in names[:MAX_ROWS]]


def _is_computed(member: object) -> bool:
    """Whether *member* may be a descriptor, so that only code of its class knows the value."""
    return any("__get__" in members_of(base) for base in _bases_of(type(member)))


def _members(value: object) -> dict[str, Any]:
    """Return what *value* has, as far as that can be read without asking it."""
    kind = type(value)
    members: dict[str, Any] = {}
    for base in reversed(_bases_of(kind)):
        members.update(members_of(base))
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
            members.update(members_of(base))
    elif issubclass(kind, ModuleType):
        members.update(globals_of(value))
    else:
        members.update(instance_dict(kind, value))
    return members


def instance_dict(kind: type, value: object) -> dict[str, Any]:
    """Return the ``__dict__`` of an instance, unless its class has put something else there."""
    for base in _bases_of(kind):
        if (found := members_of(base).get("__dict__")) is not None:
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
    return "function" if "function" in name_of(kind) or "method" in name_of(kind) else "instance"


def clean(text: str) -> str:
    """Return *text* so that it can be sent."""
    return text[:_LONGEST].encode("utf-8", "backslashreplace").decode()
