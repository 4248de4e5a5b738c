"""A cell in an actor that lives, alone and beside many, and the start of one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio
from kernel import open_kernel, run_cell
from sides.dask_cluster import open_cluster
from tables import Row, Target
from turns import take_turns

from subint_magic import open_nursery

if TYPE_CHECKING:
    from distributed import Client
    from turns import Plan, Side

    from subint_magic.runtime.nursery import ActorNursery

SUBMIT = "client.submit(…).result()"
TWICE = Target(2)
SOURCE = "abs(-1)"


async def in_kernel(plan: Plan) -> list[Row]:
    """Run cells as a frontend sees them."""
    with open_cluster(1) as cluster, open_kernel() as kernel:
        address = cluster.scheduler_info()["address"]
        run_cell(kernel, f"from distributed import Client\nclient = Client({address!r})")
        run_cell(kernel, "%load_ext subint_magic\n%spawn_backend dask")
        run_cell(kernel, "%%subint -n a\npass")

        def cell(source: str) -> Side:
            async def side() -> float:
                return run_cell(kernel, source)

            return side

        sides = {
            "named": cell(f"%%subint -n a\n{SOURCE}"),
            "anonymous": cell(f"%%subint\n{SOURCE}"),
            "submit": cell("client.submit(abs, -1, pure=False).result()"),
        }
        taken = await take_turns(sides, plan.pick(50, 3))
    return [
        Row("named cell, in a kernel", taken["named"], taken["submit"], SUBMIT, TWICE),
        Row("anonymous cell, in a kernel", taken["anonymous"], taken["submit"], SUBMIT),
    ]


async def without_kernel(plan: Plan) -> list[Row]:
    """Run cells of one actor alone, then of the same beside many."""
    many = plan.pick(200, 16)
    with open_cluster(8) as client:
        async with open_nursery() as nursery:
            first = await nursery.start_actor("first", spawn_method="dask")

            async def cell() -> float:
                started = time.perf_counter()
                await first.run_cell(SOURCE)
                return time.perf_counter() - started

            trips = {"cell": cell, "submit": _submit(client)}
            alone = await take_turns(trips, plan.pick(100, 3))
            starts = await take_turns(
                {"ours": _start(nursery), "floor": _start_bare(client)}, plan.pick(15, 2)
            )
            async with trio.open_nursery() as starting:
                for _ in range(many - 1):
                    starting.start_soon(_start_one, nursery)
            beside = await take_turns(trips, plan.pick(100, 3))
    bare = "an empty Dask Actor, and a call"
    return [
        Row("named cell, without a kernel", alone["cell"], alone["submit"], SUBMIT, TWICE),
        Row(f"the same, as one of {many}", beside["cell"], beside["submit"], SUBMIT, TWICE),
        Row("start of an actor and its first cell", starts["ours"], starts["floor"], bare),
    ]


def _submit(client: Client) -> Side:
    async def side() -> float:
        started = time.perf_counter()
        client.submit(abs, -1, pure=False).result()
        return time.perf_counter() - started

    return side


async def _start_one(nursery: ActorNursery) -> None:
    await nursery.start_actor(spawn_method="dask")


def _start(nursery: ActorNursery) -> Side:
    async def side() -> float:
        started = time.perf_counter()
        actor = await nursery.start_actor(spawn_method="dask")
        await actor.run_cell(SOURCE)
        seconds = time.perf_counter() - started
        await actor.close()
        return seconds

    return side


class _Empty:
    def get(self) -> int:
        return 1


def _start_bare(client: Client) -> Side:
    async def side() -> float:
        started = time.perf_counter()
        actor = client.submit(_Empty, actor=True, pure=False).result()
        actor.get().result()
        return time.perf_counter() - started

    return side
