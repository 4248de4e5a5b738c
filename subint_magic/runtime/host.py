"""trio as a guest of an asyncio loop that belongs to somebody else.

In a kernel that loop is the one of the Control thread: it turns while a cell keeps the main thread
busy, so supervision, timeouts and output never wait for a cell. Elsewhere `LoopThread` makes one.
This is the only module that knows of asyncio.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import trio

from subint_magic.errors import HostEnded
from subint_magic.runtime.nursery import ActorNursery, open_nursery

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    import outcome

__all__ = ["Host", "HostTask", "LoopThread", "on_sigint"]


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


class HostTask[T]:
    """A trio task that another thread waits for."""

    def __init__(self) -> None:
        self._future: Future[T] = Future()

    async def carry_out(self, function: Callable[..., Awaitable[T]], args: tuple[Any, ...]) -> None:
        """Run *function* and pass on what comes of it."""
        try:
            self._future.set_result(await function(*args))
        except Exception as error:  # noqa: BLE001 - it is the waiter's
            self._future.set_exception(error)
        finally:
            if not self._future.done():
                self._future.set_exception(HostEnded("subint_magic was stopped meanwhile"))

    def refuse(self) -> None:
        """End the wait for a task that will not begin."""
        self._future.set_exception(HostEnded("subint_magic was stopped"))

    def result(self) -> T:
        """Block until the task has ended; it goes on if this is interrupted."""
        return self._future.result()

    def wait(self, interrupt: Callable[[], object]) -> T:
        """Block until the task has ended; a SIGINT only calls *interrupt*."""
        with on_sigint(interrupt):
            return self._future.result()

    async def wait_async(self, interrupt: Callable[[], object]) -> T:
        """Wait on an asyncio loop until the task has ended.

        A SIGINT, and a cancellation, only call *interrupt*. A kernel would turn its SIGINT into a
        cancellation, but once only, and with tornado 6.6 not before something else wakes the loop.
        """
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        self._future.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
        with on_sigint(interrupt, loop):
            while not self._future.done():
                try:
                    await ended.wait()
                except asyncio.CancelledError:
                    interrupt()
        return self._future.result()


@contextmanager
def on_sigint(
    call: Callable[[], object], loop: asyncio.AbstractEventLoop | None = None
) -> Iterator[None]:
    """Let SIGINT call *call*, which must be safe in a signal handler, at once also in *loop*."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are for the main thread alone
        return
    before = signal.getsignal(signal.SIGINT)
    if loop is not None:
        # It lets the signal wake the loop. One that comes just before the loop goes to sleep would
        # else be seen when something else wakes it.
        loop.add_signal_handler(signal.SIGINT, lambda: None)
    signal.signal(signal.SIGINT, lambda *_: call())
    try:
        yield
    finally:
        if loop is not None:
            loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)


class Host:
    """Runs trio, with one nursery of actors, as a guest of *loop*.

    The methods are for other threads than that of the loop, except `aclose`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._started = threading.Event()
        self._finished: Future[None] = Future()
        self._token: trio.lowlevel.TrioToken
        self._nursery: ActorNursery
        self._tasks: trio.Nursery
        self._stop: trio.Event
        loop.call_soon_threadsafe(self._begin)

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
        """Begin a task: ``function(nursery, *args)`` in trio.

        Raises:
            HostEnded: the host has stopped.
        """
        self.wait_started()
        task: HostTask[T] = HostTask()
        self.call_soon(self._start, task, function, args)
        return task

    def _start[T](
        self, task: HostTask[T], function: Callable[..., Awaitable[T]], args: tuple[object, ...]
    ) -> None:
        if self._stop.is_set():
            task.refuse()
        else:
            self._tasks.start_soon(task.carry_out, function, (self._nursery, *args))

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
        async with open_nursery(strict=False) as self._nursery, trio.open_nursery() as self._tasks:
            self._started.set()
            await self._stop.wait()
            await self._nursery.close(STOP_GRACE)  # which ends the runs that tasks wait for
            self._tasks.cancel_scope.cancel()

    def _end(self, result: outcome.Outcome[None]) -> None:
        try:
            result.unwrap()
        except BaseException as error:  # noqa: BLE001 - raised by whoever stops us
            self._finished.set_exception(error)
        else:
            self._finished.set_result(None)
