"""What a worker runs for an actor: it starts the child, and hands its bytes to and fro."""

from __future__ import annotations

import asyncio
import platform
import socket
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, TypedDict

import trio

from subint_magic.cluster import staging
from subint_magic.cluster.signals import leave_to
from subint_magic.runtime.functions import default
from subint_magic.spawn import ChildEnd, default_start_method, spawn_method

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from subint_magic.cluster.signals import Group
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.spawn import Child

__all__ = ["Host", "Side", "this_side"]

PATIENCE = 10.0
"""Seconds after which a call that waits for news returns without any, and is made again."""

LEASE = 20.0
"""Seconds without a call after which the kernel is taken to have gone, and its actor is ended."""

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
        default.find().host().start(self._life.run)
        staging.begin(self._key)
        return this_side(), await _in_trio(self._life.started)

    async def news(self) -> bytes | ChildEnd | None:
        """Wait for what the child has to say next.

        Returns:
            Its bytes, ``b""`` once it has closed its end; how it has ended, after all of them;
            ``None`` if there is nothing so far.
        """
        return await _in_trio(self._life.news)

    async def write(self, data: bytes) -> None:
        """Hand *data* to the child; returns when it has taken what came before."""
        await _in_trio(self._life.write, data)

    async def hang_up(self) -> None:
        """Close the stream to the child."""
        await _in_trio(self._life.hang_up)

    async def kill(self) -> None:
        """End the child at once, if this worker can."""
        await _in_trio(self._life.kill)

    async def end(self) -> None:
        """Let go of the child: it is killed and waited for, or left to itself if it cannot be."""
        staging.end(self._key)
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
        self._begun = trio.Event()
        self._scope = trio.CancelScope()
        self._lease = trio.CancelScope()
        self._left = trio.Event()
        self._pieces: list[bytes] = []
        self._size = 0
        self._said_all = False  # the child has closed its end
        self._told = False
        self._end: ChildEnd | None = None
        self._news = trio.Event()
        self._taken = trio.Event()
        self._writing = trio.Lock()

    async def run(self, _: object) -> None:
        """Start the child and stay with it until it has ended, or `end` is called."""
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
            self._begun.set()
            self._left.set()

    async def _attend(self, child: Child) -> None:
        async with trio.open_nursery() as tasks:
            tasks.start_soon(self._read, child)
            tasks.start_soon(self._watch_lease)
            self._end = await child.wait()
            self._bring_news()
            await trio.sleep_forever()  # until the kernel has been told

    async def _read(self, child: Child) -> None:
        try:
            while data := await child.stream.receive_some(_RECEIVE_SIZE):
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

    async def news(self) -> bytes | ChildEnd | None:
        """See `Host.news`."""
        self._renew()
        with trio.move_on_after(PATIENCE):
            while True:
                if self._pieces:
                    data, self._pieces, self._size = b"".join(self._pieces), [], 0
                    self._taken.set()
                    return data
                if self._said_all and not self._told:
                    self._told = True
                    return b""
                if self._end is not None and (self._told or self._said_all):
                    return self._end
                self._news = trio.Event()
                await self._news.wait()
        return None

    async def write(self, data: bytes) -> None:
        """See `Host.write`."""
        self._renew()
        assert self._child is not None
        async with self._writing:
            try:
                await self._child.stream.send_all(data)
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
        await self._left.wait()
