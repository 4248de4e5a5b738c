"""What a worker runs for an actor: it starts the child, and hands its bytes to and fro."""

from __future__ import annotations

import asyncio
import itertools
import platform
import socket
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, TypedDict, cast

import trio

from subint_magic._child.values.files import MOST, File
from subint_magic.cluster import staging
from subint_magic.cluster.signals import leave_to
from subint_magic.runtime.functions import default
from subint_magic.spawn import ChildEnd, default_start_method, spawn_method
from subint_magic.wire.fds import FileStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from subint_magic.cluster.signals import Group
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.spawn import Child

__all__ = ["Host", "Side", "this_side"]

PATIENCE = 10.0
"""Seconds after which a call that waits for news returns without any, and is made again."""

LEASE = 20.0
"""Seconds without a call after which the kernel is taken to have gone, and its actor is ended."""

FAREWELL = 0.2
"""Seconds that news wait for the end of a child that has said all."""

READ_AHEAD = 2**25
"""Bytes of the child that wait for the kernel; then it is held up."""

_RECEIVE_SIZE = 2**20

_COMPARED = ("subint-magic", "msgpack", "cloudpickle")


class Side(TypedDict):
    """What must be the same on both sides, and who that is.

    Attributes:
        host: the name of the machine.
        python: the version of Python, as in ``"3.14"``: functions cross as bytecode.
        packages: the versions of the packages that both sides use to speak.
    """

    host: str
    python: str
    packages: dict[str, str]


def this_side() -> Side:
    """Return what this interpreter is."""
    packages = {}
    for name in _COMPARED:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "none"
    python = f"{platform.python_implementation()} {sys.version_info[0]}.{sys.version_info[1]}"
    return Side(host=socket.gethostname(), python=python, packages=packages)


type Piece = bytes | tuple[int, int] | ChildEnd
"""Bytes, ``b""`` once it has closed its end; or the number and the size of a file, which comes
before the bytes that follow; or how it has ended.
"""


class Host:
    """One child on a worker, as a Dask Actor. Its methods are for the worker's event loop.

    To make one starts nothing: when its worker dies, Dask makes it anew on another, for nobody.

    Args:
        name: that of the actor.
        key: a name that no other actor has, here or on another machine.
        kernel: the process group of the kernel.
        via: the key of the spawn method; ``None`` for the default one of the worker.
    """

    def __init__(self, name: str, key: str, kernel: Group, via: str | None = None) -> None:
        self._key = key
        self._kernel = kernel
        self._life = _Life(name, via)

    async def start(self) -> tuple[Side, bool]:
        """Start the child; say who this is, and whether it can be killed.

        Raises:
            Exception: what the backend of this worker raises.
        """
        leave_to(self._kernel)
        staging.begin(self._key)
        default.find().host().start(self._run)
        return this_side(), await _in_trio(self._life.started)

    async def _run(self, _: ActorNursery) -> None:
        try:
            await self._life.run()
        finally:
            staging.end(self._key)

    async def news(self) -> list[Piece]:
        """Wait for what the child has to say next; nothing is said by nothing so far.

        The last is how it has ended. Then nobody need call `end`.
        """
        return await _in_trio(self._life.news)

    async def write(self, data: bytes, files: list[int]) -> None:
        """Hand *data* and *files* to the child; returns when it has taken what came before."""
        await _in_trio(self._life.write, data, files)

    async def write_file(self, number: int, offset: int, data: memoryview) -> None:
        """Write a piece of a file for the child."""
        await _in_trio(self._life.renew)
        self._life.write_file(number, offset, data)

    async def read_file(self, number: int, offset: int, size: int) -> memoryview:
        """Return a piece of a file of the child; it is forgotten with the last."""
        await _in_trio(self._life.renew)
        return self._life.read_file(number, offset, size)

    async def hang_up(self) -> None:
        """Close the stream to the child."""
        await _in_trio(self._life.hang_up)

    async def kill(self) -> None:
        """End the child at once, if this worker can."""
        await _in_trio(self._life.kill)

    async def end(self) -> None:
        """Let go of the child: it is killed and waited for, or left to itself if it cannot be."""
        await _in_trio(self._life.end)


async def _in_trio[*Ts, T](function: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> T:
    """Await ``function(*args)`` in trio, on the asyncio loop of a worker."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    async def call(_: ActorNursery) -> T:
        return await function(*args)

    def wake() -> None:
        with suppress(RuntimeError):  # the worker has closed meanwhile
            loop.call_soon_threadsafe(ended.set)

    task = default.find().host().start(call)
    task.add_done_callback(wake)
    await ended.wait()
    return task.result()


class _Life:
    """The child, in trio."""

    def __init__(self, name: str, via: str | None) -> None:
        self._name = name
        self._via = via
        self._child: Child | None = None
        self._failure: Exception | None = None
        self._running = False
        self._begun = trio.Event()
        self._scope = trio.CancelScope()
        self._lease = trio.CancelScope()
        self._left = trio.Event()
        self._pieces: list[Piece] = []
        self._numbers = itertools.count()
        self._leaving: dict[int, tuple[memoryview, int]] = {}  # and how much is to be read
        self._coming: dict[int, File] = {}
        self._size = 0
        self._said_all = False  # the child has closed its end
        self._told_all = False
        self._told_end = trio.Event()
        self._end: ChildEnd | None = None
        self._ended = trio.Event()
        self._news = trio.Event()
        self._taken = trio.Event()
        self._writing = trio.Lock()

    async def run(self) -> None:
        """Start the child and stay with it until its end was told, or `end` is called."""
        self._running = True
        key = self._via or default_start_method()
        try:
            with self._scope:
                async with spawn_method(key).proc(key, self._name) as child:
                    self._child = child
                    self._begun.set()
                    await self._attend(child)
        except Exception as error:
            if self._begun.is_set():
                raise
            self._failure = error
        finally:
            if self._end is None:  # the kernel may come back, and is told then
                silent = f"its worker ended it: the kernel was not heard for {LEASE:.0f} s"
                self._end = ChildEnd(error=silent)
            self._said_all = True
            self._ended.set()
            self._bring_news()
            self._begun.set()
            self._left.set()

    async def _attend(self, child: Child) -> None:
        async with trio.open_nursery() as tasks:
            tasks.start_soon(self._read, child)
            tasks.start_soon(self._watch_lease)
            self._end = await child.wait()
            self._ended.set()
            self._bring_news()
            await self._told_end.wait()
            tasks.cancel_scope.cancel()

    async def _read(self, child: Child) -> None:
        try:
            while data := await child.stream.receive_some(_RECEIVE_SIZE):
                if isinstance(child.stream, FileStream):
                    for file in child.stream.arrivals.take(MOST):
                        number, size = next(self._numbers), file.size
                        self._leaving[number] = memoryview(file.map()), size
                        self._pieces.append((number, size))
                self._pieces.append(bytes(data))
                self._size += len(data)
                self._bring_news()
                while self._size >= READ_AHEAD:
                    self._taken = trio.Event()
                    await self._taken.wait()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        self._said_all = True
        self._bring_news()

    async def _watch_lease(self) -> None:
        while True:
            with trio.CancelScope(deadline=trio.current_time() + LEASE) as self._lease:
                await trio.sleep_forever()
            if trio.current_time() >= self._lease.deadline:
                self._scope.cancel()

    def _renew(self) -> None:
        self._lease.deadline = trio.current_time() + LEASE

    def _bring_news(self) -> None:
        self._news.set()

    async def started(self) -> bool:
        """Wait until the child was started; say whether it can be killed."""
        await self._begun.wait()
        if self._failure is not None:
            raise self._failure
        assert self._child is not None
        return self._child.kill is not None

    async def renew(self) -> None:
        """Take note that the kernel is there."""
        self._renew()

    def write_file(self, number: int, offset: int, data: memoryview) -> None:
        """See `Host.write_file`."""
        if number not in self._coming:
            self._coming[number] = File.make()
        self._coming[number].write(memoryview(data), offset)

    def read_file(self, number: int, offset: int, size: int) -> memoryview:
        """See `Host.read_file`."""
        memory, left = self._leaving.pop(number)
        data = memory[offset : offset + size]
        if left > len(data):
            self._leaving[number] = memory, left - len(data)
        return data

    async def news(self) -> list[Piece]:
        """See `Host.news`."""
        self._renew()
        with trio.move_on_after(PATIENCE):
            while not (self._pieces or (self._said_all and (self._end or not self._told_all))):
                self._news = trio.Event()
                await self._news.wait()
        pieces, self._pieces, self._size = self._pieces, [], 0
        self._taken.set()
        news = [
            part
            for kind, group in itertools.groupby(pieces, type)
            for part in ([b"".join(cast("Iterable[bytes]", group))] if kind is bytes else group)
        ]
        if self._said_all:
            if self._end is None:  # mostly it comes at once, and needs no call of its own
                with trio.move_on_after(FAREWELL):
                    await self._ended.wait()
            if not self._told_all:
                self._told_all = True
                news.append(b"")
            if self._end is not None:
                news.append(self._end)
                self._told_end.set()
        return news

    async def write(self, data: bytes, files: list[int]) -> None:
        """See `Host.write`."""
        self._renew()
        assert self._child is not None
        async with self._writing:
            try:
                stream = self._child.stream
                if files:
                    assert isinstance(stream, FileStream), "a backend that passes no files"
                    ready = [self._coming.pop(number) for number in files]
                    await stream.send_with_files(data, ready)
                else:
                    await stream.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass  # its end is news

    async def hang_up(self) -> None:
        """See `Host.hang_up`."""
        self._renew()
        if self._child is not None:
            await trio.aclose_forcefully(self._child.stream)

    async def kill(self) -> None:
        """See `Host.kill`."""
        self._renew()
        if self._child is not None and self._child.kill is not None:
            self._child.kill()

    async def end(self) -> None:
        """See `Host.end`."""
        self._scope.cancel()
        if self._running:
            await self._left.wait()
