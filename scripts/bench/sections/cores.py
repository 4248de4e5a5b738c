"""Work that needs a core, in one actor and in two at once."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import trio
from sides.floors import make_interpreter
from tables import Figure, Row, Table, Target
from turns import BARE_INTERPRETERS, take_turns

from subint_magic import open_nursery

if TYPE_CHECKING:
    from turns import Plan, Side

    from subint_magic import Actor

SPIN = "def spin(n):\n    for i in range(n): i * i"


async def measure(plan: Plan) -> list[Table]:
    title = "CPU-bound work on actors, against raw isolated interpreters on threads"
    if BARE_INTERPRETERS:
        return [Table(title, "ms", Figure.SPEED, [Row("raw", reason=BARE_INTERPRETERS)])]
    raw = [make_interpreter() for _ in "ab"]
    for interpreter in raw:
        interpreter.exec(SPIN)

    def on_raw(count: int, loops: int) -> Side:
        async def run() -> float:
            started = time.perf_counter()
            threads = [
                threading.Thread(target=interpreter.exec, args=(f"spin({loops})",))
                for interpreter in raw[:count]
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return time.perf_counter() - started

        return run

    def on_actors(actors: list[Actor], loops: int) -> Side:
        async def run() -> float:
            started = time.perf_counter()
            async with trio.open_nursery() as tasks:
                for actor in actors:
                    tasks.start_soon(actor.run_cell, f"spin({loops})")
            return time.perf_counter() - started

        return run

    probe = 10**6
    # What it takes to do the work for 0.25 s, or 0.05 s.
    loops = int(probe * plan.pick(25, 5) / 100 / min([await on_raw(1, probe)() for _ in range(3)]))
    async with open_nursery() as nursery:
        sides = {f"raw {count}": on_raw(count, loops) for count in (1, 2)}
        for key in plan.keys:
            actors = [await nursery.start_actor(spawn_method=key) for _ in "ab"]
            for actor in actors:
                await actor.run_cell(SPIN)
            sides |= {f"{key} {n}": on_actors(actors[:n], loops) for n in (1, 2)}
        taken = await take_turns(sides, plan.pick(15, 3))
    for interpreter in raw:
        interpreter.close()

    rows = []
    for count, actors_, target in ((1, "one", None), (2, "two", Target(0.97, at_most=False))):
        floor, against = taken[f"raw {count}"], f"{actors_} raw"
        for key in plan.keys:
            judged = target if key == "subint" else None
            rows.append(Row(f"{actors_} {key}", taken[f"{key} {count}"], floor, against, judged))
    note = "Both of two do the same work as one: twice the time of one means a shared core or GIL."
    return [Table(title, "ms", Figure.SPEED, rows + plan.refusals(), note)]
