"""An array to a cluster and back."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sides.dask_cluster import open_cluster
from sides.kept import read
from tables import Row, Target
from turns import take_turns

from subint_magic import open_nursery
from subint_magic.cluster.dask import DASK

if TYPE_CHECKING:
    from turns import Plan, Side

    from subint_magic import Actor

SIZE = 10**8
HALF = Target(0.5, at_most=False)
SCATTER = "scatter, and a task"
ARGUMENT = "argument of a task"
RESULT = "future.result()"
VIAS = ("subint", "trio")
"""What hosts the actor on its worker; the actor has that name."""


async def rows(plan: Plan) -> list[Row]:
    """Move 100 MB in and out, by actors and by Dask."""
    vias = [via for via in VIAS if via in plan.keys]
    size = plan.pick(SIZE, SIZE // 10)
    with open_cluster(1) as client:
        kept = client.scatter(_ones(size), hash=False)

        async def scatter() -> float:
            value = _ones(size)
            started = time.perf_counter()
            client.submit(read, client.scatter(value, hash=False), pure=False).result()
            return time.perf_counter() - started

        async def argument() -> float:
            value = _ones(size)
            started = time.perf_counter()
            with warnings.catch_warnings(action="ignore"):  # it advises to scatter it
                client.submit(read, value, pure=False).result()
            return time.perf_counter() - started

        async def result() -> float:
            started = time.perf_counter()
            read(kept.result())
            return time.perf_counter() - started

        sides: dict[str, Side] = {SCATTER: scatter, ARGUMENT: argument, RESULT: result}
        async with open_nursery() as nursery:
            for via in vias:
                DASK.select(["--via", via])
                actor = await nursery.start_actor(via, spawn_method="dask")
                sides |= {f"{via} in": _in(actor, size), f"{via} out": _out(actor)}
            taken = await take_turns(sides, plan.pick(9, 1))
    ways = [("in", SCATTER), ("in", ARGUMENT), ("out", RESULT)]
    return [
        Row(
            f"{size // 10**6} MB {way}: {via}, against {floor}",
            taken[f"{via} {way}"],
            taken[floor],
            floor,
            HALF,
        )
        for way, floor in ways
        for via in vias
    ]


def _ones(size: int) -> Any:
    return np.ones(size, np.uint8)


def _in(actor: Actor, size: int) -> Side:
    async def side() -> float:
        # numpy cannot load in each kind of interpreter
        value: Any = memoryview(bytearray(size)) if actor.name == "subint" else _ones(size)
        started = time.perf_counter()
        await actor.run_cell("_ = max(memoryview(x)[::4096])", inputs={"x": value})
        return time.perf_counter() - started

    return side


def _out(actor: Actor) -> Side:
    async def side() -> float:
        started = time.perf_counter()
        result = await actor.run_cell("", outputs=["x"])
        read(result.values["x"])
        return time.perf_counter() - started

    return side
