"""``@subint``: functions whose calls run in actors, for code that knows nothing of trio."""

from __future__ import annotations

import functools
import operator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Protocol, overload

import trio

from subint_magic.runtime.functions import default
from subint_magic.runtime.functions.calls import bared, open_call, pack_call
from subint_magic.runtime.host import on_sigint
from subint_magic.runtime.nursery import ends_after
from subint_magic.wire.messages import Output

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from subint_magic.runtime.functions.calls import CallOutcome, PackedCall
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.runtime.runs.run import Sink

__all__ = ["SubintFunction", "map", "subint"]


class Decorator(Protocol):
    """What ``@subint(…)`` is."""

    def __call__[**P, T](self, function: Callable[P, T], /) -> SubintFunction[P, T]:
        """Decorate *function*."""


class SubintFunction[**P, T]:
    """A function whose calls run in an actor. Made by `subint`.

    A call blocks until the function has ended there, and returns or raises what that does. An
    interrupt (Ctrl-C) stops it. Inside of an actor it is the plain function again.
    """

    def __init__(
        self,
        function: Callable[P, T],
        *,
        name: str | None = None,
        spawn_method: str | None = None,
        timeout: float | None = None,
        grace: float | None = None,
    ) -> None:
        self._function = function
        self._name = name
        self._spawn_method = spawn_method
        self._timeout = timeout
        self._grace = grace
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call it in an actor.

        Raises:
            Exception: what the function raises, and what `Actor.call` and `start_actor` raise.
            KeyboardInterrupt: it was interrupted, and stopped.
            RuntimeError: this is the thread of a trio program, which it would block.
        """
        __tracebackhide__ = True
        actor = self._name or "(unnamed)"
        call = pack_call(actor, self._function, args, kwargs)
        returned = open_call(actor, _wait(self._call, call))
        if returned.error is not None:
            raise returned.error from None
        result: T = returned.value
        return result

    async def _call(self, nursery: ActorNursery, sink: Sink, call: PackedCall) -> CallOutcome:
        method = self._spawn_method
        if self._name is None:
            actor = await nursery.start_actor(spawn_method=method)
        else:
            actor = await nursery.find_or_start(self._name, method)
            if death := nursery.pop_death(self._name):
                sink(Output(0, "stderr", f"{death}\n"))
        with ends_after(actor) if self._name is None else nullcontext():
            return await actor.call_packed(
                call, sink=sink, timeout=self._timeout, grace=self._grace
            )

    def map(self, items: Iterable[Any], *, actors: int | None = None) -> list[T]:
        """Call it on each item, in several actors at once; return the results in order.

        Args:
            items: what it is called with.
            actors: how many are started for it; without it one for each core.

        Raises:
            Exception: what the first call that fails raises. The others are stopped.
            KeyboardInterrupt: it was interrupted, and stopped.
        """
        __tracebackhide__ = True

        async def run(nursery: ActorNursery, sink: Sink) -> list[T]:
            function: Callable[[Any], Any] = self._function
            return await nursery.map(
                function,
                items,
                actors=actors,
                spawn_method=self._spawn_method,
                sink=sink,
                timeout=self._timeout,
                grace=self._grace,
            )

        try:
            return _wait(run)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised
            raise bared(error)  # noqa: B904 - it is the same

    def __reduce__(self) -> tuple[Any, ...]:
        return operator.call, (operator.itemgetter(0), (self._function,))


def _wait[T](function: Callable[..., Awaitable[T]], *args: object) -> T:
    """Run ``function(nursery, sink, *args)`` in the default host, and block until it has ended."""
    if trio.lowlevel.in_trio_run():
        raise RuntimeError("this call would block trio: use `await actor.call(function, …)`")
    offer = default.find()
    host, sink = offer.host(), offer.sink()
    scope = trio.CancelScope()
    results: list[T] = []

    async def run(nursery: ActorNursery) -> None:
        with scope:
            results.append(await function(nursery, sink, *args))

    def interrupt() -> None:
        host.call_soon(scope.cancel)

    host.wait_started()
    with on_sigint(interrupt):  # also between the start and the wait
        host.start(run).wait(interrupt)
    if not results:
        raise KeyboardInterrupt
    return results[0]


@overload
def subint[**P, T](function: Callable[P, T], /) -> SubintFunction[P, T]: ...
@overload
def subint(
    *,
    name: str | None = None,
    spawn_method: str | None = None,
    timeout: float | None = None,
    grace: float | None = None,
) -> Decorator: ...
def subint[**P, T](
    function: Callable[P, T] | None = None,
    *,
    name: str | None = None,
    spawn_method: str | None = None,
    timeout: float | None = None,
    grace: float | None = None,
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
        spawn_method: how actors are started; without it, the selected way.
        timeout: seconds after which a call is stopped; `RunTimedOut` is raised then.
        grace: seconds that it gets to stop before its actor is ended.
    """

    def decorate[**Q, U](function: Callable[Q, U]) -> SubintFunction[Q, U]:
        return SubintFunction(
            function, name=name, spawn_method=spawn_method, timeout=timeout, grace=grace
        )

    return decorate if function is None else decorate(function)


def map[S, T](  # noqa: A001 - it does what the built-in does, and only who imports it hides that
    function: Callable[[S], T],
    items: Iterable[S],
    *,
    actors: int | None = None,
    spawn_method: str | None = None,
    timeout: float | None = None,
    grace: float | None = None,
) -> list[T]:
    """Call *function* on each item, in several actors at once; return the results in order.

    It blocks; a trio program has `ActorNursery.map`.

    Args:
        function: is called with one item.
        items: what it is called with; the next is taken when an actor is free for it.
        actors: how many are started for it, at least one; without it one for each core.
        spawn_method: how they are started; without it, the selected way.
        timeout: seconds after which a call is stopped; `RunTimedOut` is raised then.
        grace: seconds that it gets to stop before its actor is ended.

    Raises:
        Exception: what the first call that fails raises. The others are stopped.
        KeyboardInterrupt: it was interrupted, and stopped.
        ValueError: there are to be no actors.
    """
    __tracebackhide__ = True
    decorated = SubintFunction(function, spawn_method=spawn_method, timeout=timeout, grace=grace)
    return decorated.map(items, actors=actors)
