"""The actors of a kernel: listed, stopped, ended."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import trio
from IPython.core.error import UsageError

from subint_magic.errors import ActorBusy, RunCancelled
from subint_magic.notebook.views.tables import age, text_table, volume
from subint_magic.runtime.lifecycle import State
from subint_magic.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.nursery import ActorNursery

__all__ = ["ACTIONS", "Action", "act", "actors_table", "chosen_actors"]

_SOURCE_WIDTH = 40

_ENDED = {
    State.DONE: "closed",
    State.ABANDONED: "abandoned, in a call that has not returned",
}


@dataclass(frozen=True)
class Action:
    """What ``%subints`` can do with an actor.

    Attributes:
        help: says what.
        begin: begins it, and returns what to wait for; it says what came of it.
        to_busy: whether it may be done to an actor that was named and runs a cell.
    """

    help: str
    begin: Callable[[Actor], Callable[[], Awaitable[str]]]
    to_busy: bool = True


def _interrupt(actor: Actor) -> Callable[[], Awaitable[str]]:
    run = actor.current_run
    actor.interrupt("%subints interrupt")

    async def stopped() -> str:
        if run is None:
            return "runs no cell"
        await run.ended.wait()
        try:
            run.outcome()
        except RunCancelled as error:
            return f"stopped {error.how}"
        except Exception:  # noqa: BLE001 - it is told to whoever waits for the cell
            pass
        return "ended by itself"

    return stopped


def _cancel(actor: Actor) -> Callable[[], Awaitable[str]]:
    actor.request_cancel(by="%subints cancel")
    return partial(_ended, actor)


def _kill(actor: Actor) -> Callable[[], Awaitable[str]]:
    actor.request_cancel(grace=0, by="%subints kill")
    return partial(_ended, actor)


def _close(actor: Actor) -> Callable[[], Awaitable[str]]:
    actor.request_end()
    return partial(_ended, actor)


async def _ended(actor: Actor) -> str:
    state = await actor.wait_ended()
    return _ENDED.get(state, state)


ACTIONS = {
    "interrupt": Action("stop the cell that it runs, and keep the actor", _interrupt),
    "cancel": Action("end it, whatever it does, by all rungs of the stop ladder", _cancel),
    "kill": Action("end it at once; a sub-interpreter is abandoned if it does not end", _kill),
    "close": Action("end it if it runs no cell", _close, to_busy=False),
}


def chosen_actors(nursery: ActorNursery, names: list[str]) -> list[Actor]:
    """Return the actors *names*, or all, each once.

    Raises:
        UsageError: there is no such actor.
    """
    actors = nursery.actors
    for name in names:
        if name not in actors:
            there = f"These are there: {', '.join(actors)}." if actors else "There is none."
            raise UsageError(f"no actor {name!r}.{did_you_mean(name, actors)} {there}")
    return [actors[name] for name in dict.fromkeys(names or actors)]


async def act(nursery: ActorNursery, action: Action, names: list[str]) -> str:
    """Do *action* to the actors *names*, or to all; return what came of it.

    Raises:
        UsageError: there is no such actor. Nothing was done.
        ActorBusy: one of *names* runs a cell, and the action is not for that. Nothing was done.
    """
    chosen = chosen_actors(nursery, names)
    for actor in chosen:
        if names and not action.to_busy and actor.current_run is not None:
            raise ActorBusy(actor.name, "closed")
    waits = [action.begin(actor) for actor in chosen]
    outcomes: dict[str, list[str]] = {}
    for actor, wait in zip(chosen, waits, strict=True):
        outcomes.setdefault(await wait(), []).append(actor.name)
    lines = [f"{outcome}: {', '.join(them)}" for outcome, them in outcomes.items()]
    return "\n".join(lines) or "There is no actor."


async def require_actor(nursery: ActorNursery, name: str) -> None:
    """Do nothing if the actor *name* is there.

    Raises:
        UsageError: it is not.
    """
    chosen_actors(nursery, [name])


async def actors_table(nursery: ActorNursery) -> str:
    """Return the table of the actors that are there, the abandoned ones last."""
    actors = [*nursery.actors.values(), *nursery.abandoned]
    if not actors:
        return "There is no actor. Start one with %%subint -n NAME."
    header = ["name", "backend", "where", "state", "age", "in", "out", "waiting", "current cell"]
    return text_table(header, [_row(actor, nursery.turns.waiting(actor.name)) for actor in actors])


def _row(actor: Actor, waiting: int) -> list[str]:
    where = ""
    if actor.hello is not None:
        in_kernel = actor.hello.interpreter != 0
        where = f"interpreter {actor.hello.interpreter}" if in_kernel else f"pid {actor.hello.pid}"
    if actor.state is State.ABANDONED:
        source = "in a call that has not returned"
    elif actor.current_run:
        source = actor.current_run.source.strip().partition("\n")[0]
    else:
        source = ""
    if len(source) > _SOURCE_WIDTH:
        source = f"{source[: _SOURCE_WIDTH - 1]}…"
    since = age(trio.current_time() - actor.started)
    traffic = actor.traffic
    moved = [
        volume(traffic.copied_in, traffic.shared_in),
        volume(traffic.copied_out, traffic.shared_out),
    ]
    queue = str(waiting or "")
    return [actor.name, actor.spawn_method, where, actor.state, since, *moved, queue, source]
