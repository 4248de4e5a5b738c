"""How many spares there are, when they are started, and who gets one."""

from __future__ import annotations

import logging
import os
import sys
from math import inf
from typing import TYPE_CHECKING

import trio

from subint_magic.errors import SubintMagicError
from subint_magic.runtime.imports import loadable
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.spares.memory import available_memory
from subint_magic.runtime.supervisor import BOOT_TIMEOUT, environment
from subint_magic.spawn import get_start_method, preloaded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from subint_magic.runtime.actor import Actor
    from subint_magic.spawn import SpawnMethod

__all__ = ["REST", "Spares"]

_LOG = logging.getLogger(__name__)

EXTRA = 4
"""Spares, at most, that a burst leads to beside the usual ones."""

BURST = 30.0
"""Seconds within which one start follows another in a burst."""

REST = 0.05
"""Seconds after the end of a run in which nothing begins that is not urgent: whoever has waited for
it does something with what came of it, on the same cores.
"""

PATIENCE = 0.5
"""Seconds that a spare which is wanted waits for rest. Most cells end within it, so it takes no
time from them; while a long one runs, or one follows another, somebody may want to run another.
"""

RESERVE = 2**29
"""Bytes of memory that spares leave free."""

CHECK = 60.0
"""Seconds between two looks at the memory while there are spares."""

_READ_AT_START = (b"PYTHON", b"LD_", b"DYLD_", b"MALLOC_", b"GLIBC_", b"TZ", b"LANG", b"LC_")
"""How the names of variables begin that a process reads when it starts, and mostly never again."""


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
        self._stock: dict[Actor, object] = {}  # oldest first, with what they have seen at start
        self._coming: Actor | None = None
        self._preload: Sequence[str] = ()  # of those that were started last
        self._method: SpawnMethod | None = None
        self._extra = 0
        self._last_take = self._last_check = self._last_move = -inf
        self._wanted = inf  # since when there are too few
        self._held_up = False  # for lack of memory, or since they do not start
        self._stopped = False
        self._changed = trio.Event()
        self._filled = trio.Event()
        self._scope = trio.CancelScope()

    @property
    def ready(self) -> int:
        """How many can be had at once."""
        return len(self._stock)

    @property
    def method(self) -> str:
        """The key of their spawn method; an empty string before there have been any."""
        return self._method.key if self._method else ""

    @property
    def left_out(self) -> list[str]:
        """The modules that cannot be imported ahead in them."""
        return [module for module in preloaded() if module not in self._preload]

    @property
    def share_process(self) -> bool:
        """Whether one of them lives in this process, as far as is known."""
        hellos = [actor.hello for actor in self._all()]
        return any(hello is None or hello.pid == os.getpid() for hello in hellos)

    def take(self, method: SpawnMethod) -> Actor | None:
        """Return a spare of *method*, if one is ready, and see to it that there will be another."""
        if self._stopped or not self._count or method.key != get_start_method():
            return None
        self._choose(method)
        now = trio.current_time()
        actor = None
        for each, seen in list(self._stock.items()):
            if seen != _seen_at_start(preloads=isinstance(seen, list)):
                self._end(each)
            elif each.state is State.IDLE:  # else it is about to be dropped
                actor = each
        if actor is not None:
            del self._stock[actor]
        elif now < self._last_take + BURST:
            self._extra = min(2 * self._extra or 1, EXTRA)
        self._last_take = now
        self._changed.set()
        return actor

    async def fill(self, method: SpawnMethod) -> None:
        """Wait until there are as many of *method* as there are to be, or can be."""
        self._choose(method)
        self._changed.set()
        while self._missing > 0 and not self._stopped:
            await self._filled.wait()

    def _choose(self, method: SpawnMethod) -> None:
        if method is not self._method:
            self.end()
            self._method, self._extra, self._last_take = method, 0, -inf
        self._held_up = False  # it may have been for a reason that is no more

    def look(self) -> None:
        """See soon whether something can be done, as some actor may have come to rest."""
        self._last_move = trio.current_time()
        if self._missing != 0:
            self._changed.set()

    def resize(self, count: int) -> None:
        """Keep *count* from now on."""
        self._count, self._extra, self._held_up = count, 0, False
        self._changed.set()

    async def renew(self, count: int, *, now: bool = True) -> None:
        """End all and wait until they have ended.

        Args:
            count: how many are kept from then on.
            now: whether to start others at once, if there have been any, or at the next `take`.
        """
        old, method = self._all(), self._method
        self.end()
        if now:
            self._method = method
        self.resize(count)
        for actor in old:
            await actor.wait_ended()

    def drop(self, actor: Actor) -> None:
        """Forget *actor*, which has ended."""
        if actor in self._stock:
            del self._stock[actor]
            self._held_up = True  # the next would end like this one
            self._changed.set()

    def end(self, grace: float | None = None) -> None:
        """End all; there are none before the next `take`.

        Args:
            grace: as in `Actor.request_end`.
        """
        self._method = None
        for actor in self._all():
            self._end(actor, grace)

    def stop(self, grace: float | None = None) -> None:
        """End all and `tend`; there will be none any more."""
        self._stopped = True
        self.end(grace)
        self._scope.cancel()
        self._filled.set()

    def _all(self) -> list[Actor]:
        return [*self._stock, *([self._coming] if self._coming else [])]

    def _end(self, actor: Actor, grace: float | None = None) -> None:
        if actor is self._coming:
            self._coming = None
        else:
            del self._stock[actor]
        actor.request_end(grace)
        actor.leave()  # nobody is to wait for it, also if it does not end

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
                try:
                    await self._work()
                except Exception:  # noqa: BLE001 - a defect of ours, and no reason to end actors
                    _LOG.exception("there are no spares before the next start")
                    self._held_up = True
                if self._missing <= 0:
                    self._filled.set()
                    self._filled = trio.Event()

    def _due(self) -> float:
        due = inf
        if self._missing > 0:
            if (rested := self._last_move + REST) > trio.current_time():
                due = rested
            if len(self._stock) < self._count:
                due = min(due, self._wanted + PATIENCE)
        if self._extra:
            due = min(due, self._last_take + BURST)
        if self._stock:
            due = min(due, self._last_check + CHECK)
        return due

    async def _work(self) -> None:
        now = trio.current_time()
        self._wanted = min(self._wanted, now) if self._missing > 0 else inf
        if now >= self._last_take + BURST:
            self._extra = 0
        for actor in list(self._stock)[: max(0, -self._missing)]:
            self._end(actor)
        if now >= self._last_check + CHECK:
            self._last_check = now
            if available_memory() < RESERVE:
                self._held_up = True
                for actor in list(self._stock):
                    self._end(actor)
        # A second one, for a burst, does not go beside anything that runs.
        late = now >= self._wanted + PATIENCE and len(self._stock) < self._count
        rested = now >= self._last_move + REST
        if self._missing > 0 and (late or (rested and not self._busy())):
            if available_memory() < RESERVE:
                self._held_up = True
            else:
                await self._start_one()
            self._changed.set()

    async def _start_one(self) -> None:
        method = self._method
        assert method is not None
        preload = self._preload = await loadable(preloaded(), method.key)
        if method is not self._method or self._missing <= 0:
            return
        seen = _seen_at_start(preloads=bool(preload))
        actor = self._coming = self._start(method, preload)
        try:
            with trio.fail_after(BOOT_TIMEOUT):
                await actor.wait_ready()
                if preload:
                    await actor.run_cell("", sink=lambda _: None)  # which comes after the imports
        except (SubintMagicError, trio.TooSlowError) as error:
            if self._coming is actor:
                why = str(error) or f"what they import ahead takes over {BOOT_TIMEOUT:.0f} s"
                _LOG.warning("there are no spares before the next start: %s", why)
                self._held_up = True
        else:
            if self._coming is actor:
                self._stock[actor], self._coming = seen, None
                self._wanted = inf
        finally:
            if self._coming is actor:  # also if `tend` was cancelled: the nursery waits for it
                self._end(actor)


def _seen_at_start(*, preloads: bool) -> object:
    """Return what is there now and would be seen by an actor that starts, but not by a spare.

    What it imports ahead may look at anything, and is found by directory and path.
    """
    if preloads:
        try:
            cwd = os.getcwd()
        except FileNotFoundError:  # somebody has removed it
            cwd = ""
        return [environment(), cwd, *sys.path]
    return {name: value for name, value in environment().items() if name.startswith(_READ_AT_START)}
