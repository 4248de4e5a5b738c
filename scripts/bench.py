"""Measure what an actor costs, against the bare thing that it stands on.

    python scripts/bench.py [--quick] [--json FILE]

The two sides of a comparison take turns, A B A B …, so that a machine whose speed drifts favours
neither. Each number is the median of all turns, then the 10th and the 90th percentile.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

import trio
from bench_kernel import open_kernel, run_cell
from bench_panel import WORK, measure_panel
from bench_values import measure_values, report_values

from subint_magic import open_nursery, spawn_methods

type Side = Callable[[str], Awaitable[float]]
"""Does its work once on the backend of this key; returns the seconds it took."""
type Pairs = dict[str, list[tuple[float, float]]]
"""The seconds of both sides in each turn, by backend."""

KEYS = ("subint", "subint_legacy", "trio", "mp_spawn", "mp_forkserver")


@dataclass(frozen=True)
class Comparison:
    title: str
    sides: tuple[str, str]
    figures: dict[str, Callable[[float, float], float]]  # made of both sides; the last is judged
    target: float
    at_most: bool
    judged: tuple[str, ...]  # the backends that have this target

    def verdict(self, key: str, value: float) -> str:
        if key not in self.judged:
            return ""
        missed = value > self.target if self.at_most else value < self.target
        bound = "at most" if self.at_most else "at least"
        return f"{'MISSED' if missed else 'met'}: {bound} {self.target}"


COLD_START = Comparison(
    "Cold start to the first output, against the bare floor",
    ("actor, ms", "floor, ms"),
    {"actor / floor": lambda actor, floor: actor / floor},
    target=2.5,
    at_most=True,
    judged=("subint",),
)
ROUND_TRIP = Comparison(
    "A cell in a named actor, against the same cell in the kernel",
    ("actor, ms", "kernel, ms"),
    {
        "actor / kernel": lambda actor, kernel: actor / kernel,
        "added, ms": lambda actor, kernel: (actor - kernel) * 1000,
    },
    target=1.5,
    at_most=True,
    judged=KEYS,
)
SPEED_UP = Comparison(
    "Two CPU-bound actors at once, against one",
    ("two, ms", "one, ms"),
    {"2 * one / two": lambda two, one: 2 * one / two},
    target=1.85,
    at_most=False,
    judged=("subint",),
)
PANEL = Comparison(
    "Cells in a kernel with the panel open and seen, against the same without it",
    ("with, ms", "without, ms"),
    {"with / without": lambda watched, alone: watched / alone},
    target=1.05,
    at_most=True,
    judged=tuple(WORK),
)


async def take_turns(keys: list[str], turns: int, a: Side, b: Side) -> Pairs:
    pairs: Pairs = {key: [] for key in keys}
    for turn in range(1 + turns):
        for key in keys:
            seconds = await a(key), await b(key)
            if turn > 0:  # the first one warms up
                pairs[key].append(seconds)
    return pairs


async def measure_cold_start(keys: list[str], turns: int) -> Pairs:
    async with open_nursery() as nursery:

        async def actor(key: str) -> float:
            arrived: list[float] = []
            started = time.perf_counter()
            actor = await nursery.start_actor(spawn_method=key)
            await actor.run_cell("print('x')", sink=lambda _: arrived.append(time.perf_counter()))
            await actor.close()
            return arrived[0] - started

        async def floor(key: str) -> float:
            if key.startswith("mp_"):
                return process_floor(key.removeprefix("mp_"))
            return python_floor() if key == "trio" else interpreter_floor(key == "subint_legacy")

        return await take_turns(keys, turns, actor, floor)


# What each floor holds. An actor's clock stops at its first output, when it is up and has said
# hello, got a cell and answered. A floor only starts the thing for one line of code; those of
# sub-interpreters and `python -c` hold its end too, as nobody starts one and leaves it there.


def interpreter_floor(legacy: bool) -> float:
    """Create, exec and close, in a thread of its own as an actor's has."""
    import _interpreters
    from concurrent import interpreters

    def drive() -> None:
        if legacy:
            it = interpreters.Interpreter(_interpreters.create("legacy", reqrefs=True))
        else:
            it = interpreters.create()
        it.exec("print(end='')")
        it.close()

    started = time.perf_counter()
    thread = threading.Thread(target=drive)
    thread.start()
    thread.join()
    return time.perf_counter() - started


def python_floor() -> float:
    """``python -c``, until its output was read and it has ended."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "print('x')"], capture_output=True, check=True)
    return time.perf_counter() - started


def process_floor(start_method: str) -> float:
    """A Process of multiprocessing, until its first byte is here. A fork server runs before."""
    context = multiprocessing.get_context(start_method)
    reader, writer = context.Pipe(duplex=False)
    with reader, writer:
        started = time.perf_counter()
        process = context.Process(target=writer.send_bytes, args=(b"x",))  # type: ignore[attr-defined]
        process.start()
        reader.recv_bytes()
        seconds = time.perf_counter() - started
        process.join()
        process.close()
    return seconds


async def measure_round_trip(keys: list[str], turns: int) -> Pairs:
    with open_kernel() as client:

        async def actor(key: str) -> float:
            return run_cell(client, f"%%subint -n {key}\nx")

        async def kernel(_: str) -> float:
            return run_cell(client, "x")

        run_cell(client, "%load_ext subint_magic\nx = 1")
        for key in keys:
            run_cell(client, f"%%subint -n {key} -b {key}\nx = 1")
        return await take_turns(keys, turns, actor, kernel)


async def measure_speed_up(keys: list[str], turns: int, seconds: float) -> Pairs:
    async with open_nursery() as nursery:
        actors = {key: [await nursery.start_actor(spawn_method=key) for _ in "ab"] for key in keys}
        for pair in actors.values():
            for actor in pair:
                await actor.run_cell("def spin(n):\n    for i in range(n): i * i")

        async def run(key: str, count: int, loops: int) -> float:
            started = time.perf_counter()
            async with trio.open_nursery() as tasks:
                for actor in actors[key][:count]:
                    tasks.start_soon(actor.run_cell, f"spin({loops})")
            return time.perf_counter() - started

        probe = 10**6
        loops = int(probe * seconds / min([await run(keys[0], 1, probe) for _ in range(3)]))
        two, one = partial(run, count=2, loops=loops), partial(run, count=1, loops=loops)
        return await take_turns(keys, turns, two, one)


def summary(values: list[float]) -> list[float]:
    """Return the 50th, 10th and 90th percentile."""
    ordered = sorted(values)
    return [ordered[round(share * (len(ordered) - 1))] for share in (0.5, 0.1, 0.9)]


def report(comparison: Comparison, pairs: Pairs, reasons: dict[str, str]) -> dict[str, object]:
    """Print a table; return what is in it."""
    header = [*comparison.sides, *comparison.figures]
    print(f"\n{comparison.title}")
    print(f"  {'':16}" + "".join(f"{column:26}" for column in header) + "target")
    rows: dict[str, object] = dict(reasons)
    for key, turns in pairs.items():
        columns = [[seconds * 1000 for seconds in side] for side in zip(*turns, strict=True)]
        columns += [[figure(*turn) for turn in turns] for figure in comparison.figures.values()]
        summaries = [summary(column) for column in columns]
        verdict = comparison.verdict(key, summaries[-1][0])
        cells = [f"{mid:.2f} ({low:.2f} to {high:.2f})" for mid, low, high in summaries]
        print(f"  {key:16}" + "".join(f"{cell:26}" for cell in cells) + verdict)
        rows[key] = dict(zip(header, summaries, strict=True)) | {"target": verdict}
    for key, reason in reasons.items():
        print(f"  {key:16}cannot run here: {reason}")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only a few turns: a smoke test")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there as well")
    options = parser.parse_args()

    statuses = [status for status in spawn_methods() if status.key in KEYS]
    keys = [status.key for status in statuses if status.available]
    reasons = {status.key: status.reason for status in statuses if status.reason}
    cold, trips, spins, spin = (3, 5, 3, 0.05) if options.quick else (25, 100, 10, 0.25)
    python, cores, load = platform.python_version(), os.process_cpu_count(), os.getloadavg()[0]
    print(f"Python {python}, {cores} cores, load before {load:.2f}.")
    print("Medians of all turns, with the 10th to the 90th percentile.")
    tables = {}
    for comparison, measure in (
        (COLD_START, partial(measure_cold_start, keys, cold)),
        (ROUND_TRIP, partial(measure_round_trip, keys, trips)),
        (SPEED_UP, partial(measure_speed_up, keys, spins, spin)),
    ):
        tables[comparison.title] = report(comparison, trio.run(measure), reasons)
    tables[PANEL.title] = report(PANEL, measure_panel(trips), {})
    size = 2**27 if options.quick else 2**30
    moved = trio.run(measure_values, keys, 1 if options.quick else 3, size)
    tables["Values"] = report_values(moved, size)
    if options.json:
        facts = {"python": python, "cores": cores, "load": load}
        options.json.write_text(json.dumps({**facts, "tables": tables}, indent=2) + "\n")


if __name__ == "__main__":
    # multiprocessing's children import the file of `__main__`. In a kernel they find none.
    sys.modules["__main__"] = ModuleType("__main__")
    main()
