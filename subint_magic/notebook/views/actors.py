"""The actors of a kernel: listed, stopped, ended."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from subint_magic.errors import ActorBusy, RunCancelled
from subint_magic.runtime.lifecycle import State
from subint_magic.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.nursery import ActorNursery

__all__ = ["ACTIONS", "Action", "act", "chosen_actors", "require_actor"]

_ENDED = {
    State.DONE: "closed",
    State.ABANDONED: "abandoned, in a call that has not returned",
}


@dataclass(frozen=True)
class Action:
    """What ``%subints`` can do with an actor.

    Attributes:
        help: says what.
        begin: begins it, with the words for who asks, and returns what to wait for; that says what
            came of it.
        to_busy: whether it may be done to an actor that was named and runs a cell.
    """

    help: str
    begin: Callable[[Actor, str], Callable[[], Awaitable[str]]]
    to_busy: bool = True


def _interrupt(actor: Actor, by: str) -> Callable[[], Awaitable[str]]:
    run = actor.current_run
    actor.interrupt(by)

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


def _cancel(actor: Actor, by: str) -> Callable[[], Awaitable[str]]:
    actor.request_cancel(by=by)
    return partial(_ended, actor)


def _kill(actor: Actor, by: str) -> Callable[[], Awaitable[str]]:
    actor.request_cancel(grace=0, by=by)
    return partial(_ended, actor)


def _close(actor: Actor, _by: str) -> Callable[[], Awaitable[str]]:
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


async def act(nursery: ActorNursery, key: str, names: list[str]) -> str:
    """Do the action *key* to the actors *names*, or to all; return what came of it.

    Raises:
        UsageError: there is no such actor. Nothing was done.
        ActorBusy: one of *names* runs a cell, and the action is not for that. Nothing was done.
    """
    action = ACTIONS[key]
    chosen = chosen_actors(nursery, names)
    for actor in chosen:
        if names and not action.to_busy and actor.current_run is not None:
            raise ActorBusy(actor.name, "closed")
    waits = [action.begin(actor, f"%subints {key}") for actor in chosen]
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
