"""The spawn method for a cell or a call: the one that was asked for, or the cheapest that can.

``auto`` is a choice and not a spawn method: the registry does not know of it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from subint_magic.errors import SpawnError
from subint_magic.runtime.imports.check import check_imports, find_obstacle
from subint_magic.spawn import get_start_method, spawn_method
from subint_magic.wording import CELL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.imports.cell import Import
    from subint_magic.wording import Words

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


async def choose(
    imports: Sequence[Import],
    backend: str | None,
    actor: Actor | None = None,
    *,
    say: Callable[[str], object],
    check: bool = True,
    words: Words = CELL,
) -> str:
    """Return the key of the spawn method for what imports *imports*, once it is known to work.

    Args:
        imports: what is imported; see `imports_of` and `imports_for`.
        backend: the key that was asked for: `AUTO`, or ``None`` for the selected one.
        actor: the actor that it is for, if that lives already.
        say: called with a line if nobody can tell whether all loads, if it takes long to find out,
            and if `AUTO` is not the cheapest or is that for the first time in this process.
        check: whether to check the imports if it is not `AUTO`.
        words: how to write it.

    Raises:
        ImportRefused: a module cannot load there.
    """
    if actor is None and backend == AUTO:
        return await _cheapest(imports, say)
    method = actor.spawn_method if actor else backend or get_start_method()
    if imports and check:
        instead = cheapest_process()
        doubt = await check_imports(imports, method, actor, say=say, instead=instead, words=words)
        if doubt is not None:
            say(f"{doubt}: {doubt.reason}. The {words.what} runs all the same.")
    return method


async def _cheapest(imports: Sequence[Import], say: Callable[[str], object]) -> str:
    # Where nobody can tell whether a module loads, that is no place for it.
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
