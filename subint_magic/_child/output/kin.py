"""What is told to the parent of the actors that this one has started itself.

Only the last that happened to each is sent, and that not too often: a thousand actors that start at
once, or one that is called a thousand times a second, are no flood.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    type Path = tuple[int, ...]

PAUSE = 0.05
"""Seconds between two messages."""

MOST = 1000
"""Live actors that the parent is told of, at once; the others only if these become fewer."""


class Kin:
    """Filled by any thread, emptied by the control thread.

    There is no lock that an interrupt could leave locked: what both sides do is one step each.

    Args:
        wake: called when there is something to be sent.
        clock: tells the time in seconds.
    """

    def __init__(
        self, wake: Callable[[], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.open = True
        """Whether anything is taken in. What comes at that moment is sent with the last or not."""
        self.news: dict[Path, tuple[Any, bool]] = {}
        """By the path to an actor, what is to be told of it, and whether it lives."""
        self._pid = os.getpid()
        self._wake = wake
        self._clock = clock
        self._due = 0.0
        self._known: set[Path] = set()

    def tell(self, path: Path, fact: Any, *, lives: bool) -> None:
        """Tell the parent of an actor, soon.

        Args:
            path: numbers of actors, from the one that was started here down to this one.
            fact: what is to be told, as plain data.
            lives: whether it has not ended.
        """
        if self.open and os.getpid() == self._pid:  # a fork is not who the parent thinks it is
            self.news[path] = fact, lives
            self._wake()

    def take(self, *, now: bool = False) -> list[Any]:
        """Return what is to be sent, if anything is.

        Args:
            now: whether to send it even if it is too soon, or this is no more open.
        """
        if not now and (not self.open or self._clock() < self._due):
            return []
        facts = []
        for path in list(self.news):
            fact, lives = self.news.pop(path)
            if path in self._known or (lives and len(self._known) < MOST):
                facts.append(fact)
                (self._known.add if lives else self._known.discard)(path)
        if facts:
            self._due = self._clock() + PAUSE
        return facts


ours: Kin | None = None
"""That of this interpreter, if it is an actor's; set once by `bootstrap`."""
