"""The sources of cells, where tracebacks and `inspect` look for them: they are no files."""

from __future__ import annotations

import linecache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    type Source = tuple[str, int, str]
    """What it is called, the number of the cell or 0 if it is none, and the text."""

__all__ = ["learn", "sources_of"]


def learn(filename: str, number: int, text: str, numbers: dict[str, int]) -> None:
    """Let a source be found.

    Args:
        filename: what it is called.
        number: that of the cell; 0 if it is none.
        text: what is in it.
        numbers: the file names of cells, and their numbers.
    """
    if number:
        numbers[filename] = number
    lines = [f"{line}\n" for line in text.splitlines()]
    linecache.cache[filename] = (len(text), None, lines, filename)


def sources_of(filenames: Iterable[str], numbers: Mapping[str, int]) -> list[Source]:
    """Return the sources that another interpreter or process cannot read from a file.

    Args:
        filenames: those that are wanted; the others among them are left out.
        numbers: the file names of cells, and their numbers.
    """
    found: list[Source] = []
    for name in filenames:
        match linecache.cache.get(name):
            case (_, None, lines, _):
                found.append((name, numbers.get(name, 0), "".join(lines)))
    return found
