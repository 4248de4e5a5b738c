"""trio as a guest of an asyncio loop that belongs to somebody else.

In a kernel that loop is the one of the Control thread: it turns while a cell keeps the main thread
busy, so supervision, timeouts and output never wait for a cell. Elsewhere `LoopThread` makes one.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

import trio

from subint_magic.errors import HostEnded
from subint_magic.runtime.host.tasks import HostTask
from subint_magic.runtime.nursery import ActorNursery, open_nursery

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import outcome

__all__ = ["Host", "LoopThread"]

STOP_GRACE = 1.0
"""Seconds for actors to end when the host stops. A Jupyter server terminates a kernel 2.5 seconds
after it asked for its shutdown; all that ends in good order has to end before.
"""


class LoopThread:
    """An asyncio loop in a thread of its own, for programs that have none to lend."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop = asyncio.new_event_loop()
        # A daemon: the interpreter joins other threads before it runs the atexit hook that ends us.
        self._thread = threading.Thread(target=self._run, name="subint_magic host", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the loop and join the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    def _run(self) -> None:
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()


class Host:
    """Runs trio, with one nursery of actors, as a guest of *loop*.

    The methods are for other threads than that of the loop, except `aclose`.

    Args:
        loop: of a thread that never blocks.
        spares: as `open_nursery` has it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, spares: int = 0) -> None:
        self._loop = loop
        self._spares = spares
        self._started = threading.Event()
        self._thread = 0
        self._finished: Future[None] = Future()
        self._token: trio.lowlevel.TrioToken
        self._nursery: ActorNursery
        self._tasks: trio.Nursery
        self._stop: trio.Event
        loop.call_soon_threadsafe(self._begin)

    @property
    def is_here(self) -> bool:
        """Whether the present thread is that of the loop."""
        return self._thread == threading.get_ident()

    @property
    def running(self) -> bool:
        """Whether tasks can be started."""
        return not self._finished.done()

    def wait_started(self) -> None:
        """Wait until trio runs; from then on `call_soon` can be called in a signal handler.

        Raises:
            RuntimeError: it cannot run on this loop.
        """
        self._started.wait()
        if not hasattr(self, "_token"):
            self._finished.result()

    def start[T](self, function: Callable[..., Awaitable[T]], *args: object) -> HostTask[T]:
        """Begin a task: see `begin`."""
        task: HostTask[T] = HostTask()
        self.begin(task, function, *args)
        return task

    def begin[T](
        self, task: HostTask[T], function: Callable[..., Awaitable[T]], *args: object
    ) -> None:
        """Begin *task*: in trio, call ``function(nursery, *args)`` and wait for what it returns.

        The calls come in the order of those of this method; what is awaited begins in any.

        Raises:
            HostEnded: the host has stopped.
        """
        self.wait_started()
        self.call_soon(self._start, task, function, args)

    def _start[T](
        self, task: HostTask[T], function: Callable[..., Awaitable[T]], args: tuple[object, ...]
    ) -> None:
        try:
            self.require_running()
            self._tasks.start_soon(task.carry_out, function(self._nursery, *args))
        except Exception as error:  # noqa: BLE001 - it is the waiter's
            task.refuse(error)

    def require_running(self) -> None:
        """Do nothing, unless the host is stopping; for tasks, in trio.

        Raises:
            HostEnded: it is.
        """
        if self._stop.is_set():
            raise HostEnded("subint_magic was stopped")

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        """Call *function* in the thread that runs trio.

        Raises:
            HostEnded: the host has stopped.
        """
        try:
            self._token.run_sync_soon(function, *args)
        except trio.RunFinishedError:
            raise HostEnded("subint_magic was stopped") from None

    def stop(self) -> None:
        """End all actors and trio, and wait for it: little longer than the grace period."""
        self.wait_started()
        try:
            self._token.run_sync_soon(self._stop.set)
        except trio.RunFinishedError:
            pass
        self._finished.result()

    async def aclose(self) -> None:
        """The same as `stop`, for coroutines on the loop itself."""
        if not self._finished.done():
            self._stop.set()
        await asyncio.wrap_future(self._finished)

    def _begin(self) -> None:
        self._thread = threading.get_ident()
        try:
            trio.lowlevel.start_guest_run(
                self._main,
                run_sync_soon_threadsafe=self._loop.call_soon_threadsafe,
                run_sync_soon_not_threadsafe=self._loop.call_soon,
                done_callback=self._end,
                host_uses_signal_set_wakeup_fd=True,
            )
        except RuntimeError as error:  # somebody else runs trio on this loop
            self._finished.set_exception(error)
            self._started.set()

    async def _main(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._stop = trio.Event()
        async with (
            open_nursery(strict=False, spares=self._spares) as self._nursery,
            trio.open_nursery() as self._tasks,
        ):
            self._started.set()
            await self._stop.wait()
            self._nursery.spares.stop(STOP_GRACE)
            await self._nursery.close(STOP_GRACE)  # which ends the runs that tasks wait for
            self._tasks.cancel_scope.cancel()

    def _end(self, result: outcome.Outcome[None]) -> None:
        try:
            result.unwrap()
        except BaseException as error:  # noqa: BLE001 - raised by whoever stops us
            self._finished.set_exception(error)
        else:
            self._finished.set_result(None)
