"""What has to be imported where a value is loaded: looked at, not pickled."""

from __future__ import annotations

import sys
from dataclasses import replace
from dis import get_instructions
from functools import _lru_cache_wrapper, partial
from itertools import chain, islice
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodType,
    ModuleType,
    NoneType,
)
from typing import TYPE_CHECKING

from subint_magic.runtime.imports.bodies import imports_in_body
from subint_magic.runtime.imports.cell import Import, is_good

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["imports_for"]

_PLAIN = frozenset({NoneType, bool, int, float, complex, str, bytes, bytearray})
_MOST = 1000
"""Items of one container that are looked at, if they are not alike: it is advice, not proof."""

_CONTAINERS = (list, tuple, set, frozenset, dict)


def imports_for(values: Iterable[object], called: object = None) -> tuple[Import, ...]:
    """Return what has to be imported where *values* are to be loaded, as far as it may matter.

    That is where their classes are, and those of the items of lists, tuples, sets and dicts, and of
    what functions, classes and objects of classes of the notebook use. What functions of the
    notebook import in their bodies is added, but is not sure.

    Args:
        values: what is to be loaded.
        called: a function that is called there: what it imports in its body is sure.
    """
    function = _inner(called)
    found: dict[Import, Import] = {}
    for each in _needed(values, function):
        if each.sure or each not in found:
            found[each] = each
    return tuple(found.values())


def _needed(values: Iterable[object], called: object) -> Iterator[Import]:
    seen: dict[int, object] = {}  # and kept, so that no other takes its id
    todo = list(values)
    while todo:
        found: list[object] = []
        for value in todo:
            if type(value) in _PLAIN or id(value) in seen:
                continue
            seen[id(value)] = value
            here = _in_notebook(value)
            module = _module(value)
            if not here and module not in ("", "__main__", "subint_magic"):
                needed = Import(module)
                if not is_good(needed):
                    yield needed
            if isinstance(value, FunctionType) and (here or value is called):
                for each in imports_in_body(value):
                    yield each if value is called else replace(each, sure=False)
            found += _parts(value, here)
        todo = found


def _in_notebook(value: object) -> bool:
    """Return whether it is a function or class that goes by value, with all that it uses."""
    if isinstance(value, type):
        return value.__module__ == "__main__"
    if not isinstance(value, FunctionType):
        return False
    # pickle cannot find what a decorator has replaced, or what is inside of a function
    found: object = sys.modules.get(value.__module__)
    for name in value.__qualname__.split("."):
        found = getattr(found, name, None)
    return value.__module__ == "__main__" or found is not value


def _parts(value: object, here: bool) -> Iterable[object]:
    """Return what goes with *value*."""
    match value:
        case dict():
            return _flat(value.values())
        case list() | tuple() | set() | frozenset():
            return _flat(value)
        case partial():
            return (value.func, *value.args, *value.keywords.values())
        case _lru_cache_wrapper():
            return (value.__wrapped__,)
        case MethodType():
            return (value.__func__, value.__self__)
        case staticmethod() | classmethod():
            return (value.__func__,)
        case property():
            return (value.fget, value.fset, value.fdel)
        case FunctionType() if here:
            return _used(value)
        case type() if here:
            own = (each for name, each in vars(value).items() if name != "__annotate_func__")
            return (*value.__bases__, *own)
    if type(value).__module__ == "__main__":
        return (type(value), *_state(value))
    return (_inner(value),) if _module(value) == "subint_magic" else ()


def _flat(items: Iterable[object]) -> Iterable[object]:
    """Return *items* without what is in them, and of large data no more than matters."""
    kinds = {type(item): item for item in items}
    alike = [kind for kind in kinds if _alike(kind)]
    done = {*alike, *(kind for kind in kinds if issubclass(kind, _CONTAINERS))}
    rest = (item for item in items if type(item) not in done) if len(done) < len(kinds) else ()
    return [*(kinds[kind] for kind in alike), *islice(rest, _MOST)]


def _alike(kind: type) -> bool:
    """Return whether all objects of type *kind* need the same."""
    if kind.__module__ == "builtins":
        return kind in _PLAIN
    package = str(kind.__module__).partition(".")[0]
    return not issubclass(kind, type) and package not in ("__main__", "functools", "subint_magic")


def _state(value: object) -> Iterable[object]:
    """Return the attributes of *value*, if it has no way of its own to be pickled."""
    kind = type(value)
    names = ("__reduce_ex__", "__reduce__", "__getstate__")
    if any(getattr(kind, name) is not getattr(object, name) for name in names):
        return ()
    return getattr(value, "__dict__", {}).values()


def _inner(function: object) -> object:
    """Return the function that is called when *function* is."""
    match function:
        case partial():
            return _inner(function.func)
        case _lru_cache_wrapper():
            return _inner(function.__wrapped__)
        case MethodType():
            return function.__func__
    if _module(function) == "subint_magic":  # @subint
        return _inner(getattr(function, "__wrapped__", None))
    return function


def _used(function: FunctionType) -> Iterator[object]:
    """Yield the globals that *function* names, what it has closed over, and its attributes."""
    for name in dict.fromkeys(_names(function.__code__)):
        if name in function.__globals__:
            yield function.__globals__[name]
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # nothing is in it so far
            continue
    defaults = (function.__defaults__ or (), (function.__kwdefaults__ or {}).values())
    try:
        annotations = function.__annotations__
    except Exception:  # noqa: BLE001 - they may name what is not there
        annotations = {}
    yield from chain(*defaults, annotations.values(), vars(function).values())


def _names(code: CodeType) -> Iterator[str]:
    for instruction in get_instructions(code):  # co_names has those of attributes as well
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _module(value: object) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    named = isinstance(value, FunctionType | BuiltinFunctionType | type)
    name: object = value.__module__ if named else type(value).__module__
    return name.partition(".")[0] if isinstance(name, str) else ""
