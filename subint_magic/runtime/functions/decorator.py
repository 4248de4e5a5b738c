"""``@subint`` and ``map``, for code that knows nothing of trio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, overload

from subint_magic.runtime.functions.function import SubintFunction
from subint_magic.runtime.functions.options import MAP, Options, require_function, require_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["map", "subint"]


class Decorator(Protocol):
    """What ``@subint(…)`` is."""

    def __call__[**P, T](self, function: Callable[P, T], /) -> SubintFunction[P, T]:
        """Decorate *function*."""


@overload
def subint[**P, T](function: Callable[P, T], /) -> SubintFunction[P, T]: ...
@overload
def subint(
    *,
    name: str | None = None,
    spawn_method: str | None = None,
    timeout: float | None = None,
    grace: float | None = None,
    check: bool = True,
) -> Decorator: ...
def subint[**P, T](
    function: Callable[P, T] | None = None,
    *,
    name: str | None = None,
    spawn_method: str | None = None,
    timeout: float | None = None,
    grace: float | None = None,
    check: bool = True,
) -> SubintFunction[P, T] | Decorator:
    """Let the calls of a function run in an actor.

    ::

        @subint
        def work(x): ...


        work(3)                # in a fresh actor
        work.map(range(10))    # in several at once

    Args:
        function: the function, if it is used without arguments.
        name: the actor that runs it, which is started if there is none and kept for later calls,
            with all that it has imported; each call has a namespace of its own all the same.
            Without it, each call gets a fresh actor.
        spawn_method: how actors are started; without it, the selected way. ``"auto"``: the cheapest
            that can import what the function imports and its arguments need.
        timeout: seconds after which a call is stopped; `RunTimedOut` is raised then.
        grace: seconds that it gets to stop before its actor is ended.
        check: whether a call is refused, before anything runs, that imports what cannot load where
            it would run.

    Raises:
        TypeError: it is no function.
        UnknownSpawnMethod: there is no such spawn method.
    """
    __tracebackhide__ = True
    require_key(spawn_method)
    options = Options(
        name=name, spawn_method=spawn_method, timeout=timeout, grace=grace, check=check
    )

    def decorate[**Q, U](function: Callable[Q, U]) -> SubintFunction[Q, U]:
        __tracebackhide__ = True
        require_function(function)
        return SubintFunction(function, options)

    return decorate if function is None else decorate(function)


def map[S, T](  # noqa: A001 - it does what the built-in does, and only who imports it hides that
    function: Callable[[S], T],
    items: Iterable[S],
    *,
    actors: int | None = None,
    spawn_method: str | None = None,
    timeout: float | None = None,
    grace: float | None = None,
    check: bool = True,
) -> list[T]:
    """Call *function* on each item, in several actors at once; return the results in order.

    It blocks; a trio program has `ActorNursery.map`. For a function that is decorated, what is not
    given here is as it is there.

    Args:
        function: is called with one item.
        items: what it is called with; the next is taken when an actor is free for it.
        actors: how many are started for it, at least one; without it one for each core.
        spawn_method: how they are started; without it, the selected way. ``"auto"``: the cheapest
            that can import what the function imports, and the items of a list or tuple need.
        timeout: seconds after which a call is stopped; `RunTimedOut` is raised then.
        grace: seconds that it gets to stop before its actor is ended.
        check: whether it is refused, before anything runs, if it imports what cannot load there.

    Raises:
        Exception: what the first call that fails raises. The others are stopped.
        ImportRefused: what it imports, or an item of a list or tuple needs, cannot load there.
        KeyboardInterrupt: it was interrupted, and stopped.
        TypeError: *function* is none, or *items* are none.
        UnknownSpawnMethod: there is no such spawn method.
        ValueError: there are to be no actors.
    """
    __tracebackhide__ = True
    if not callable(function):
        raise TypeError(
            f"map calls a function, not an object of type {type(function).__name__}:"
            " write map(function, items)"
        )
    require_key(spawn_method)
    base = function.options if isinstance(function, SubintFunction) else Options()
    options = Options(
        spawn_method=spawn_method or base.spawn_method,
        timeout=base.timeout if timeout is None else timeout,
        grace=base.grace if grace is None else grace,
        check=check and base.check,
        words=MAP,
    )
    return SubintFunction(function, options).map(items, actors=actors)
