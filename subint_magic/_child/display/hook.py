"""Which values a cell shows, and what is made of them; plain ones need no IPython."""

from __future__ import annotations

import sys
from _ast import AnnAssign, Assign, AugAssign, Expr, Load, Name
from _thread import get_ident

from subint_magic._child import frames
from subint_magic._child.output.streams import OutputStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from subint_magic._child.control import Control
    from subint_magic._child.display.history import History
    from subint_magic._child.display.lazy import LazyShell

MAX_TEXT = 2**20
"""Characters of a value's text that are sent."""

_WIDTH = 80
"""IPython breaks the text of a list or dict from this length on."""

_ATOMS = (int, float, complex, bool, str, bytes, type(None))
_CONTAINERS = (list, tuple, dict)


class DisplayHook:
    """The ``sys.displayhook`` of an actor."""

    def __init__(self, control: Control, history: History, shell: LazyShell) -> None:
        self._control = control
        self._history = history
        self._shell = shell
        self._thread = get_ident()
        self.silent = False
        """Whether the cell ends in a semicolon."""
        self.last = False
        """Whether the last expression of the cell runs."""

    def __call__(self, value: object) -> None:
        """Show *value* as a result of the cell, and keep it."""
        if get_ident() != self._thread:  # the results are those of the cell
            if value is not None:
                print(repr(value))
        elif value is not None and not self.silent:
            self._show(value)

    def _show(self, value: object) -> None:
        data: dict[str, Any]
        metadata: dict[str, Any] = {}
        failed: BaseException | None = None
        # Where there is a shell, a cell may have told its formatters how to show an int.
        if self._shell.made is None and is_plain(value):
            data = {"text/plain": repr(value)}
        else:
            data, metadata, failed = self._shell.get().format_result(value, raises=self.last)
        self._history.keep(value)
        if self._shell.made is not None:
            self._shell.made.displayhook.fill_exec_result(value)  # for a run_cell() of its user
        if data:
            self.post(data, metadata)
        if failed is not None:
            raise failed

    def post(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Send a result."""
        from subint_magic._child.display.bundle import pack

        text = data.get("text/plain")
        if isinstance(text, str) and len(text) > MAX_TEXT:
            over = len(text) - MAX_TEXT
            data = {
                **data,
                "text/plain": f"{text[:MAX_TEXT]}\n… {over} more characters of this repr",
            }
        flush_bytes()
        run = self._control.allowance.run
        self._control.show(
            pack(frames.RESULT, run=run, data=data, metadata=metadata, last=self.last),
            counted=not self.last,
        )


def flush_bytes(ignored: type[BaseException] = Exception) -> None:
    """Send the bytes that wait in a stream's buffer; what comes after them sends the rest.

    Args:
        ignored: what a stream that the cell has put in place may raise.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name, None)
        try:
            if isinstance(stream, OutputStream):
                stream.flush_bytes()
            elif stream is not None:
                stream.flush()
        except ignored:
            pass


def is_plain(value: object) -> bool:
    """Whether IPython would show *value* by its ``repr``, and as nothing else."""
    kind = type(value)
    if kind in _CONTAINERS:
        return _is_small(value, 3) and len(repr(value)) < _WIDTH
    return kind in _ATOMS


def _is_small(value: Any, depth: int) -> bool:
    if type(value) not in _CONTAINERS:
        return type(value) in _ATOMS
    if not depth or len(value) > _WIDTH // 3:
        return False
    if type(value) is dict and not all(type(key) in _ATOMS for key in value):
        return False
    parts = value.values() if type(value) is dict else value
    return all(_is_small(part, depth - 1) for part in parts)


def shown_of(body: list[Any], interactivity: str) -> list[Any]:
    """Take out of *body*, the statements of a cell, those whose values are shown.

    Args:
        body: they are its last ones.
        interactivity: as ``ast_node_interactivity`` of IPython.
    """
    if interactivity == "all":
        first = 0
    elif interactivity == "last" or (body and isinstance(body[-1], Expr)):
        first = -1
    else:
        first = len(body)
    if interactivity == "none":
        return []
    if interactivity == "last_expr_or_assign" and body and (name := _assigned(body[-1])):
        return [name]
    shown = body[first:]
    del body[first:]
    return shown


def _assigned(last: Any) -> Expr | None:
    """Return an expression for the one name that *last* assigns, if it does that."""
    if isinstance(last, Assign) and len(last.targets) == 1:
        target: Any = last.targets[0]
    else:
        target = last.target if isinstance(last, AnnAssign | AugAssign) else None
    if not isinstance(target, Name):
        return None
    places = ("lineno", "col_offset", "end_lineno", "end_col_offset")
    where = {place: getattr(target, place) for place in places}
    return Expr(Name(target.id, Load(), **where), **where)


def ends_in_semicolon(source: str, last: Any) -> bool:
    """Whether a semicolon follows *last*, the last statement of *source*."""
    lines = source.encode().splitlines(keepends=True)
    rest = lines[last.end_lineno - 1][last.end_col_offset :]
    rest += b"".join(lines[last.end_lineno :])
    return bool(rest.lstrip(b" \t\f\\\r\n").startswith(b";"))
