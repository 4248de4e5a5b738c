"""A call in a worker that lives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sides.pools import INTERPRETERS, PROCESSES, open_pools
from sides.trips import open_trip
from tables import Figure, Row, Table, Target
from turns import BARE_INTERPRETERS, take_turns

from subint_magic import open_nursery

if TYPE_CHECKING:
    from sides.pools import Call
    from turns import Plan, Side


TRIP = "bare: by trio over a socket to two threads, and back"


async def measure(plan: Plan) -> list[Table]:
    def timed(call: Call, *args: object) -> Side:
        async def side() -> float:
            started = time.perf_counter()
            await call(*args)
            return time.perf_counter() - started

        return side

    with open_pools() as pools:
        async with open_nursery() as nursery, open_trip() as trip:
            actors = [await nursery.start_actor(key, spawn_method=key) for key in plan.keys]
            sides = {f"actor.call, {actor.name}": timed(actor.call, abs, -1) for actor in actors}
            sides |= {TRIP: timed(trip)}
            sides |= {name: timed(call, abs, -1) for name, call in pools.items()}
            taken = await take_turns(sides, plan.pick(500, 20))

    title = "A call, abs(-1), in a worker that lives"
    against = PROCESSES if BARE_INTERPRETERS else INTERPRETERS
    floor = taken.pop(against)
    targets = {"actor.call, subint": Target(1.2)}
    rows = [Row(name, times, floor, against, targets.get(name)) for name, times in taken.items()]
    return [Table(title, "ms", Figure.RATIO, rows + plan.refusals("actor.call, {}"))]
