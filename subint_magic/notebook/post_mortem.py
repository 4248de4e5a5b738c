"""``%debug`` after the error of an actor: the frames are there, not here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from subint_magic.errors import ActorError, RunError
from subint_magic.runtime.lifecycle import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from subint_magic.runtime.host import Host
    from subint_magic.runtime.nursery import ActorNursery

__all__ = ["PostMortem"]

_THERE = (State.IDLE, State.RUNNING)


class PostMortem:
    """Stands before ``shell.debugger``, which ``%debug`` and ``%pdb`` call.

    Args:
        shell: the shell.
        host: returns the host of the actors, or ``None`` if none runs.
    """

    def __init__(self, shell: Any, host: Callable[[], Host | None]) -> None:
        self._shell = shell
        self._host = host
        self._debugger: Callable[..., None] = shell.debugger
        shell.debugger = self

    def remove(self) -> None:
        """Take it out again."""
        del self._shell.debugger  # and the method of its class is seen again

    def __call__(self, force: bool = False) -> None:
        """Say where the frames are, if the last error came from an actor; else debug it."""
        error = getattr(sys, "last_value", None)
        if not isinstance(error, RunError | ActorError):
            self._debugger(force)
        elif force or self._shell.call_pdb:
            print(self._words(error.actor), file=sys.stderr)

    def _words(self, actor: str) -> str:
        host = self._host()
        if host is not None and host.start(_is_there, actor).result():
            return (
                f"The frames of this error are in actor {actor!r}:"
                f" run a cell '%%subint -n {actor}' with %debug in it to look at them there."
            )
        return (
            f"The frames of this error ended with actor {actor!r}: to look at frames after an"
            " error, run the cell in a named actor (%%subint -n NAME)."
        )


async def _is_there(nursery: ActorNursery, name: str) -> bool:
    actor = nursery.actors.get(name)
    return actor is not None and actor.state in _THERE
