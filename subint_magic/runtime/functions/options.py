"""How the calls of a function are made, and what is wrong with it before there is any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from subint_magic.errors import UnknownSpawnMethod
from subint_magic.runtime.imports import AUTO, choose
from subint_magic.spawn import SpawnMethodKey, spawn_method_keys
from subint_magic.wire.messages import Output
from subint_magic.wording import Words

if TYPE_CHECKING:
    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.imports import Import
    from subint_magic.runtime.runs.run import Sink

__all__ = [
    "DECORATOR",
    "MAP",
    "Options",
    "require_actors",
    "require_function",
    "require_key",
]

_METHOD = "spawn_method='{}'"
DECORATOR = Words("function", "@subint({})", _METHOD, "check=False")
MAP = Words("function", "map(…, {})", _METHOD, "check=False")


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the calls of a function are made; see `subint`."""

    name: str | None = None
    spawn_method: str | None = None
    timeout: float | None = None
    grace: float | None = None
    check: bool = True
    words: Words = DECORATOR

    async def choose(
        self, imports: Sequence[Import], method: str | None, sink: Sink, actor: Actor | None = None
    ) -> str:
        """Return the key of the spawn method for a call, once it is known to work.

        Args:
            imports: what the call imports; see `imports_for`.
            method: the key that was asked for, `AUTO`, or ``None`` for the selected one.
            sink: takes what there is to say.
            actor: the actor that it is for, if that lives already.

        Raises:
            ImportRefused: a module cannot load there.
        """

        def say(line: str) -> None:
            sink(Output(0, "stderr", f"{line}\n"))

        return await choose(imports, method, actor, say=say, check=self.check, words=self.words)


def require_key(spawn_method: str | None) -> None:
    """Do nothing if there is such a spawn method, or if it says which to choose.

    Raises:
        UnknownSpawnMethod: there is none with this key.
    """
    __tracebackhide__ = True
    if spawn_method in (None, AUTO, *get_args(SpawnMethodKey)):
        return
    keys = [*spawn_method_keys(), AUTO]
    if spawn_method not in keys:
        raise UnknownSpawnMethod(str(spawn_method), keys)


def require_actors(actors: Sequence[Actor] | int | None) -> None:
    """Do nothing if `ActorNursery.map` can take *actors*.

    Raises:
        ValueError: these are none.
    """
    __tracebackhide__ = True
    number = len(actors) if isinstance(actors, Sequence) else actors
    if number is not None and number < 1:
        raise ValueError(f"map takes one actor at least, not {actors!r}")


def require_function(function: object) -> None:
    """Do nothing if *function* can be decorated.

    Raises:
        TypeError: it is no function.
    """
    __tracebackhide__ = True
    if callable(function):
        return
    if not isinstance(function, str):
        kind = type(function).__name__
        raise TypeError(
            f"subint decorates a function, not an object of type {kind}:"
            " write @subint, or @subint(name=…, spawn_method=…, timeout=…)"
        )
    argument = "spawn_method" if function in (AUTO, *spawn_method_keys()) else "name"
    raise TypeError(
        f"subint decorates a function, not the string {function!r}:"
        f" write @subint({argument}={function!r})"
    )
