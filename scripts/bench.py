"""Measure what an actor costs, each against the bare thing that it stands on.

    python scripts/bench.py [--quick] [--json FILE]

The two sides of a comparison take turns, A B A B …, so that a machine whose speed drifts favours
neither. Each number is the median of all turns, then the 10th and the 90th percentile.
"""

from __future__ import annotations

import argparse
import json
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
from typing import TYPE_CHECKING

# A process that multiprocessing spawns imports this module again: what is heavy comes later.
if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient

type Side = Callable[[str], Awaitable[float]]
"""Does its work once on the backend of this key; returns the seconds it took."""
type Pairs = dict[str, list[tuple[float, float]]]
"""The seconds of both sides in each turn, by backend."""


@dataclass(frozen=True)
class Comparison:
    title: str
    sides: tuple[str, str]
    figures: dict[
        str, Callable[[float, float], float]
    ]  # of the two sides; the target is the last's
    at_most: float | None = None
    at_least: float | None = None
    judged: tuple[str, ...] | None = None  # the backends that have the target, if not all

    def verdict(self, key: str, value: float) -> str:
        if self.judged is not None and key not in self.judged:
            return ""
        if self.at_most is not None:
            return f"{'MISSED' if value > self.at_most else 'met'}: at most {self.at_most}"
        assert self.at_least is not None
        return f"{'MISSED' if value < self.at_least else 'met'}: at least {self.at_least}"


COLD_START = Comparison(
    "Cold start to the first output, against the bare floor",
    ("actor, ms", "floor, ms"),
    {"actor / floor": lambda actor, floor: actor / floor},
    at_most=2.5,
    judged=("subint",),
)
ROUND_TRIP = Comparison(
    "A cell in a named actor, against the same cell in the kernel",
    ("actor, ms", "kernel, ms"),
    {
        "actor / kernel": lambda actor, kernel: actor / kernel,
        "added, ms": lambda actor, kernel: (actor - kernel) * 1000,
    },
    at_most=1.5,
)
SPEED_UP = Comparison(
    "Two CPU-bound actors at once, against one",
    ("two, ms", "one, ms"),
    {"2 * one / two": lambda two, one: 2 * one / two},
    at_least=1.85,
    judged=("subint",),
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
    from subint_magic import open_nursery

    async with open_nursery() as nursery:

        async def actor(key: str) -> float:
            arrived: list[float] = []
            started = time.perf_counter()
            actor = await nursery.start_actor(spawn_method=key)
            await actor.run_cell("print('x')", sink=lambda _: arrived.append(time.perf_counter()))
            await actor.close()
            return arrived[0] - started

        async def floor(key: str) -> float:
            return FLOORS[key]()

        return await take_turns(keys, turns, actor, floor)


# What each floor holds. An actor's clock stops at its first output, when it is up and has said
# hello, got a cell and answered. A floor only starts the thing for one fixed byte of output; those
# of sub-interpreters and `python -c` hold its end too, as nobody starts one and leaves it there.


def subint_floor(*, legacy: bool = False) -> float:
    """Create, exec and close, in a thread of its own as an actor's has."""
    import _interpreters
    from concurrent import interpreters

    def drive() -> None:
        if legacy:
            it = interpreters.Interpreter(_interpreters.create("legacy", reqrefs=True))
        else:
            it = interpreters.create()
        it.exec(f"import os; os.write({writer}, b'x')")
        it.close()

    reader, writer = os.pipe()
    started = time.perf_counter()
    thread = threading.Thread(target=drive)
    thread.start()
    thread.join()
    seconds = time.perf_counter() - started
    assert os.read(reader, 1) == b"x"
    os.close(reader)
    os.close(writer)
    return seconds


def python_floor() -> float:
    """``python -c``, until its output was read and it has ended."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", "print('x')"], capture_output=True, check=True)
    seconds = time.perf_counter() - started
    assert done.stdout == b"x\n"
    return seconds


def mp_floor(start_method: str) -> float:
    """A Process, until its first byte is here. The fork server runs already."""
    import multiprocessing

    context = multiprocessing.get_context(start_method)
    reader, writer = context.Pipe(duplex=False)
    started = time.perf_counter()
    process = context.Process(target=writer.send_bytes, args=(b"x",))  # type: ignore[attr-defined]
    process.start()
    assert reader.recv_bytes() == b"x"
    seconds = time.perf_counter() - started
    process.join()
    process.close()
    reader.close()
    writer.close()
    return seconds


FLOORS: dict[str, Callable[[], float]] = {
    "subint": subint_floor,
    "subint_legacy": partial(subint_floor, legacy=True),
    "trio": python_floor,
    "mp_spawn": partial(mp_floor, "spawn"),
    "mp_forkserver": partial(mp_floor, "forkserver"),
}


async def measure_round_trip(keys: list[str], turns: int) -> Pairs:
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3", transport="ipc")  # over TCP it prints a warning
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()

    async def actor(key: str) -> float:
        return run_cell(client, f"%%subint -n {key}\nx")

    async def kernel(_: str) -> float:
        return run_cell(client, "x")

    try:
        client.wait_for_ready(timeout=60)
        run_cell(client, "%load_ext subint_magic\nx = 1")
        for key in keys:
            run_cell(client, f"%%subint -n {key} -b {key}\nx = 1")
        return await take_turns(keys, turns, actor, kernel)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


def run_cell(client: BlockingKernelClient, source: str) -> float:
    """Run a cell as a frontend does, until its reply and all its output have come."""
    started = time.perf_counter()
    request = client.execute(source, store_history=False)
    reply = client.get_shell_msg(timeout=60)
    while True:
        message = client.get_iopub_msg(timeout=60)
        ours = message["parent_header"].get("msg_id") == request
        if ours and message["content"].get("execution_state") == "idle":
            break
    seconds = time.perf_counter() - started
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"the cell {source!r} failed: {reply['content']['evalue']}")
    return seconds


async def measure_speed_up(keys: list[str], turns: int, seconds: float) -> Pairs:
    import trio

    from subint_magic import open_nursery

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
        loops = int(probe * seconds / await run(keys[0], 1, probe))
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
    print(f"  {'':14}" + "".join(f"{column:26}" for column in header) + "target")
    rows: dict[str, object] = dict(reasons)
    for key, turns in pairs.items():
        columns = [[seconds * 1000 for seconds in side] for side in zip(*turns, strict=True)]
        columns += [[figure(*turn) for turn in turns] for figure in comparison.figures.values()]
        summaries = [summary(column) for column in columns]
        verdict = comparison.verdict(key, summaries[-1][0])
        cells = [f"{mid:.2f} ({low:.2f} to {high:.2f})" for mid, low, high in summaries]
        print(f"  {key:14}" + "".join(f"{cell:26}" for cell in cells) + verdict)
        rows[key] = dict(zip(header, summaries, strict=True)) | {"target": verdict}
    for key, reason in reasons.items():
        print(f"  {key:14}cannot run here: {reason}")
    return rows


def main() -> None:
    import trio

    from subint_magic import spawn_methods

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only a few turns: a smoke test")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there as well")
    options = parser.parse_args()

    statuses = [status for status in spawn_methods() if status.key in FLOORS]
    keys = [status.key for status in statuses if status.available]
    reasons = {status.key: status.reason for status in statuses if status.reason}
    cold, trips, spins, spin = (2, 5, 2, 0.05) if options.quick else (25, 100, 10, 0.25)
    print(f"Python {platform.python_version()}, {os.process_cpu_count()} cores.")
    print("Medians of all turns, with the 10th to the 90th percentile.")
    tables = {}
    for comparison, pairs in (
        (COLD_START, partial(measure_cold_start, keys, cold)),
        (ROUND_TRIP, partial(measure_round_trip, keys, trips)),
        (SPEED_UP, partial(measure_speed_up, keys, spins, spin)),
    ):
        tables[comparison.title] = report(comparison, trio.run(pairs), reasons)
    if options.json:
        facts = {"python": platform.python_version(), "cores": os.process_cpu_count()}
        options.json.write_text(json.dumps({**facts, "tables": tables}, indent=2) + "\n")


if __name__ == "__main__":
    main()
