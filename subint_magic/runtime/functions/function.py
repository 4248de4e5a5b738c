"""A function whose calls run in actors."""

from __future__ import annotations

import functools
import operator
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Concatenate, Self, overload

from subint_magic.runtime.functions import default
from subint_magic.runtime.functions.calls import Decorated, bared, open_call, pack_call
from subint_magic.runtime.functions.options import Options, require_actors
from subint_magic.runtime.functions.waiting import wait
from subint_magic.runtime.imports import (
    AUTO,
    cheapest_process,
    imports_for,
    missed_import,
    note_loaded,
)
from subint_magic.runtime.nursery import ends_after
from subint_magic.spawn import get_start_method
from subint_magic.wire.messages import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.functions.calls import CallOutcome, PackedCall
    from subint_magic.runtime.imports import Import
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.runtime.runs.run import Sink

__all__ = ["SubintFunction"]


class SubintFunction[**P, T](Decorated):
    """A function whose calls run in an actor. Made by `subint`.

    A call blocks until the function has ended there, and returns or raises what that does. An
    interrupt (Ctrl-C) stops it. Inside of an actor it is the plain function again.
    """

    def __init__(self, function: Callable[P, T], options: Options) -> None:
        functools.update_wrapper(self, function)
        # after that, which also copies what another one of these has
        self.plain = function
        self._options = options

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call it in an actor.

        Raises:
            Exception: what the function raises, and what `Actor.call` and `start_actor` raise.
            ImportRefused: what it imports, or an argument needs, cannot load there.
            KeyboardInterrupt: it was interrupted, and stopped.
            RuntimeError: this is the thread of a trio program, which it would block.
        """
        __tracebackhide__ = True
        offer = default.find()
        method = self._method(offer)
        imports = self._imports(method, *args, *kwargs.values())
        actor = self._options.name or "(unnamed)"
        call = pack_call(actor, self.plain, args, kwargs)

        async def run(nursery: ActorNursery, sink: Sink) -> CallOutcome:
            return await self._call(nursery, sink, call, method, imports)

        with closing(call.parcel):
            outcome = wait(offer, run)
        returned = open_call(actor, outcome)
        if returned.error is not None:
            raise returned.error from None
        result: T = returned.value
        return result

    async def _call(
        self,
        nursery: ActorNursery,
        sink: Sink,
        call: PackedCall,
        method: str | None,
        imports: Sequence[Import],
    ) -> CallOutcome:
        options = self._options

        async def choose(actor: Actor | None = None) -> str:
            return await options.choose(imports, method, sink, actor)

        if options.name is None:
            actor = await nursery.start_actor(spawn_method=await choose())
        else:
            wanted = None if options.spawn_method == AUTO else options.spawn_method
            actor = await nursery.find_or_start(options.name, wanted, choose=choose)
            if death := nursery.pop_death(options.name):
                sink(Output(0, "stderr", f"{death}\n"))
        note_loaded(imports, actor)
        with ends_after(actor) if options.name is None else nullcontext():
            outcome = await actor.call_packed(
                call, sink=sink, timeout=options.timeout, grace=options.grace
            )
        if outcome.error is not None:
            hint = missed_import(
                outcome.error,
                actor,
                cheapest_process(),
                named=options.name is not None,
                words=options.words,
            )
            if hint is not None:
                outcome.error.add_note(f"\n{hint}")
        return outcome

    def map(self, items: Iterable[Any], *, actors: int | None = None) -> list[T]:
        """Call it on each item, in several actors at once; return the results in order.

        Args:
            items: what it is called with.
            actors: how many are started for it, at least one; without it one for each core.

        Raises:
            Exception: what the first call that fails raises. The others are stopped.
            ImportRefused: what it imports, or an item of a list or tuple needs, cannot load there.
            KeyboardInterrupt: it was interrupted, and stopped.
            ValueError: there are to be no actors.
        """
        __tracebackhide__ = True
        require_actors(actors)
        each = iter(items)
        options, offer = self._options, default.find()
        method = self._method(offer)
        if isinstance(items, list | tuple | set | frozenset):
            imports = self._imports(method, *items)
        else:  # what it gives may need what it needs itself
            maybe = (replace(each, sure=False) for each in self._imports(method, items))
            imports = (*self._imports(method), *maybe)

        async def run(nursery: ActorNursery, sink: Sink) -> list[T]:
            function: Callable[[Any], Any] = self.plain
            return await nursery.map(
                function,
                each,
                actors=actors,
                spawn_method=await options.choose(imports, method, sink),
                sink=sink,
                timeout=options.timeout,
                grace=options.grace,
            )

        try:
            return wait(offer, run)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised
            raise bared(error)  # noqa: B904 - it is the same

    @property
    def options(self) -> Options:
        """How it is called."""
        return self._options

    def _method(self, offer: default.Offer) -> str | None:
        return self._options.spawn_method or offer.spawn_method()

    def _imports(self, method: str | None, *values: object) -> tuple[Import, ...]:
        if method != AUTO and not self._options.check:
            return ()
        return imports_for([self.plain, *values], called=self.plain)

    @overload
    def __get__(self, instance: None, owner: type, /) -> Self: ...
    @overload
    def __get__[S, **Q, U](
        self: SubintFunction[Concatenate[S, Q], U], instance: S, owner: type | None = None, /
    ) -> SubintFunction[Q, U]: ...
    def __get__(self, instance: Any, owner: type | None = None, /) -> Any:
        """Return it as a method of *instance*, which crosses with each call as the others do."""
        if instance is None:
            return self
        # Not a method: pickle would look that up in the actor again, by the name of this one.
        bound = functools.partial(self.plain, instance)
        return SubintFunction(functools.update_wrapper(bound, self.plain), self._options)

    def __repr__(self) -> str:
        function, options = self.plain, self._options
        name = getattr(function, "__qualname__", type(function).__name__)
        actor = f" in actor {options.name!r}" if options.name else ""
        method = self._method(default.find()) or get_start_method()
        return f"<subint function {name}{actor} on {method!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return operator.call, (operator.itemgetter(0), (self.plain,))
