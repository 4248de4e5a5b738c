"""Tracebacks as text, as Python or as IPython shows them.

IPython is imported by `load` alone: 110 ms once in an actor, and 40 ms more for its first
traceback, so only for an error that is to look like one of a notebook.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

OURS = os.path.dirname(os.path.dirname(__file__))
"""The folder whose frames are nobody's business."""


def trim(error: BaseException, cells: Mapping[str, int], call: str = "") -> None:
    """Let the tracebacks of *error*, and of all that it comes from, begin in one of the *cells*.

    Frames of ours in between are taken out too, and those of the file *call*. It changes the
    exceptions themselves, so a debugger shows the same.
    """
    for each in _chain(error):
        before = each.__traceback__
        after = _trimmed(before, cells, call)
        if after is not before:
            each.__traceback__ = after


def as_python(error: BaseException, theme: str, cells: Mapping[str, int]) -> str:
    """Return the traceback as Python prints it; *cells* of a notebook have their numbers.

    It is coloured as Python colours it if there is a *theme* with colours.
    """
    import re
    from traceback import TracebackException

    about: Any = TracebackException.from_exception(error, compact=True)
    text = "".join(about.format(colorize=theme not in ("", "nocolor")))
    for filename, number in cells.items():
        if not filename.startswith("<"):  # that is a name of ours, which says more
            name = rf'File (\x1b\[[\d;]*m)?"{re.escape(filename)}"'
            text = re.sub(name, rf"\1Cell In[{number}]", text)
    return text


def is_loaded() -> bool:
    """Whether `as_ipython` has what it needs, without importing anything."""
    return "IPython.core.ultratb" in sys.modules


def load(cells: Mapping[str, int]) -> None:
    """Import what `as_ipython` needs, and teach it the names of the *cells*, which may grow.

    To be called where no KeyboardInterrupt can tear an import.
    """
    from IPython.core import tbtools, ultratb

    others: Any = tbtools._tokens_filename
    if others.__module__ == __name__:
        return
    import pygments.formatters.terminal256  # noqa: F401 - ultratb imports these on first use
    import stack_data  # noqa: F401
    from pygments.token import Token

    def tokens_filename(em: bool, file: str | None, *, lineno: int | None = None) -> Any:
        if file is None or file not in cells:
            return others(em, file, lineno=lineno)
        normal, name = (Token.NormalEm, Token.FilenameEm) if em else (Token.Normal, Token.Filename)
        line = [] if lineno is None else [(name, f", line {lineno}")]
        return [(normal, "Cell"), (normal, " "), (name, f"In[{cells[file]}]"), *line]

    # Not by way of a shell: there need not be one, and %tb of one finds the cells like this too.
    for module in (tbtools, ultratb):
        module._tokens_filename = tokens_filename  # type: ignore[attr-defined]


def as_ipython(error: BaseException, theme: str, mode: str, cells: Mapping[str, int]) -> str:
    """Return the traceback as IPython shows it; `load` was called before.

    Args:
        error: the exception.
        theme: the name of IPython's colours; an unknown one is taken for the default.
        mode: as for ``%xmode``.
        cells: the file names of cells, and their numbers.
    """
    from IPython.core.ultratb import FormattedTB, SyntaxTB
    from IPython.utils.PyColorize import theme_table

    if any(isinstance(each, BaseExceptionGroup) for each in _chain(error)):
        return as_python(error, theme, cells)  # as IPython does
    if theme not in theme_table:
        theme = "neutral"
    kind, traceback = type(error), error.__traceback__
    if isinstance(error, SyntaxError):
        from traceback import extract_tb

        frames: Any = extract_tb(traceback)
        return "".join(SyntaxTB(theme_name=theme).structured_traceback(kind, error, frames))
    if hasattr(error, "_render_traceback_"):
        return "\n".join(error._render_traceback_())
    formatter = FormattedTB(mode=mode, theme_name=theme)
    return formatter.stb2text(formatter.structured_traceback(kind, error, traceback))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield *error*, its causes, contexts and parts, each once."""
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        left += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            left += each.exceptions


def _trimmed(
    traceback: TracebackType | None, cells: Mapping[str, int], call: str
) -> TracebackType | None:
    entries = []
    entry = traceback
    while entry is not None:
        entries.append((entry, entry.tb_frame.f_code.co_filename))
        entry = entry.tb_next
    files = [file for _, file in entries]
    first = next((i for i, file in enumerate(files) if file in cells), None)
    ours = any(file.startswith(OURS) for file in files)
    if not ours and not first and call not in files:
        return traceback
    if first is None:
        return None  # it came from us, before or after the cell
    kept: TracebackType | None = None
    for each, file in reversed(entries[first:]):
        if not file.startswith(OURS) and file != call:
            kept = TracebackType(kept, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return kept
