"""From nothing to the first output of an actor."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sides.floors import FLOORS
from tables import Figure, Row, Table, Target
from turns import take_turns

from subint_magic import open_nursery

if TYPE_CHECKING:
    from turns import Plan, Side

TARGETS = {"subint": Target(2), "mp_forkserver": Target(1.5), "trio": Target(2)}


async def measure(plan: Plan) -> list[Table]:
    async with open_nursery() as nursery:

        def actor(key: str) -> Side:
            async def start() -> float:
                arrived: list[float] = []
                started = time.perf_counter()
                actor = await nursery.start_actor(spawn_method=key)
                sink = lambda _: arrived.append(time.perf_counter())  # noqa: E731
                await actor.run_cell("print('x')", sink=sink)
                await actor.close()
                return arrived[0] - started

            return start

        def floor(key: str) -> Side:
            async def start() -> float:
                return FLOORS[key][1]()

            return start

        sides: dict[str, Side] = {}
        for key in plan.keys:
            sides |= {key: actor(key), f"floor of {key}": floor(key)}
        taken = await take_turns(sides, plan.pick(25, 3))
    rows = [
        Row(key, taken[key], taken[f"floor of {key}"], FLOORS[key][0], TARGETS.get(key))
        for key in plan.keys
    ]
    title = "Cold start of an actor to its first output"
    return [Table(title, "ms", Figure.RATIO, rows + plan.refusals())]
