"""A call in a worker that lives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sides.pools import INTERPRETERS, PROCESSES, open_pools
from tables import Figure, Row, Table, Target
from turns import BARE_INTERPRETERS, take_turns

from subint_magic import open_nursery

if TYPE_CHECKING:
    from sides.pools import Call
    from turns import Plan, Side


async def measure(plan: Plan) -> list[Table]:
    def timed(call: Call) -> Side:
        async def side() -> float:
            started = time.perf_counter()
            await call(abs, -1)
            return time.perf_counter() - started

        return side

    with open_pools() as pools:
        async with open_nursery() as nursery:
            actors = [await nursery.start_actor(key, spawn_method=key) for key in plan.keys]
            sides = {f"actor.call, {actor.name}": timed(actor.call) for actor in actors}
            sides |= {name: timed(call) for name, call in pools.items()}
            taken = await take_turns(sides, plan.pick(500, 20))

    title = "A call, abs(-1), in a worker that lives"
    against = PROCESSES if BARE_INTERPRETERS else INTERPRETERS
    floor = taken.pop(against)
    targets = {"actor.call, subint": Target(1.2)}
    rows = [Row(name, times, floor, against, targets.get(name)) for name, times in taken.items()]
    return [Table(title, "ms", Figure.RATIO, rows + plan.refusals("actor.call, {}"))]
