"""`open_nursery`: actors that end with the block that started them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from itertools import count
from typing import TYPE_CHECKING

import trio

from subint_magic.errors import ActorConflict, RunCancelled
from subint_magic.runtime.actor import Actor
from subint_magic.runtime.descendants import reported
from subint_magic.runtime.events import ActorLeft, ActorMoved, QueueMoved
from subint_magic.runtime.functions.options import require_actors
from subint_magic.runtime.functions.spread import spread
from subint_magic.runtime.ladder import GRACE
from subint_magic.runtime.lifecycle import ENDED, State
from subint_magic.runtime.runs.turns import Turns
from subint_magic.runtime.spares import REST, Spares
from subint_magic.spawn import spawn_method as find_spawn_method
from subint_magic.wire.messages import Rung

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
    from contextlib import AbstractAsyncContextManager

    from subint_magic.runtime.events import Listener, Published
    from subint_magic.runtime.runs.run import Sink
    from subint_magic.spawn import SpawnMethod
    from subint_magic.wire.messages import Loop

__all__ = ["ActorNursery", "ends_after", "open_nursery"]

_LOG = logging.getLogger(__name__)

_ENDING = (State.CLOSING, State.CANCELLING)
_BUSY = (State.SPAWNING, State.BOOTING, State.RUNNING)


class ActorNursery:
    """Starts actors and keeps them until its block ends. Made by `open_nursery`.

    Attributes:
        spares: booted actors that nobody has used; they count in no list.
        turns: by the name of an actor, for those who run a cell in it or start it first.
        listeners: those who are told what happens to the actors.
    """

    def __init__(
        self,
        tasks: trio.Nursery,
        grace: float,
        listeners: list[Listener],
        spares: int,
    ) -> None:
        self.listeners: list[Listener] = listeners
        self.turns: Turns = Turns(lambda name: self._publish(QueueMoved(name)))
        self.spares: Spares = Spares(spares, self._start_spare, self._is_busy)
        self._tasks = tasks
        self._grace = grace
        # the live ones, the abandoned, and the dead that nobody was told of
        self._actors: list[Actor] = []
        self._numbers = count(1)

    @property
    def actors(self) -> dict[str, Actor]:
        """The live actors by name, oldest first."""
        return {actor.name: actor for actor in self._actors if actor.state not in ENDED}

    @property
    def abandoned(self) -> list[Actor]:
        """Those that could not be ended, until their call returns. Their names are free."""
        return [actor for actor in self._actors if actor.state is State.ABANDONED]

    async def start_actor(
        self,
        name: str | None = None,
        *,
        spawn_method: str | SpawnMethod | None = None,
        from_spare: bool = True,
    ) -> Actor:
        """Start an actor and wait until it is ready for cells.

        Cancelling this call ends the actor.

        Args:
            name: its name; without one it gets a name that is free.
            spawn_method: a spawn method or the key of one; without it, the selected one.
            from_spare: whether it may be one that was booted before.

        Raises:
            UnknownSpawnMethod: there is no such spawn method.
            SpawnMethodUnavailable: it cannot run here.
            ActorConflict: a live actor has this name.
            ActorDied: its child ended before it was ready.
            ProtocolError: its child said something that it may not.
        """
        method = find_spawn_method(spawn_method)
        live = self.actors
        name = name or next(n for n in map("actor-{}".format, self._numbers) if n not in live)
        if name in live:
            raise ActorConflict(name, "is there already: close it first or choose another name.")
        actor = self.spares.take(method) if from_spare else None
        if actor is None:
            actor = Actor(name, method, self._grace, self.turns.lose, self._publish)
            self._tasks.start_soon(self._keep, actor)
            self._actors.append(actor)
        else:
            self._actors.append(actor)
            actor.claim(name, self.turns.lose, self._publish)
        try:
            await actor.wait_ready()
        except trio.Cancelled:
            actor.on_leave = None  # nobody has used it: those in its queue lose nothing
            actor.request_cancel(grace=0)
            raise
        return actor

    async def warm_up(self) -> None:
        """Wait until there are spares, as many as there are to be, so that starts need no time.

        Without this, the first start is what they come after.

        Raises:
            SpawnMethodUnavailable: the selected spawn method cannot run here.
        """
        await self.spares.fill(find_spawn_method())

    async def find(self, name: str, spawn_method: str | None = None) -> Actor | None:
        """Return the live actor *name*, if there is one; wait for one that is ending.

        Args:
            name: its name.
            spawn_method: the key of what it has to run on; without it, anything.

        Raises:
            ActorConflict: it runs on something else.
        """
        while (actor := self.actors.get(name)) and actor.state in _ENDING:
            await actor.wait_ended()
        if actor is not None and spawn_method not in (None, actor.spawn_method):
            raise ActorConflict(
                name,
                f"runs on {actor.spawn_method!r}, not {spawn_method!r}:"
                f" close it first (%subints close {name}) or choose another name.",
            )
        return actor

    async def find_or_start(
        self,
        name: str,
        spawn_method: str | None = None,
        *,
        choose: Callable[[Actor | None], Awaitable[str | None]] | None = None,
    ) -> Actor:
        """Return the live actor *name*, or start it; for those who come at once, one starts it.

        Args:
            name: its name.
            spawn_method: the key of what it has to run on; without it, anything.
            choose: called with the live actor, if there is one, before anything is started; returns
                the key of the spawn method for a new one.

        Raises:
            ActorConflict: it runs on something else.
            Exception: what *choose* and `start_actor` raise.
        """
        turn = self.turns.take(name)
        with turn.kept():
            await turn.come.wait()
            actor = await self.find(name, spawn_method)
            if choose is not None:
                spawn_method = await choose(actor)
            return actor or await self.start_actor(name, spawn_method=spawn_method)

    async def close(self, grace: float | None = None) -> None:
        """End all actors, in good order those that run no cell; wait for it.

        Args:
            grace: seconds until a child is killed or abandoned, if not those of the nursery.
        """
        async with trio.open_nursery() as waiting:
            self.spares.end(grace)
            for actor in self.actors.values():
                actor.request_end(grace)
                waiting.start_soon(actor.wait_ended)

    async def finish_closing(self) -> None:
        """Let the actors that are closing do so at once, and wait for it."""
        closing = [actor for actor in self._actors if actor.state is State.CLOSING]
        for actor in closing:
            actor.request_end()
        for actor in closing:
            await actor.wait_ended()

    async def map[S, T](
        self,
        function: Callable[[S], Awaitable[T] | T],
        items: Iterable[S],
        *,
        actors: Sequence[Actor] | int | None = None,
        spawn_method: str | SpawnMethod | None = None,
        loop: Loop = "trio",
        sink: Sink | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - that of each call
        grace: float | None = None,
    ) -> list[T]:
        """Call *function* on each item, in several actors at once; return the results in order.

        If one call fails, the others are stopped and its error is raised.

        Args:
            function: is called with one item; see `Actor.call`.
            items: what it is called with; the next is taken when an actor is free for it.
            actors: those that do it, or how many are to be started for it, at least one; without
                it one for each core that the method has, but no more than there are items.
            spawn_method: how they are started; without it, the selected way.
            loop: as in `Actor.call`.
            sink: as in `Actor.call`.
            timeout: seconds after which a call is stopped.
            grace: as in `Actor.call`.

        Raises:
            Exception: what `Actor.call` raises, and `start_actor`.
            ValueError: there are to be no actors.
        """
        __tracebackhide__ = True
        require_actors(actors)
        places: list[AbstractAsyncContextManager[Actor]]
        if isinstance(actors, Sequence):
            places = [nullcontext(actor) for actor in actors]
        else:
            if actors is None:  # in a thread: it may ask another machine
                actors = await trio.to_thread.run_sync(find_spawn_method(spawn_method).cores)
            places = [self._own_actor(spawn_method) for _ in range(actors)]

        async def call(actor: Actor, item: S) -> T:
            return await actor.call(
                function, item, loop=loop, sink=sink, timeout=timeout, grace=grace
            )

        return await spread(call, items, places)

    @asynccontextmanager
    async def _own_actor(self, spawn_method: str | SpawnMethod | None) -> AsyncGenerator[Actor]:
        actor = await self.start_actor(spawn_method=spawn_method)
        with ends_after(actor):
            yield actor

    def pop_death(self, name: str) -> str | None:
        """Say why the last actor *name* died, if nobody was told; nobody is told twice."""
        deaths = [
            (a, death) for a in self._actors if a.name == name and (death := a.unreported_death)
        ]
        for actor, _ in deaths:
            self._actors.remove(actor)
        return f"{deaths[-1][1]}\nA new one takes its name." if deaths else None

    @contextmanager
    def heard_by(self, listener: Listener) -> Iterator[None]:
        """Let *listener* hear what is published during the block."""
        self.listeners.append(listener)
        try:
            yield
        finally:
            with suppress(ValueError):  # it has raised, and was removed
                self.listeners.remove(listener)

    def _publish(self, event: Published) -> None:
        if isinstance(event, ActorMoved):
            self.spares.look()
        for listener in self.listeners.copy():  # one may leave meanwhile
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - a defect of theirs, and no reason to end actors
                _LOG.exception("a listener failed, and hears no more")
                self.listeners.remove(listener)

    async def _keep(self, actor: Actor) -> None:
        try:
            await actor.supervise()
        finally:
            self.spares.drop(actor)
            if actor in self._actors:  # else nobody has heard of it
                if not actor.unreported_death:
                    self._actors.remove(actor)
                self._publish(ActorLeft(actor))

    def _start_spare(self, method: SpawnMethod, preload: Sequence[str]) -> Actor:
        actor = Actor("spare", method, self._grace, preload=preload)
        self._tasks.start_soon(self._keep, actor)
        return actor

    def _is_busy(self) -> bool:
        # What has run nothing yet was started to do so now.
        return any(
            actor.state in _BUSY or (actor.state is State.IDLE and actor.last_run is None)
            for actor in self._actors
        )

    def _raise_unreported(self) -> None:
        deaths = [death for actor in self._actors if (death := actor.unreported_death)]
        if len(deaths) == 1:
            raise deaths[0]
        if deaths:
            raise ExceptionGroup("several actors died", deaths)

    def _request_cancel(self) -> None:
        self.spares.stop()
        for actor in self._actors:
            actor.request_cancel()
            actor.leave()


@contextmanager
def ends_after(actor: Actor, linger: float = REST) -> Iterator[None]:
    """Begin to end *actor* after the block, which it is there for; nobody waits for that.

    Args:
        actor: the actor.
        linger: seconds that it is left alone after the block.
    """
    try:
        yield
    except RunCancelled as error:
        if error.rung != Rung.END:
            error.note = "its actor ends with it"
        raise
    finally:
        actor.request_end(linger=linger)


@asynccontextmanager
async def open_nursery(
    *, grace: float = GRACE, strict: bool = True, spares: int = 0
) -> AsyncGenerator[ActorNursery]:
    """Open a block for actors; when it ends, they have ended.

    At the end of the block idle actors are closed, and those that run cells are cancelled. If the
    block raises or is cancelled, all are cancelled. Either takes little longer than *grace*.

    Args:
        grace: seconds that a child gets to end before it is killed or abandoned.
        strict: whether the block raises the death of an actor that nobody was told of.
        spares: how many booted actors of the selected spawn method are kept ready, so that the next
            start takes no time. The first is started after the first actor was. A sub-interpreter
            among them makes `os.fork` crash the child, as each does.

    Raises:
        ActorDied: an actor died, and no call to it has raised that; with *strict* only. Several
            deaths come in an ExceptionGroup.
    """
    error: Exception | None = None
    with reported() as listeners:
        async with trio.open_nursery() as tasks:
            nursery = ActorNursery(tasks, grace, listeners, spares)
            tasks.start_soon(nursery.spares.tend)
            try:
                yield nursery
            except Exception as raised:  # noqa: BLE001 - raised below: trio would wrap it in a group
                error = raised
            else:
                await nursery.close()
            finally:
                nursery._request_cancel()
    if error is not None:
        raise error
    if strict:
        nursery._raise_unreported()
