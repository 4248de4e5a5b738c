"""Calls spread over several actors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from subint_magic.runtime.functions.calls import bared

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from contextlib import AbstractAsyncContextManager

    from subint_magic.runtime.actor import Actor

__all__ = ["spread"]


async def spread[S, T](
    call: Callable[[Actor, S], Awaitable[T]],
    items: Iterable[S],
    places: Iterable[AbstractAsyncContextManager[Actor]],
) -> list[T]:
    """Call *call* with each item, at once in all places; return the results in order.

    If one call fails, the others are stopped and its error is raised.

    Args:
        call: is called with the actor of a place.
        items: the next is taken when an actor is free for it.
        places: give actors; one that has no item is not entered.

    Raises:
        Exception: what *call*, *items* or a place raise.
    """
    __tracebackhide__ = True
    numbered = enumerate(items)
    turn = trio.Lock()
    results: dict[int, T] = {}
    failures: list[Exception] = []

    async def take() -> tuple[int, S] | None:
        async with turn:  # in a thread: it is code of the user's, and may block
            return await trio.to_thread.run_sync(next, numbered, None, abandon_on_cancel=True)

    async def work(place: AbstractAsyncContextManager[Actor], taken: tuple[int, S] | None) -> None:
        try:
            async with place as actor:
                while taken is not None:
                    number, item = taken
                    results[number] = await call(actor, item)
                    taken = await take()
        except Exception as error:  # noqa: BLE001 - raised below, not in a group
            failures.append(error)
            workers.cancel_scope.cancel()

    async with trio.open_nursery() as workers:
        try:
            for place in places:
                if (first := await take()) is None:
                    break  # few need few actors
                workers.start_soon(work, place, first)
        except Exception as error:  # noqa: BLE001 - of the items; as above
            failures.append(error)
            workers.cancel_scope.cancel()
    if failures:
        raise bared(failures[0])
    return [results[number] for number in sorted(results)]
