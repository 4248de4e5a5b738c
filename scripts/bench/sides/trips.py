"""The way to an actor and back, and nothing else: what its stations alone take.

A byte goes by trio over a socket to one thread, as an actor's control thread is, which hands it to
another, as its executor is, and back the same way.
"""

from __future__ import annotations

import socket
import threading
from concurrent.futures import Future
from contextlib import asynccontextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Awaitable, Callable

    type Trip = Callable[[], Awaitable[object]]


@asynccontextmanager
async def open_trip() -> AsyncGenerator[Trip]:
    """Give what makes one trip."""
    ours, theirs = socket.socketpair()
    work: SimpleQueue[bytes] = SimpleQueue()
    done: SimpleQueue[bytes] = SimpleQueue()

    def listen() -> None:
        while data := theirs.recv(1):
            work.put(data)
        work.put(b"")

    def carry_out() -> None:
        while data := work.get():
            done.put(data)
        done.put(b"")

    def answer() -> None:
        while data := done.get():
            theirs.send(data)

    threads = [threading.Thread(target=part) for part in (listen, carry_out, answer)]
    for thread in threads:
        thread.start()
    async with trio.SocketStream(trio.socket.from_stdlib_socket(ours)) as stream:

        async def trip() -> None:
            await stream.send_all(b"!")
            await stream.receive_some(1)

        yield trip
    for thread in threads:
        thread.join()
    theirs.close()


class GuestTrips:
    """The same in a kernel: from a cell to trio, which is a guest of *loop*, and from there."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._ready: Future[None] = Future()
        self._ended: Future[None] = Future()
        self._token: trio.lowlevel.TrioToken
        self._nursery: trio.Nursery
        self._trip: Trip
        loop.call_soon_threadsafe(self._begin, loop)
        self._ready.result()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        trio.lowlevel.start_guest_run(
            self._main,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            run_sync_soon_not_threadsafe=loop.call_soon,
            done_callback=lambda _: self._ended.set_result(None),
            host_uses_signal_set_wakeup_fd=True,
        )

    async def _main(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        async with open_trip() as self._trip, trio.open_nursery() as self._nursery:
            self._ready.set_result(None)
            await trio.sleep_forever()

    def make(self) -> None:
        """Make one trip; block until it has ended."""
        back: Future[None] = Future()

        async def go() -> None:
            await self._trip()
            back.set_result(None)

        self._token.run_sync_soon(self._nursery.start_soon, go)
        back.result()

    def stop(self) -> None:
        """End it all."""
        self._token.run_sync_soon(self._nursery.cancel_scope.cancel)
        self._ended.result()
