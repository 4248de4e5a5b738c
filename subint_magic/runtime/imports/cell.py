"""The imports of a cell: parsed, not run.

All that the cell may import counts, also by %matplotlib and %load_ext. What it can do without does
not: a ``try`` that catches ImportError, a ``suppress`` of it, and ``if TYPE_CHECKING``. What it may
never come to, in a function or under an ``if``, is told apart.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from subint_magic.runtime.imports.known import GOOD, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Import", "imports_among", "imports_of", "is_good"]

# Most cells import nothing, or from the standard library only: for them no tree is made. What looks
# like an import may be in a string, and then only the tree can tell.
_FROM_OR_IMPORT = re.compile(r"\bfrom\s+([\w.]+)\s+import\b|\bimport\b[ \t]*([^\n;#]*)")
_MAGIC = re.compile(r"\.run_line_magic\('(?:matplotlib|pylab|load_ext)'")
# What they hold may never run.
_MAYBE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.If, ast.match_case, ast.ExceptHandler)
_CATCHES = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


@dataclass(frozen=True)
class Import:
    """One import.

    Attributes:
        module: the dotted name of the module.
        names: what is taken from it, which may be modules as well; empty for ``import module``.
        sure: false if the cell may end well and never come to it.
    """

    module: str
    names: tuple[str, ...] = ()
    sure: bool = field(default=True, compare=False)

    @property
    def statement(self) -> str:
        """The import as source code."""
        if self.names:
            return f"from {self.module} import {', '.join(self.names)}"
        return f"import {self.module}"

    @property
    def modules(self) -> list[str]:
        """All modules that it may import, the outermost first."""
        parts = self.module.split(".")
        parents = [".".join(parts[: i + 1]) for i in range(len(parts))]
        return [*parents, *(f"{self.module}.{name}" for name in self.names)]


def imports_of(source: str) -> tuple[Import, ...]:
    """Return the imports of the cell *source* that may be a problem somewhere, in order.

    Those of modules that load everywhere are left out, and so are those of modules that do not
    exist: the error of the cell itself says it best.

    Raises:
        SyntaxError: it is not Python.
    """
    return imports_among(ast.parse(source).body) if _may_matter(source) else ()


def imports_among(body: list[ast.stmt]) -> tuple[Import, ...]:
    """Return the imports of *body* that may be a problem somewhere, as `imports_of` does."""
    found: dict[Import, Import] = {}
    for each in _walk(body):
        if each.sure or each not in found:
            found[each] = each
    return tuple(each for each in found.values() if not is_good(each) and _exists(each))


def _may_matter(source: str) -> bool:
    if _MAGIC.search(source):
        return True
    if "import" not in source:
        return False
    if "\\\n" in source:  # a line may go on where the pattern does not look
        return True
    for package, modules in _FROM_OR_IMPORT.findall(source):
        for module in [package] if package else modules.split(","):
            name = module.split()[0] if module.strip() else "?"
            if not name.startswith(".") and not is_good(Import(name)):
                return True
    return False


def is_good(each: Import) -> bool:
    """Return whether it is known to load in any interpreter."""
    return each.module.partition(".")[0] in GOOD and not any(m in REFUSED for m in each.modules)


def _exists(each: Import) -> bool:
    top = each.module.partition(".")[0]
    try:
        return top in sys.modules or find_spec(top) is not None
    except Exception:  # noqa: BLE001 - a finder of somebody else; the probe will show
        return True


def _walk(body: list[ast.stmt]) -> Iterator[Import]:
    for statement in body:
        match statement:
            case ast.Import(names=aliases):
                yield from (Import(alias.name) for alias in aliases)
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                yield Import(module, tuple(alias.name for alias in aliases))
            case ast.Expr(
                ast.Call(ast.Attribute(attr="run_line_magic"), [ast.Constant(str(magic)), line])
            ):
                yield from _imports_of_magic(magic, line)
            case ast.Try() | ast.TryStar() if any(map(_catches, statement.handlers)):
                yield from _walk(statement.finalbody)
            case ast.With() if any(map(_suppresses, statement.items)):
                pass
            case ast.If() if "TYPE_CHECKING" in ast.unparse(statement.test):
                yield from _walk(statement.orelse)
            case _:
                for block in ("body", "handlers", "orelse", "finalbody", "cases"):
                    for each in _walk(getattr(statement, block, [])):
                        yield replace(each, sure=False) if isinstance(statement, _MAYBE) else each


def _imports_of_magic(magic: str, line: ast.expr) -> Iterator[Import]:
    match magic, line:
        case "matplotlib" | "pylab", _:
            yield Import("matplotlib")
        case "load_ext", ast.Constant(str(name)) if name != "subint_magic":  # an actor ignores that
            yield Import(name)


def _catches(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or _names_import_error(handler.type)


def _suppresses(item: ast.withitem) -> bool:
    match item.context_expr:
        case ast.Call(func=ast.Name("suppress") | ast.Attribute(attr="suppress"), args=errors):
            return any(map(_names_import_error, errors))
    return False


def _names_import_error(expression: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id in _CATCHES for node in ast.walk(expression))
