"""What is made of the value of a last expression; plain ones need no IPython."""

from __future__ import annotations

from _thread import get_ident

from subint_magic._child import frames

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

    def __call__(self, value: object) -> None:
        """Show *value* as the result of the cell, and keep it."""
        if get_ident() != self._thread:  # there is one result, that of the cell
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
            data, metadata, failed = self._shell.get().format_result(value)
        self._history.keep(value)
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
        run = self._control.allowance.run
        self._control.show(
            pack(frames.RESULT, run=run, data=data, metadata=metadata), counted=False
        )


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


def ends_in_semicolon(source: str, last: Any) -> bool:
    """Whether a semicolon follows *last*, the last statement of *source*."""
    lines = source.encode().splitlines(keepends=True)
    rest = lines[last.end_lineno - 1][last.end_col_offset :]
    rest += b"".join(lines[last.end_lineno :])
    return bool(rest.lstrip(b" \t\f\\\r\n").startswith(b";"))
