"""Coroutines on the loop of a Dask client, awaited in trio."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from distributed import Client

__all__ = ["on_loop"]


async def on_loop[T](client: Client, function: Callable[..., Awaitable[T]], *args: object) -> T:
    """Await ``function(*args)`` on the client's loop. It is cancelled with the caller."""
    loop: asyncio.AbstractEventLoop = cast("Any", client.loop).asyncio_loop
    token = trio.lowlevel.current_trio_token()
    ended = trio.Event()

    async def call() -> T:
        with client.as_current():  # its actors ask for that, and it need not be the default one
            return await function(*args)

    def tell(_: Any) -> None:
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(ended.set)

    try:
        future = asyncio.run_coroutine_threadsafe(call(), loop)
    except RuntimeError as error:
        raise OSError(f"the Dask client was closed ({error})") from None
    future.add_done_callback(tell)
    try:
        await ended.wait()
    finally:
        future.cancel()
    return future.result()
