"""Actors on the workers of a Dask cluster: placed by Dask, hosted by a backend of the worker's."""

from __future__ import annotations

import itertools
import sys
import uuid
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import trio

from subint_magic._child.values.files import File
from subint_magic.cluster.futures import OnCluster, on_cluster, submit
from subint_magic.cluster.options import Options, parsed
from subint_magic.cluster.signals import our_group
from subint_magic.errors import SpawnError
from subint_magic.runtime.runs.values import ELSEWHERE
from subint_magic.spawn import ChildEnd, SpawnMethod, default_start_method, spawn_method

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from distributed import Client

    from subint_magic.cluster.hosting import Side
    from subint_magic.spawn import Child

__all__ = ["DASK", "dask_proc"]

PLACE_TIMEOUT = 30.0
"""Seconds within which a worker has to take an actor."""

GONE = 2.0
"""Seconds that a worker gets to let go of one."""

PIECE = 2**23
"""Bytes of a file in one call."""

WINDOW = 6
"""Calls that move pieces of a file at once."""

SILENCE = 60.0
"""Seconds after which a worker counts as lost that does not even say that there is no news."""

_options = Options()


ELSEWHERE.append(on_cluster)


class _RemoteChild:
    shares_process = False

    def __init__(
        self,
        client: Client,
        dashboard: str,
        host: Any,
        key: str,
        *,
        side: Side,
        can_kill: bool,
    ) -> None:
        from subint_magic.cluster.stream import CallStream

        self._client = client
        self._host = host
        self._key = key
        self.dashboard = dashboard
        self._worker: str = host._address  # no public name has it
        self.place = f"{side['host']}, {self._worker}"
        self.kill: Callable[[], None] | None = self._kill if can_kill else None
        self.stream = CallStream(self._write, self._upload, self._hang_up)
        self._numbers = itertools.count()
        self._requests: trio.Nursery
        self._end: ChildEnd | None = None
        self._ended = trio.Event()

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as self._requests:
            self._requests.start_soon(self._listen)
            self._requests.start_soon(self.stream.pump)
            task_status.started()

    async def wait(self) -> ChildEnd:
        """Wait until the child has ended, or its worker was lost."""
        await self._ended.wait()
        assert self._end is not None
        return self._end

    async def bring(self, value: object) -> None:
        """Have a value of the cluster written on the worker, where the child reads it."""
        assert isinstance(value, OnCluster)
        trouble: list[Exception] = []

        async def stage() -> None:
            try:
                await self._stage(value)
            except Exception as error:  # noqa: BLE001 - of Dask, or of whoever makes the value
                trouble.append(error)
            tasks.cancel_scope.cancel()

        async with trio.open_nursery() as tasks:
            tasks.start_soon(stage)
            await self._ended.wait()  # a task for a worker that is lost would wait for ever
            tasks.cancel_scope.cancel()
        if trouble:
            raise OSError(str(trouble[0]) or type(trouble[0]).__name__) from trouble[0]

    async def _stage(self, value: OnCluster) -> None:
        from subint_magic.cluster.calls import on_loop

        staged = await trio.to_thread.run_sync(
            submit, self._client, value, self._worker, self._key, abandon_on_cancel=True
        )
        try:
            await on_loop(self._client, lambda: _awaited(staged))
        finally:
            staged.release()

    def _hang_up(self) -> None:
        if self._end is None:
            self._ask("hang_up")

    @property
    def ended(self) -> bool:
        """Whether its end is known."""
        return self._ended.is_set()

    def _kill(self) -> None:
        self._ask("kill")

    async def _call(self, method: str, *args: object) -> Any:
        from subint_magic.cluster.calls import on_loop

        # Dask raises already when the method is looked up, if the worker has gone.
        return await on_loop(self._client, lambda: getattr(self._host, method)(*args))

    async def _listen(self) -> None:
        try:
            while self._end is None:
                with trio.fail_after(SILENCE):
                    news = await self._call("news")
                for piece in news:
                    if isinstance(piece, bytes):
                        await self.stream.feed(piece)
                    elif isinstance(piece, ChildEnd):
                        self._end = piece
                    else:
                        self.stream.arrivals.put(await self._download(*piece))
        except Exception as error:  # noqa: BLE001 - of Dask, which says so in many ways
            self._lose(error)
        self._ended.set()

    async def _download(self, number: int, size: int) -> File:
        file = File.make()

        async def move(offset: int) -> None:
            data = await self._call("read_file", number, offset, PIECE)
            await trio.to_thread.run_sync(file.write, data, offset)

        await _piecewise(move, size)
        return file

    async def _upload(self, file: File) -> int:
        number = next(self._numbers)

        memory = memoryview(file.map())  # a view is sent and received without a copy

        async def move(offset: int) -> None:
            await self._call("write_file", number, offset, memory[offset : offset + PIECE])

        try:
            await _piecewise(move, len(memory))
        except Exception as error:  # noqa: BLE001 - as above
            self._lose(error)
        return number

    async def _write(self, data: bytes, files: list[int]) -> None:
        try:
            await self._call("write", data, files)
        except Exception as error:  # noqa: BLE001 - as above
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        if self._end is None:
            why = str(error) or type(error).__name__
            self._end = ChildEnd(error=f"its worker was lost: {self.place} ({why})")
            self.stream.break_off(self._end.error)
            self._ended.set()

    def _ask(self, method: str) -> None:
        async def ask() -> None:
            try:
                await self._call(method)
            except Exception as error:  # noqa: BLE001 - as above
                self._lose(error)

        self._requests.start_soon(ask)


async def _awaited(future: Any) -> Any:
    return await future


async def _piecewise(move: Callable[[int], Awaitable[None]], size: int) -> None:
    """Call *move* with the offset of each piece, some at once."""
    window = trio.CapacityLimiter(WINDOW)
    trouble: list[Exception] = []

    async def one(offset: int) -> None:
        async with window:
            try:
                await move(offset)
            except Exception as error:  # noqa: BLE001 - of Dask, raised below: the first one
                trouble.append(error)
                pieces.cancel_scope.cancel()

    async with trio.open_nursery() as pieces:
        for offset in range(0, size, PIECE):
            pieces.start_soon(one, offset)
    if trouble:
        raise trouble[0]


@asynccontextmanager
async def dask_proc(_method: str, name: str) -> AsyncGenerator[Child]:
    """Start a child on a worker that Dask chooses.

    Raises:
        SpawnError: there is no cluster, no worker takes it, or it differs from this side.
    """
    from subint_magic.cluster import scheduler
    from subint_magic.cluster.calls import on_loop
    from subint_magic.cluster.hosting import Host, this_side

    try:
        client, dashboard, workers = await trio.to_thread.run_sync(
            scheduler.reach, _options, abandon_on_cancel=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise SpawnError(str(error)) from error
    key = f"subint_magic-{name}-{uuid.uuid4().hex}"
    placed = scheduler.place(
        client, _options, workers, key, Host, name, key, our_group(), _options.via
    )

    try:
        with trio.move_on_after(PLACE_TIMEOUT) as patience:
            try:
                host = await on_loop(client, lambda: _awaited(placed))
            except Exception as error:
                raise SpawnError(
                    f"no worker could make the actor {name!r} ({type(error).__name__}: {error})."
                    " Dask's scheduler and its workers need subint-magic as well"
                ) from error
        if patience.cancelled_caught:
            placed.cancel()
            raise SpawnError(
                f"no worker has taken the actor {name!r} within {PLACE_TIMEOUT:.0f} s: there is"
                " none that may, or all are busy with tasks"
            )
        child = None
        try:
            with trio.move_on_after(PLACE_TIMEOUT) as patience:
                side, can_kill = await on_loop(client, host.start)
            if patience.cancelled_caught:
                raise SpawnError(f"the worker has not started it within {PLACE_TIMEOUT:.0f} s")
            _require_same(this_side(), side)
            child = _RemoteChild(client, dashboard, host, key, side=side, can_kill=can_kill)
            async with trio.open_nursery() as tasks:
                await tasks.start(child.run)
                try:
                    yield child
                finally:
                    tasks.cancel_scope.cancel()
        finally:
            if child is None or not child.ended:
                with trio.move_on_after(GONE, shield=True):
                    try:
                        await on_loop(client, host.end)
                    except Exception:  # noqa: BLE001 - it is gone
                        pass
    finally:
        placed.release()


def _require_same(ours: Side, theirs: Side) -> None:
    """Raise `SpawnError` if the two sides cannot understand each other."""
    here = {"Python": ours["python"], **ours["packages"]}
    there = {"Python": theirs["python"], **theirs["packages"]}
    differ = [
        f"{what} {here[what]} / {there.get(what, 'none')}"
        for what in here
        if here[what] != there.get(what)
    ]
    if differ:
        raise SpawnError(
            f"the worker on {theirs['host']} differs from {ours['host']} (here / there):"
            f" {', '.join(differ)}. Install the same there"
        )


def _why_not() -> str | None:
    if find_spec("distributed") is None:
        return "Dask is not installed: pip install 'subint-magic[dask]'"
    return None


def _select(words: Sequence[str]) -> str:
    global _options  # noqa: PLW0603 - one choice for the session, as that of the method
    from subint_magic.cluster import scheduler

    try:
        options = scheduler.annotated(parsed(words, _options.scheduler))
        if options.via == DASK.key:
            raise ValueError("argument --via: a worker cannot ask the cluster again")
        if options.via in ("mp_spawn", "mp_forkserver"):
            raise ValueError(
                f"argument --via: {options.via} cannot start processes on a worker, which is a"
                " daemon of multiprocessing: use trio"
            )
        if options.via:
            spawn_method(options.via)
        client = scheduler.find(options)
    except (ValueError, OSError) as error:
        raise SpawnError(f"dask: {error}") from error
    _options = options
    return scheduler.describe(client)


def _cores() -> int:
    from subint_magic.cluster import scheduler

    return sum(scheduler.find(_options).nthreads().values()) or 1


def _shut_down() -> None:
    global _options  # noqa: PLW0603 - as above
    _options = Options()
    if "subint_magic.cluster.scheduler" not in sys.modules:
        return  # nobody has used a cluster
    from subint_magic.cluster import scheduler

    scheduler.close()
    # Our workers were processes of multiprocessing, whose helper outlives them.
    spawn_method("mp_spawn").shut_down()


DASK = SpawnMethod(
    "dask",
    "an actor on a worker of a Dask cluster",
    dask_proc,
    why_not=_why_not,
    shut_down=_shut_down,
    select=_select,
    cores=_cores,
    host=lambda: _options.via or default_start_method(),
    remote=True,
)
