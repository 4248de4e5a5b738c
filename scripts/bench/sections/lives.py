"""Many actors: two hundred at once, and a thousand one after another."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psutil
import trio
from sides.floors import make_interpreter
from tables import Figure, Row, Table, Target
from turns import BARE_INTERPRETERS, in_fresh_process

from subint_magic import open_nursery

if TYPE_CHECKING:
    from concurrent.interpreters import Interpreter

    from turns import Plan

BARE = "bare interpreter"

type Life = tuple[list[float], list[float]]
"""Milliseconds until each was ready, and the MB of this process then."""


async def measure(plan: Plan) -> list[Table]:
    bare = [] if BARE_INTERPRETERS else [BARE]
    crowded, some = plan.pick(200, 10), plan.pick(10, 3)
    at_once = {
        name: in_fresh_process(live, name, crowded, in_sequence=False)[0]
        for name in [*bare, *plan.keys]
    }
    refusals = plan.refusals()
    first = f"the first {some}"
    crowd = [
        Row(name, times[-some:], times[:some], first, None if name == BARE else Target(1.3))
        for name, times in at_once.items()
    ]
    tables = [
        Table(f"Start of the last of {crowded} live actors", "ms", Figure.RATIO, crowd + refusals)
    ]
    if BARE_INTERPRETERS:
        return tables
    # Only what lives in this process: a process takes with it what it leaves behind.
    many, most, warm = plan.pick(1000, 20), plan.pick(100, 5), plan.pick(50, 5)
    lives = {
        name: in_fresh_process(live, name, many, in_sequence=True) for name in (BARE, "subint")
    }
    first = f"the first {most}"
    slope = [
        Row(name, times[-most:], times[:most], first, None if name == BARE else Target(1.1))
        for name, (times, _) in lives.items()
    ]
    growth = [
        Row(name, [rss[-1]], [rss[warm]], f"after {warm}", None if name == BARE else Target(5))
        for name, (_, rss) in lives.items()
    ]
    return [
        *tables,
        Table(f"Life of the last of {many} in sequence", "ms", Figure.RATIO, slope),
        Table(f"Memory after {many} in sequence", "MB", Figure.ADDED, growth),
    ]


def live(name: str, count: int, *, in_sequence: bool) -> Life:
    """Start so many; end each before the next, if *in_sequence*, else all at the end."""
    if name == BARE:
        return bare_lives(count, in_sequence=in_sequence)
    return trio.run(actor_lives, name, count, in_sequence)


async def actor_lives(key: str, count: int, in_sequence: bool) -> Life:
    process = psutil.Process()
    times: list[float] = []
    memory: list[float] = []
    async with open_nursery() as nursery:
        # What all of them share is started, a fork server for example.
        await (await nursery.start_actor(spawn_method=key)).close()
        for _ in range(count):
            started = time.perf_counter()
            actor = await nursery.start_actor(spawn_method=key)
            if in_sequence:
                await actor.run_cell("pass")
                await actor.close()
            times.append((time.perf_counter() - started) * 1000)
            memory.append(process.memory_info().rss / 10**6)
    return times, memory


def bare_lives(count: int, *, in_sequence: bool) -> Life:
    """The same with nothing but interpreters, each made in a thread of its own."""
    process = psutil.Process()
    times: list[float] = []
    memory: list[float] = []
    kept: list[Interpreter] = []

    def start() -> None:
        interpreter = make_interpreter()
        interpreter.exec("pass")
        if in_sequence:
            interpreter.close()
        else:
            kept.append(interpreter)

    for _ in range(count):
        started = time.perf_counter()
        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        times.append((time.perf_counter() - started) * 1000)
        memory.append(process.memory_info().rss / 10**6)
    for interpreter in kept:
        interpreter.close()
    return times, memory
