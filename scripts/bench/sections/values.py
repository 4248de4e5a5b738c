"""An array into an actor, and back."""

from __future__ import annotations

import mmap
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from peak import Peak
from sides.kept import give, keep, read
from sides.pools import INTERPRETERS, PROCESSES, open_pools
from tables import Figure, Row, Table, Target
from turns import take_turns

from subint_magic import open_nursery

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sides.pools import Call
    from turns import Plan

    from subint_magic import Actor

MB = 10**6
SIZES = {"1 MB": MB, "100 MB": 100 * MB, "1 GiB": 2**30}
TURNS = {"1 MB": 50, "100 MB": 7, "1 GiB": 2}
JUDGED = "100 MB"
LOKY_LIMIT = 300 * MB
"""By how much a worker of loky may grow; it ends then, and what it keeps is gone."""
MEMORY = 1.2
"""Bytes beside the array itself, at most, for each byte that moves in one direction."""
MEMCPY = "memcpy to new memory"
MEMFD = "a new file in memory, bare"
WAYS = ("in", "out")


@dataclass(frozen=True)
class Mover:
    """Moves a value into a worker, and gets back what went in last."""

    make: Callable[[int], Any]
    put: Callable[[Any], Awaitable[object]]
    get: Callable[[], Awaitable[Any]]


def through_actor(actor: Actor) -> Mover:
    """For sub-interpreters a memoryview, as numpy cannot load in each of them."""

    async def put(value: Any) -> object:
        return await actor.run_cell("_ = max(memoryview(x)[::4096])", inputs={"x": value})

    async def get() -> Any:
        result = await actor.run_cell("", outputs=["x"])
        return result.values["x"]

    inside = actor.spawn_method.startswith("subint")
    return Mover((lambda n: memoryview(bytearray(n))) if inside else ones, put, get)


def through_pool(name: str, call: Call) -> Mover:
    async def put(value: Any) -> object:
        return await call(keep, value)

    async def get() -> Any:
        return await call(give)

    return Mover(bytes if name == INTERPRETERS else ones, put, get)


def by_memcpy() -> Mover:
    """A copy to memory that was not there before, as nothing that arrives has any."""
    kept: list[Any] = []

    def make(size: int) -> Any:
        value = ones(size)
        np.copy(value)  # memory that the machine itself has to get comes slowly
        return value

    async def put(value: Any) -> object:
        kept[:] = [np.copy(value)]
        return read(kept[0])

    async def get() -> Any:
        return np.copy(kept[0])

    return Mover(make, put, get)


def by_memfd() -> Mover:
    """What the operating system takes for memory that two processes can have: write, map, read."""
    kept: list[Any] = []

    def cross(value: Any) -> Any:
        fd = os.memfd_create("bench")
        try:
            view, done = memoryview(value), 0
            while done < len(view):
                done += os.write(fd, view[done:])
            return np.frombuffer(mmap.mmap(fd, len(view)), np.uint8)
        finally:
            os.close(fd)

    async def put(value: Any) -> object:
        kept[:] = [cross(value)]
        return read(kept[0])

    async def get() -> Any:
        return cross(kept[0])

    return Mover(ones, put, get)


def ones(size: int) -> Any:
    return np.ones(size, np.uint8)


async def measure(plan: Plan) -> list[Table]:
    speed: list[Row] = []
    against_pool: list[Row] = []
    sizes = {"1 MB": MB, JUDGED: 100 * MB} if plan.quick else SIZES
    with open_pools() as pools:
        del pools["anyio.to_interpreter"]  # as InterpreterPoolExecutor
        async with open_nursery() as nursery:
            movers = {MEMCPY: by_memcpy(), MEMFD: by_memfd()}  # the first is the floor
            for key in plan.keys:
                movers[key] = through_actor(await nursery.start_actor(key, spawn_method=key))
            movers |= {name: through_pool(name, call) for name, call in pools.items()}
            for size, count in sizes.items():
                turns = plan.pick(TURNS[size], 1)
                if count > LOKY_LIMIT:
                    del movers["loky"]
                    speed.append(Row(f"{size}: loky", reason="it ends a worker that has grown"))
                warm_up = 0 if size == "1 GiB" else 1  # it would take minutes
                taken = await take_turns(_sides(movers, count), turns, warm_up)
                speed += _against_memcpy(size, taken, [*movers][1:], plan.keys)
                if size != "1 MB":
                    against_pool += _against_pool(size, taken, plan.keys)
            memory = [row for key in plan.keys for row in await _peaks(key, movers[key], count)]
    return [
        Table("An array in and out", "ms", Figure.SPEED, speed + plan.refusals()),
        Table("An array in and out, against a process pool", "ms", Figure.SPEED, against_pool),
        Table(f"Memory that {size} in and out takes beside it", "MB", Figure.RATIO, memory),
    ]


def _sides(movers: dict[str, Mover], size: int) -> dict[str, Callable[[], Awaitable[float]]]:
    """Return the two ways of each mover; out comes after in."""

    def ways(name: str, mover: Mover) -> dict[str, Callable[[], Awaitable[float]]]:
        async def inward() -> float:
            value = mover.make(size)
            started = time.perf_counter()
            await mover.put(value)
            return time.perf_counter() - started

        async def outward() -> float:
            started = time.perf_counter()
            value = await mover.get()
            read(value)
            seconds = time.perf_counter() - started
            del value
            await mover.put(mover.make(1))  # so that no two keep theirs at once
            return seconds

        return {f"{name} in": inward, f"{name} out": outward}

    return {k: side for name, mover in movers.items() for k, side in ways(name, mover).items()}


def _against_memcpy(
    size: str, taken: dict[str, list[float]], names: list[str], keys: list[str]
) -> list[Row]:
    half = Target(0.5, at_most=False)
    return [
        Row(
            f"{size} {way}: {name}",
            taken[f"{name} {way}"],
            taken[f"{MEMCPY} {way}"],
            MEMCPY,
            half if size == JUDGED and name in keys else None,
        )
        for way in WAYS
        for name in names
    ]


def _against_pool(size: str, taken: dict[str, list[float]], keys: list[str]) -> list[Row]:
    five = Target(5, at_most=False) if size == JUDGED else None
    return [
        Row(
            f"{size} {way}: {key}",
            taken[f"{key} {way}"],
            taken[f"{PROCESSES} {way}"],
            PROCESSES,
            five,
        )
        for way in WAYS
        for key in keys
    ]


async def _peaks(name: str, mover: Mover, size: int) -> list[Row]:
    """Return what memory is used beside what the value itself has."""
    value = mover.make(size)
    with Peak.of() as inward:
        await mover.put(value)
    with Peak.of() as outward:
        value = await mover.get()
        read(value)
    await mover.put(mover.make(1))
    whole = [size / MB]
    return [
        Row(f"{way}: {name}", [peak.most / MB], whole, "the array", Target(MEMORY))
        for way, peak in zip(WAYS, (inward, outward), strict=True)
    ]
