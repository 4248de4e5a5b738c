"""Tasks of trio that another thread waits for, blocking or on an asyncio loop."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext, suppress
from math import inf
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from subint_magic.errors import HostEnded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

__all__ = ["TURN", "HostTask", "on_sigint"]

TURN = 0.1
"""Seconds after which what waits looks around, so that it sees what came without waking it.

A signal that comes just before a thread goes to sleep does not wake it, nor does one that the
operating system gives to another thread; Python handles either when the main thread runs next.
"""


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
            _take(ended, inf if timeout is None else timeout)
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
                await asyncio.wait_for(ended.wait(), TURN)

    def wait(self) -> T:
        """Block until the task has ended; inside of `on_sigint`, which says what a SIGINT does."""
        while (call := _take(self._calls)) is not None:
            call()
        return self._future.result()

    async def wait_async(self, interrupt: Callable[[], object]) -> T:
        """Wait on an asyncio loop until the task has ended; inside of `on_sigint` with that loop.

        A cancellation only calls *interrupt*. A kernel would turn its SIGINT into one, but once
        only, and with tornado 6.6 not before something else wakes the loop.
        """
        loop = asyncio.get_running_loop()
        called = asyncio.Event()
        self._notify = lambda: loop.call_soon_threadsafe(called.set)
        called.set()  # something may have come before
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


def _take[T](queue: SimpleQueue[T], timeout: float = inf) -> T:
    """Return the next item of *queue*, and meanwhile have signals handled.

    Raises:
        Empty: there is none within *timeout* seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        left = deadline - time.monotonic()
        try:
            return queue.get(timeout=max(0, min(left, TURN)))
        except Empty:
            if left <= TURN:
                raise


@contextmanager
def on_sigint(call: Callable[[], object], *, wakes_loop: bool = False) -> Iterator[None]:
    """Let SIGINT call *call*, which must be safe in a signal handler.

    Args:
        call: is called.
        wakes_loop: whether it has to wake the running asyncio loop as well.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are for the main thread alone
        return
    # First and last: a KeyboardInterrupt in between would leave a pipe open.
    before = signal.signal(signal.SIGINT, lambda *_: call())
    try:
        with _waking(asyncio.get_running_loop()) if wakes_loop else nullcontext():
            yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _waking(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let signals wake *loop*, also one that comes just before it goes to sleep.

    As `add_signal_handler` of a loop does, which converts all signals there are into enums, twice.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def read() -> None:
        with suppress(OSError):  # none has come; or nobody listens there any more
            data = os.read(reader, 4096)
            if before != -1:
                os.write(before, data)  # whose turn it would have been

    loop.add_reader(reader, read)
    try:
        yield
    finally:
        with suppress(ValueError):  # it was closed meanwhile
            signal.set_wakeup_fd(before)
        loop.remove_reader(reader)
        read()
        os.close(reader)
        os.close(writer)
