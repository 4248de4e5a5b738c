"""The part of the benchmark about values: a large array into an actor and back.

A module of its own because the workers of multiprocessing's pool import it.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import trio

from subint_magic import open_nursery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.pool import Pool

    from subint_magic import Actor

GIB = 2**30
LIMIT = 1.2
"""GiB of memory, at most, beside the array itself, for each GiB that moves in one direction."""

TOUCH = "max(x[::4096])"
"""Reads each page: memory that is only mapped is no result."""


@dataclass(frozen=True)
class Transfer:
    """What one transfer took, per GiB.

    Attributes:
        seconds: how long.
        peak: GiB of memory at most beside what there was before.
    """

    seconds: float
    peak: float


class Peak:
    """Watches the memory of some processes, and what is shared between them, counted once.

    Anonymous files count for the whole machine, as they belong to no process: run it alone.
    """

    def __init__(self, pids: list[int]) -> None:
        self._status = [Path(f"/proc/{pid}/status") for pid in pids]
        self._before = self._now()
        self.most = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _now(self) -> int:
        private = sum(_field(path, "RssAnon") for path in self._status)
        return private + _field(Path("/proc/meminfo"), "Shmem")

    def _watch(self) -> None:
        while not self._done.wait(0.002):
            self.most = max(self.most, self._now() - self._before)

    @classmethod
    @contextmanager
    def of(cls, *pids: int) -> Iterator[Peak]:
        peak = cls([psutil.Process().pid, *pids])
        peak._thread.start()
        try:
            yield peak
        finally:
            peak._done.set()
            peak._thread.join()


def _field(path: Path, name: str) -> int:
    """Return a field of a file of /proc, in bytes."""
    line = next(line for line in path.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


# the pool

_kept: Any = None


def keep(value: Any) -> int:
    """Take a value in a worker of the pool."""
    global _kept  # noqa: PLW0603 - that of the worker
    _kept = value
    return int(max(value[::4096], default=0))


def give() -> Any:
    """Send it back."""
    return _kept


def through_pool(pool: Pool, pid: int, value: Any) -> tuple[Transfer, Transfer]:
    """Return what it takes to send *value* in and to get it back."""
    size = memoryview(value).nbytes / GIB
    with Peak.of(pid) as peak:
        begun = time.perf_counter()
        pool.apply(keep, (value,))
        seconds = time.perf_counter() - begun
    inward = Transfer(seconds / size, peak.most / GIB / size)
    with Peak.of(pid) as peak:
        begun = time.perf_counter()
        back = pool.apply(give)
        max(back[::4096])
        seconds = time.perf_counter() - begun
    return inward, Transfer(seconds / size, peak.most / GIB / size)


async def through_actor(actor: Actor, value: Any) -> tuple[Transfer, Transfer]:
    """Return the same for an actor."""
    assert actor.hello is not None
    pids = [] if actor.hello.interpreter else [actor.hello.pid]
    size = memoryview(value).nbytes / GIB
    with Peak.of(*pids) as peak:
        begun = time.perf_counter()
        await actor.run_cell(f"_ = {TOUCH}", inputs={"x": value})
        seconds = time.perf_counter() - begun
    inward = Transfer(seconds / size, peak.most / GIB / size)
    with Peak.of(*pids) as peak:
        begun = time.perf_counter()
        result = await actor.run_cell("", outputs=["x"])
        back: Any = result.values["x"]
        max(back[::4096])
        seconds = time.perf_counter() - begun
    return inward, Transfer(seconds / size, peak.most / GIB / size)


async def measure_values(keys: list[str], turns: int, size: int) -> dict[str, list[list[Transfer]]]:
    """Return for each backend, for each turn: actor in, actor out, pool in, pool out."""
    rows: dict[str, list[list[Transfer]]] = {key: [] for key in keys}
    make: dict[bool, Callable[[], Any]] = {
        True: lambda: np.ones(size, np.uint8),
        False: lambda: bytearray(size),
    }
    with get_context("forkserver").Pool(1) as pool:
        pid = pool._pool[0].pid  # type: ignore[attr-defined]
        for key in keys:
            value = make[not key.startswith("subint")]()
            for _ in range(turns):
                async with open_nursery() as nursery:
                    actor = await nursery.start_actor(spawn_method=key)
                    wrapped = memoryview(value) if isinstance(value, bytearray) else value
                    await through_actor(actor, wrapped[: 2**20])  # what is loaded on first use
                    ours = await through_actor(actor, wrapped)
                    await actor.run_cell("del x")
                theirs = await trio.to_thread.run_sync(through_pool, pool, pid, value)
                rows[key].append([*ours, *theirs])
                pool.apply(keep, (b"",))
    return rows


def report_values(rows: dict[str, list[list[Transfer]]], size: int) -> dict[str, Any]:
    """Print a table; return what is in it."""
    print(f"\nAn array of {size / GIB:g} GiB into an actor and back, against a pool: per GiB")
    print("  in `subint` and `subint_legacy`, which cannot load numpy here, a memoryview")
    header = ["", "way", "actor, s", "pool, s", "pool / actor", "actor, GiB", "pool, GiB"]
    widths = [16, 5, 10, 9, 14, 12, 11]
    print("".join(cell.ljust(width) for cell, width in zip(header, widths, strict=True)) + "target")
    table: dict[str, Any] = {}
    for key, turns in rows.items():
        for way, name in enumerate(("in", "out")):
            ours, theirs = ([turn[way + 2 * side] for turn in turns] for side in (0, 1))
            times = [sorted(t.seconds for t in side)[len(turns) // 2] for side in (ours, theirs)]
            peaks = [max(t.peak for t in side) for side in (ours, theirs)]
            ratio = times[1] / times[0]
            met = ratio > 1 and peaks[0] <= LIMIT
            verdict = f"{'met' if met else 'MISSED'}: faster, at most {LIMIT} GiB"
            cells = [f"  {key}", name, *(f"{t:.2f}" for t in times), f"{ratio:.1f}"]
            cells += [f"{peak:.2f}" for peak in peaks]
            line = "".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            print(line + verdict)
            table[f"{key} {name}"] = {
                "seconds": times,
                "ratio": ratio,
                "peaks": peaks,
                "target": verdict,
            }
    return table
