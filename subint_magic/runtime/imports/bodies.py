"""What a function imports when it is called: parsed from its source, not run."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace
from dis import get_instructions
from tokenize import TokenError
from types import CodeType
from typing import TYPE_CHECKING

from subint_magic.runtime.imports.cell import Import, imports_among, is_good

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FunctionType

__all__ = ["imports_in_body"]


def imports_in_body(function: FunctionType) -> tuple[Import, ...]:
    """Return the imports in the body of *function* that may be a problem somewhere, in order.

    One whose source is not known has none.
    """
    imported = set(_imported(function.__code__))
    if all(is_good(Import(name)) for name in imported):
        return ()  # most import nothing: their source is not looked for
    try:
        # of the code: a function may say that it wraps another
        source = inspect.getsource(function.__code__)
        tree = ast.parse(f"if 1:\n{source}" if source[:1].isspace() else source)
    except (OSError, SyntaxError, TokenError):
        return ()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # its file may have changed since, and have another function there now
            return tuple(each for each in _imports_in(node.body) if each.module in imported)
    return ()


def _imports_in(body: list[ast.stmt]) -> tuple[Import, ...]:
    for number, statement in enumerate(body, 1):
        if any(isinstance(node, ast.Return) for node in ast.walk(statement)):
            rest = imports_among(body[number:])  # which it may not come to
            return (
                *imports_among(body[:number]),
                *(replace(each, sure=False) for each in rest),
            )
    return imports_among(body)


def _imported(code: CodeType) -> Iterator[str]:
    for instruction in get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _imported(constant)
