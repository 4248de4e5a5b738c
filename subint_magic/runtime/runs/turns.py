"""Queues for those who want the same thing, each served in the order in which they came."""

from __future__ import annotations

from collections import defaultdict, deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from subint_magic.runtime.actor import Actor

__all__ = ["Turn", "Turns"]


class Turns:
    """A queue for each name; it is there as long as somebody is in it.

    Args:
        on_move: called with the name of a queue that somebody has come into, or has left.
    """

    def __init__(self, on_move: Callable[[str], object]) -> None:
        self._on_move = on_move
        self._queues: defaultdict[str, deque[Turn]] = defaultdict(deque)

    def take(self, name: str) -> Turn:
        """Return a place at the end of the queue for *name*.

        It is taken in this call, so that whoever calls decides on the order: trio begins tasks
        that come together in any.
        """
        turn = Turn(self, name, has_waited=name in self._queues)
        self._queues[name].append(turn)
        self._call(name)
        return turn

    def queue(self, name: str) -> list[Turn]:
        """Return the places in the queue for *name*; the first is that of whose turn it is."""
        return list(self._queues.get(name, ()))

    def waiting(self, name: str) -> int:
        """Return how many wait for *name*, beside the one whose turn it is."""
        return max(0, len(self._queues.get(name, ())) - 1)

    def lose(self, actor: Actor) -> None:
        """Let those who are in the queue for *actor* know that it is ending."""
        for turn in self._queues.get(actor.name, ()):
            turn.lost = turn.lost or actor

    def _leave(self, turn: Turn) -> None:
        self._queues[turn.name].remove(turn)
        self._call(turn.name)

    def _call(self, name: str) -> None:
        if queue := self._queues[name]:
            queue[0].come.set()
        else:
            del self._queues[name]
        self._on_move(name)


class Turn:
    """A place in a queue.

    Attributes:
        name: that of the queue.
        come: set once everyone before it has left.
        lost: the actor that it was for, if that has begun to end since it was taken.
        taken: `trio.current_time` of when it was taken.
        has_waited: whether there was somebody before it.
    """

    def __init__(self, turns: Turns, name: str, *, has_waited: bool) -> None:
        self.name = name
        self.taken: float = trio.current_time()
        self.has_waited = has_waited
        self.come: trio.Event = trio.Event()
        self.lost: Actor | None = None
        self._turns = turns

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Leave the queue at the end of the block, also when cancelled; wait for the turn in it."""
        try:
            yield
        finally:
            self._turns._leave(self)
