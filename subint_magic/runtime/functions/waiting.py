"""Blocks the thread that makes a call until the host of the actors has done it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from subint_magic.runtime.host import on_sigint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from subint_magic.runtime.functions.default import Offer
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.runtime.runs.run import Sink

__all__ = ["wait"]


def wait[T](offer: Offer, function: Callable[[ActorNursery, Sink], Awaitable[T]]) -> T:
    """Run ``function(nursery, sink)`` in the host of *offer*, and block until it has ended.

    Raises:
        Exception: what it raises.
        KeyboardInterrupt: it was interrupted, and stopped.
        RuntimeError: this is the thread of a trio program, which it would block.
    """
    __tracebackhide__ = True
    if trio.lowlevel.in_trio_run():
        raise RuntimeError("this call would block trio: use `await actor.call(function, …)`")
    host, sink = offer.host(), offer.sink()
    scope = trio.CancelScope()
    results: list[T] = []

    async def run(nursery: ActorNursery) -> None:
        with scope:
            results.append(await function(nursery, sink))

    def interrupt() -> None:
        host.call_soon(scope.cancel)

    host.wait_started()
    with on_sigint(interrupt):  # also between the start and the wait
        host.start(run).wait()
    if not results:
        raise KeyboardInterrupt
    return results[0]
