"""What has to be imported where a value is loaded: looked at, not pickled."""

from __future__ import annotations

from dis import get_instructions
from functools import _lru_cache_wrapper
from itertools import chain
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING

from subint_magic.runtime.imports.cell import Import, is_good

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeGuard

__all__ = ["imports_for"]


def imports_for(values: Iterable[object]) -> tuple[Import, ...]:
    """Return what has to be imported where *values* are to be loaded, as far as it may matter.

    That is where their classes are, and those of the items of lists, tuples and dicts, and of what
    functions of the notebook use.
    """
    items = [_uncached(item) for value in values for item in (value, *_items(value))]
    used = [each for item in items if _by_value(item) for each in _used(item)]
    modules = dict.fromkeys(_module(each) for each in chain(items, used))
    found = [Import(name) for name in modules if name not in ("", "__main__", "subint_magic")]
    return tuple(each for each in found if not is_good(each))


def _items(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _uncached(value: object) -> object:
    """Return the function inside what `functools.lru_cache` has made of it."""
    return value.__wrapped__ if isinstance(value, _lru_cache_wrapper) else value


def _by_value(value: object) -> TypeGuard[FunctionType]:
    """Return whether it is a function that goes with all that it uses."""
    return isinstance(value, FunctionType) and value.__module__ == "__main__"


def _used(function: FunctionType) -> Iterator[object]:
    """Yield the globals that *function* names, and what it has closed over."""
    for name in dict.fromkeys(_names(function.__code__)):
        if name in function.__globals__:
            yield function.__globals__[name]
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # nothing is in it so far
            continue


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
