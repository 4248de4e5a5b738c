"""Text tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["age", "text_table", "volume"]


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


def volume(copied: int, shared: int) -> str:
    """Return an amount of bytes as people say it: ``512 B``, ``1.5 MiB + 2.0 GiB shared``."""
    words = [_size(copied)] if copied else []
    words += [f"{_size(shared)} shared"] if shared else []
    return " + ".join(words)


def _size(count: int) -> str:
    if count < 1024:
        return f"{count} B"
    size = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        size /= 1024
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1024:.1f} TiB"
