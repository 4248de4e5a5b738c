"""What a click on a button of an actor does."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from subint_magic.notebook.views.actors import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from subint_magic.notebook.live.board import Board
    from subint_magic.runtime.actor import Actor

__all__ = ["carry_out"]

_LOG = logging.getLogger(__name__)


async def carry_out(board: Board, actor: Actor, name: str, answer: Callable[[], object]) -> None:
    """Do the action *name* to *actor*; a note in its row says what came of it.

    Args:
        board: what there is to see of the actors.
        actor: the actor.
        name: a key of `ACTIONS`.
        answer: called when it has begun.
    """
    action = ACTIONS[name]
    if not action.to_busy and actor.current_run is not None:  # it began after the click
        board.note(actor, f"not {name}d: it runs a cell")
        return
    try:
        wait = action.begin(actor, f"its {name.capitalize()} button")
        answer()
        board.note(actor, f"{name}: asked")
        done = await wait()
    except Exception as error:  # noqa: BLE001 - shown to whoever has clicked, and logged
        _LOG.exception("a click on %s of %r", name, actor)
        done = f"{type(error).__name__}: {error}"
    board.note(actor, f"{name}: {done}")
