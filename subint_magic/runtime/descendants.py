"""Actors that an actor has started: what is known of them here, and what a parent is told."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

import trio

from subint_magic._child.output import kin
from subint_magic.runtime.events import ActorMoved, DescendantMoved
from subint_magic.runtime.lifecycle import ENDED, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.events import Listener, Published
    from subint_magic.wire import messages

__all__ = ["Descendant", "Family", "reported"]

_LONGEST = 200  # characters of a text that a parent is told

_RUNNING = (State.RUNNING, State.CANCELLING)


@dataclass(frozen=True)
class Descendant:
    """An actor that was started by an actor, or by one that was started by that, and so on.

    Attributes:
        path: numbers of actors, from the one that the actor has started down to this one. They
            count up in the order of the starts; no path of an actor is used twice.
        name: its name; others may have the same, as every nursery has names of its own.
        spawn_method: the key of the method that started it.
        state: where it is in its life.
        pid: its process; ``None`` before it is ready.
        interpreter: its interpreter's id in that process, 0 for the main one; ``None`` likewise.
        source: the first line of what it runs, or its beginning; empty if it runs nothing.
        started: `trio.current_time` of when it was heard of first.
        since: `trio.current_time` of when it was heard that it does what it does.
    """

    path: tuple[int, ...]
    name: str
    spawn_method: str
    state: State
    pid: int | None
    interpreter: int | None
    source: str
    started: float
    since: float


class Family:
    """The live descendants of one actor."""

    def __init__(self) -> None:
        self._live: dict[tuple[int, ...], Descendant] = {}

    @property
    def live(self) -> tuple[Descendant, ...]:
        """Those that have not ended, oldest first, each before those that it has started."""
        return tuple(each for _, each in sorted(self._live.items()))

    def take(self, moved: Iterable[messages.Descendant]) -> tuple[Descendant, ...]:
        """Take over what their parent says of them; return the same."""
        return tuple(map(self._take, moved))

    def clear(self) -> tuple[Descendant, ...]:
        """Forget all, as their parent has ended, and they with it; return their ends."""
        ends = tuple(replace(each, state=State.CANCELLED, source="") for each in self.live)
        self._live.clear()
        return ends

    def _take(self, said: messages.Descendant) -> Descendant:
        now = trio.current_time()
        state = State(said.state)
        before = self._live.pop(said.path, None)
        same = before is not None and (before.state, before.source) == (state, said.source)
        descendant = Descendant(
            path=said.path,
            name=said.name,
            spawn_method=said.spawn_method,
            state=state,
            pid=said.pid,
            interpreter=said.interpreter,
            source=said.source,
            started=before.started if before else now,
            since=before.since if before and same else now,
        )
        if state not in ENDED:
            self._live[said.path] = descendant
        return descendant


_numbers = count(1)  # of all that this interpreter starts, whatever the nursery


@contextmanager
def reported() -> Iterator[list[Listener]]:
    """Give the first listeners of a nursery: in an actor, the one that tells its parent."""
    if kin.ours is None:
        yield []
        return
    reporter = _Reporter(kin.ours)
    try:
        yield [reporter]
    finally:
        reporter.close()


class _Reporter:
    """Tells the parent of the actors of one nursery, and of their descendants."""

    def __init__(self, to: kin.Kin) -> None:
        self._to = to
        self._paths: dict[Actor, tuple[int, ...]] = {}

    def __call__(self, event: Published) -> None:
        match event:
            case ActorMoved(actor):
                if actor not in self._paths:
                    self._paths[actor] = (next(_numbers),)
                self._tell(_seen(actor, self._paths[actor]))
                if actor.state in ENDED:
                    del self._paths[actor]
            case DescendantMoved(actor, moved) if path := self._paths.get(actor):
                for each in moved:
                    self._tell(replace(each, path=(*path, *each.path)))

    def close(self) -> None:
        """Tell the end of those whose end was not heard of, as their trio has crashed."""
        for actor, path in self._paths.items():
            self._tell(replace(_seen(actor, path), state=State.CANCELLED))

    def _tell(self, who: Descendant) -> None:
        fact = [
            who.path,
            _sent(who.name),
            who.spawn_method,
            who.state.value,
            who.pid,
            who.interpreter,
            _sent(who.source),
        ]
        self._to.tell(who.path, fact, lives=who.state not in ENDED)


def _seen(actor: Actor, path: tuple[int, ...]) -> Descendant:
    hello, run, source = actor.hello, actor.current_run, ""
    if run is not None and actor.state in _RUNNING:
        source = f"{run.call}(…)" if run.call else run.source.strip().partition("\n")[0]
    return Descendant(
        path=path,
        name=actor.name,
        spawn_method=actor.spawn_method,
        state=actor.state,
        pid=hello.pid if hello else None,
        interpreter=hello.interpreter if hello else None,
        source=source,
        started=actor.started,
        since=run.started if run and source else actor.started,
    )


def _sent(text: str) -> str:
    # Lone surrogates have no UTF-8: show them as Python's repr does.
    return text[:_LONGEST].encode("utf-8", "backslashreplace").decode()
