"""``-b auto``: the cheapest backend that can run a cell.

It is a choice and not a backend: the registry of spawn methods does not know of it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from subint_magic.errors import SpawnError
from subint_magic.runtime.imports import find_obstacle
from subint_magic.spawn import spawn_method

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from subint_magic.runtime.imports import Import

__all__ = ["AUTO", "SUMMARY", "cheapest_process", "choose"]

AUTO = "auto"
"""The word that stands for the choice."""

SUMMARY = "the cheapest of these that can import what the cell imports"

_chosen: set[str] = set()  # in this process so far
_PROCESSES = ("mp_forkserver", "trio", "mp_spawn")


@cache
def _available() -> tuple[str, ...]:
    """Return the candidates that can run here, cheapest first."""
    return tuple(key for key in ("subint", *_PROCESSES) if _can_run(key))


def _can_run(key: str) -> bool:
    try:
        spawn_method(key)
    except SpawnError:
        return False
    return True


def cheapest_process() -> str:
    """Return the key of the cheapest backend in which every module can load."""
    return next(key for key in _available() if key in _PROCESSES)


async def choose(imports: Sequence[Import], say: Callable[[str], object]) -> str:
    """Return the key of the cheapest backend for a cell that imports *imports*.

    Where nobody can tell whether a module loads, that is no place for the cell.

    Args:
        imports: what the cell imports; see `imports_of`.
        say: called with a line that says why it is that one, if it is not the cheapest or is chosen
            for the first time in this process; and with a line if it takes long.
    """
    why = ""
    for key in _available():
        obstacle = await find_obstacle(imports, key, say=say)
        if obstacle is None:
            break
        why = why or f", as {obstacle}"
    if why or key not in _chosen:
        cheapest = ", as all that it imports loads there" if imports else ", the cheapest here"
        say(f"{AUTO}: {key}{why or cheapest}")
    _chosen.add(key)
    return key
