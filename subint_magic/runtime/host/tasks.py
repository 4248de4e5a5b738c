"""Tasks of trio that another thread waits for, blocking or on an asyncio loop."""

from __future__ import annotations

import asyncio
import signal
import threading
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from subint_magic.errors import HostEnded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

__all__ = ["HostTask", "on_sigint"]


_TURN = 0.1
"""Seconds after which a loop that waits turns, so that it sees what came without waking it."""


class HostTask[T]:
    """A trio task that another thread waits for."""

    def __init__(self) -> None:
        self._future: Future[T] = Future()
        # What the thread that waits is to call; ``None`` ends the wait.
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._notify: Callable[[], object] = _do_nothing
        self.add_done_callback(lambda: self._call(None))

    async def carry_out(self, task: Awaitable[T]) -> None:
        """Wait for *task* and pass on what comes of it."""
        try:
            self._future.set_result(await task)
        except Exception as error:  # noqa: BLE001 - it is the waiter's
            self._future.set_exception(error)
        finally:
            if not self._future.done():
                self._future.set_exception(HostEnded("subint_magic was stopped meanwhile"))

    def refuse(self, error: Exception) -> None:
        """End the wait for a task that will not begin."""
        self._future.set_exception(error)

    @property
    def done(self) -> bool:
        """Whether the task has ended."""
        return self._future.done()

    @property
    def error(self) -> BaseException | None:
        """What it raised, once it has ended."""
        return self._future.exception()

    def add_done_callback(self, call: Callable[[], object]) -> None:
        """Call *call* when the task has ended, in the thread that ends it; now if it has."""
        self._future.add_done_callback(lambda _: call())

    def call_waiter(self, call: Callable[[], object]) -> None:
        """Let the thread that waits, by `wait` or `wait_async`, call *call*; it must not raise."""
        self._call(call)

    def result(self) -> T:
        """Block until the task has ended; return or raise what came of it."""
        self.join()
        return self._future.result()

    def join(self, timeout: float | None = None) -> None:
        """Block until the task has ended; it goes on if this is interrupted.

        Raises:
            TimeoutError: it has not ended within *timeout* seconds.
        """
        __tracebackhide__ = True
        # Not by the future: an interrupt inside one may leave it locked, for its task as well.
        ended: SimpleQueue[None] = SimpleQueue()
        self.add_done_callback(lambda: ended.put(None))
        try:
            ended.get(timeout=timeout)
        except Empty:
            raise TimeoutError from None

    async def join_async(self) -> None:
        """Wait on an asyncio loop until the task has ended; it goes on if this is cancelled."""
        __tracebackhide__ = True
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "only an asyncio loop can await this; with trio: trio.to_thread.run_sync(x.result)"
            ) from None
        ended = asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(ended.set)

        self.add_done_callback(wake)
        while not ended.is_set():
            # In a kernel, with tornado 6.6, a SIGINT's cancellation waits for the loop to turn.
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _TURN)

    def wait(self, interrupt: Callable[[], object]) -> T:
        """Block until the task has ended; a SIGINT only calls *interrupt*."""
        with on_sigint(interrupt):
            while (call := self._calls.get()) is not None:
                call()
        return self._future.result()

    async def wait_async(self, interrupt: Callable[[], object]) -> T:
        """Wait on an asyncio loop until the task has ended.

        A SIGINT, and a cancellation, only call *interrupt*. A kernel would turn its SIGINT into a
        cancellation, but once only, and with tornado 6.6 not before something else wakes the loop.
        """
        loop = asyncio.get_running_loop()
        called = asyncio.Event()
        self._notify = lambda: loop.call_soon_threadsafe(called.set)
        called.set()  # something may have come before
        with on_sigint(interrupt, loop):
            while True:
                try:
                    await called.wait()
                except asyncio.CancelledError:
                    interrupt()
                    continue
                called.clear()
                while not self._calls.empty():
                    if (call := self._calls.get()) is None:
                        return self._future.result()
                    call()

    def _call(self, call: Callable[[], object] | None) -> None:
        self._calls.put(call)
        self._notify()


def _do_nothing() -> None:
    pass


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
