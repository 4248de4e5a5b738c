"""How many spares there are, when they are started, and who gets one."""

from __future__ import annotations

import os
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

import trio

from subint_magic.errors import ActorError
from subint_magic.runtime.imports import loadable
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.spares.memory import available_memory
from subint_magic.spawn import get_start_method, preloaded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from subint_magic.runtime.actor import Actor
    from subint_magic.spawn import SpawnMethod

__all__ = ["Spares"]

EXTRA = 4
"""Spares, at most, that a burst leads to beside the usual ones."""

BURST = 30.0
"""Seconds within which one start follows another in a burst."""

PATIENCE = 0.5
"""Seconds after a start in which a spare waits for actors that are busy. Most cells end within it,
so it takes no time from them; while a long one runs, somebody may want to run another.
"""

RESERVE = 2**29
"""Bytes of memory that spares leave free."""

_READ_AT_START = ("PYTHON", "LD_", "DYLD_", "MALLOC_", "GLIBC_")
"""How the names of variables begin that a process reads when it starts, and never again."""


class Spares:
    """Booted actors that nobody has used, for whoever starts the next. All in trio.

    They are of the selected spawn method, and there is none before somebody has started an actor.
    They import ahead what `set_preload` was given, as far as that can load in them.

    Args:
        count: how many there are to be, while there is no burst; 0 for none at all.
        start: starts an actor that nobody hears of, with the modules that it imports ahead.
        busy: whether some actor does something, so that a spare would take time from it.
    """

    def __init__(
        self,
        count: int,
        start: Callable[[SpawnMethod, Sequence[str]], Actor],
        busy: Callable[[], bool],
    ) -> None:
        self._count = count
        self._start = start
        self._busy = busy
        self._stock: dict[Actor, dict[str, str]] = {}  # oldest first, with what they read at start
        self._method: SpawnMethod | None = None
        self._extra = 0
        self._last_take = -inf
        self._held_up = False  # for lack of memory, or since they do not start
        self._changed = trio.Event()
        self._filled = trio.Event()
        self._scope = trio.CancelScope()

    async def renew(self, count: int) -> None:
        """End all, and from the next `take` on keep *count*; wait until they have ended."""
        old = list(self._stock)
        self.end()
        self._count = count
        for actor in old:
            await actor.wait_ended()

    @property
    def ready(self) -> int:
        """How many can be had at once."""
        return sum(actor.state is State.IDLE for actor in self._stock)

    @property
    def method(self) -> str:
        """The key of their spawn method; an empty string before there have been any."""
        return self._method.key if self._method else ""

    def take(self, method: SpawnMethod) -> Actor | None:
        """Return a spare of *method*, if there is one, and see to it that there will be another.

        It may still be booting.
        """
        if not self._count or method.key != get_start_method():
            return None
        self._choose(method)
        now, settings = trio.current_time(), _read_at_start()
        for old in [old for old, theirs in self._stock.items() if theirs != settings]:
            self._end(old)
        actor = max(self._stock, key=lambda actor: actor.state is State.IDLE, default=None)
        if (actor is None or actor.state is not State.IDLE) and now < self._last_take + BURST:
            self._extra = min(2 * self._extra or 1, EXTRA)
        if actor is not None:
            del self._stock[actor]
        self._last_take = now
        self._changed.set()
        return actor

    async def fill(self, method: SpawnMethod) -> None:
        """Wait until there are as many of *method* as there are to be, or can be."""
        self._choose(method)
        self._changed.set()
        while self._missing > 0 or self.ready < len(self._stock):
            await self._filled.wait()

    def _choose(self, method: SpawnMethod) -> None:
        if method is not self._method:
            self.end()
            self._method, self._extra, self._last_take = method, 0, -inf
        self._held_up = False  # it may have been for a reason that is no more

    def look(self) -> None:
        """See soon whether something can be done, as some actor may have come to rest."""
        if self._missing != 0:
            self._changed.set()

    def drop(self, actor: Actor) -> bool:
        """Forget *actor*, which has ended; return whether it was a spare."""
        if actor not in self._stock:
            return False
        del self._stock[actor]
        self._held_up = True  # the next would end like this one
        self._changed.set()
        return True

    def end(self, grace: float | None = None) -> None:
        """End all; there are none before the next `take`.

        Args:
            grace: as in `Actor.request_end`.
        """
        self._method = None
        for actor in list(self._stock):
            self._end(actor, grace)

    def stop(self) -> None:
        """End all, and `tend`."""
        self._scope.cancel()
        self.end()

    def _end(self, actor: Actor, grace: float | None = None) -> None:
        del self._stock[actor]
        actor.request_end(grace)

    @property
    def _missing(self) -> int:
        if self._method is None or self._held_up:
            return 0
        return (self._count and self._count + self._extra) - len(self._stock)

    async def tend(self) -> None:
        """Start and end spares, until `stop`."""
        with self._scope:
            while True:
                with trio.move_on_at(self._due()):
                    await self._changed.wait()
                self._changed = trio.Event()
                await self._work()

    def _due(self) -> float:
        if self._missing > 0:
            return self._last_take + PATIENCE
        return self._last_take + BURST if self._extra else inf

    async def _work(self) -> None:
        now = trio.current_time()
        if now >= self._last_take + BURST:
            self._extra = 0
        for actor in list(self._stock)[: max(0, -self._missing)]:
            self._end(actor)
        if self._missing > 0 and (now >= self._last_take + PATIENCE or not self._busy()):
            if available_memory() < RESERVE:
                self._held_up = True
            else:
                await self._start_one()
            self._changed.set()
        if self._missing <= 0:
            self._filled.set()
            self._filled = trio.Event()

    async def _start_one(self) -> None:
        method = self._method
        assert method is not None
        preload = await loadable(preloaded(), method.key)
        if method is self._method and self._missing > 0:
            actor = self._start(method, preload)
            self._stock[actor] = _read_at_start()
            with suppress(ActorError):  # it may be claimed and ended meanwhile
                await actor.wait_ready()


def _read_at_start() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(_READ_AT_START)}
