"""Text tables."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["age", "duration", "elapsed", "html_table", "size", "text_table", "volume"]


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return left-aligned columns under *header*; the last one may be as wide as it likes."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header) - 1)]
    return "\n".join(
        "  ".join(
            [cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=True)]
        ).rstrip()
        for line in lines
    )


def age(seconds: float) -> str:
    """Return a duration as people say it: ``4 s``, ``3 min``, ``2 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def elapsed(seconds: float) -> str:
    """Return a duration that somebody watches: ``4 s``, ``1:59 min``, ``2:05:00 h``."""
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02} min"
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02} h"


def html_table(header: Sequence[str], rows: Sequence[Sequence[str]], footer: str) -> str:
    """Return the same as HTML, with *footer* below it."""
    body = "".join(_row("td", row) for row in rows)
    lines = "<br>".join(map(escape, footer.splitlines()))
    return (
        f"<table><thead>{_row('th', header)}</thead><tbody>{body}</tbody></table>"
        f"<small>{lines}</small>"
    )


def _row(tag: str, cells: Sequence[str]) -> str:
    # Jupyter aligns all to the right and breaks numbers from their units to give the last one room.
    style = "text-align: left; white-space: nowrap"
    *short, last = map(escape, cells)
    texts = "".join(f'<{tag} style="{style}">{cell}</{tag}>' for cell in short)
    return f'<tr>{texts}<{tag} style="text-align: left">{last}</{tag}></tr>'


def duration(seconds: float | None) -> str:
    """Return a short time as people read it: ``0.4 ms``, ``35 ms``, ``1.20 s``; – for none."""
    if seconds is None:
        return "–"
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def size(count: int | None) -> str:
    """Return a number of bytes as people read it: ``512 B``, ``1.5 KiB``; – for none."""
    if count is None:
        return "–"
    if count < 1024:
        return f"{count} B"
    number = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        number /= 1024
        if number < 999.95:
            return f"{number:.1f} {unit}"
    return f"{number / 1024:.1f} TiB"


def volume(copied: int, shared: int) -> str:
    """Return an amount of bytes as people say it: ``512 B``, ``1.5 MiB + 2.0 GiB shared``."""
    words = [size(copied)] if copied else []
    words += [f"{size(shared)} shared"] if shared else []
    return " + ".join(words)
