"""The memory of an idle actor, against something bare that has imported the same modules."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import trio
from kernel import open_kernel, run, run_cell, set_spares
from pss import family_pss
from sides.bare import import_and_wait, source
from sides.floors import make_interpreter
from tables import Figure, Row, Table, Target
from turns import in_fresh_process

from subint_magic import open_nursery

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.interpreters import Interpreter

    from turns import Plan

SETTLE = 0.3
"""Seconds after which what was started is idle."""

AGAINST = {
    "subint": "a bare interpreter",
    "subint_legacy": "a bare interpreter",
    "trio": "a bare python -c",
    "mp_spawn": "a bare Process",
    "mp_forkserver": "a bare Process",
}


async def measure(plan: Plan) -> list[Table]:
    turns, count = plan.pick(3, 1), plan.pick(10, 3)
    rows = []
    for key in plan.keys:
        ours, floor = [], []
        for _ in range(turns):
            megabytes, modules = in_fresh_process(of_actors, key, count)
            ours.append(megabytes)
            floor.append(in_fresh_process(of_bare, key, count, modules))
        target = Target(1.3) if key == "subint" else None
        rows.append(Row(key, ours, floor, AGAINST[key], target))
        spares = [in_fresh_process(of_spares, key, count) for _ in range(turns)]
        rows.append(Row(f"spare {key}", spares, floor, AGAINST[key]))
    note = (
        f"PSS, and that of all processes behind it: what each of {count} adds to the first."
        " The bare ones have imported what the actors have."
    )
    title = "Memory of an idle actor"
    return [Table(title, "MB", Figure.RATIO, rows + plan.refusals(), note)]


def of_actors(key: str, count: int) -> tuple[float, list[str]]:
    """Return the MB of an actor that has run a cell, and its modules."""

    async def grow() -> tuple[float, list[str]]:
        async with open_nursery() as nursery:

            async def start() -> None:
                actor = await nursery.start_actor(spawn_method=key)
                await actor.run_cell("pass")

            await start()
            await trio.sleep(SETTLE)
            before = family_pss()
            for _ in range(count):
                await start()
            await trio.sleep(SETTLE)
            each = (family_pss() - before) / count
            actor = next(iter(nursery.actors.values()))
            listed = await actor.run_cell("import sys\nprint(*sys.modules)")
            return each, listed.stdout.split()

    return trio.run(grow)


def of_bare(key: str, count: int, modules: list[str]) -> float:
    """Return the MB of something bare with these modules."""
    if key.startswith("subint"):
        return _of_interpreters(count, modules, legacy=key == "subint_legacy")
    if key == "trio":
        return _of_pythons(count, modules)
    return _of_processes(count, modules, key.removeprefix("mp_"))


def of_spares(key: str, count: int) -> float:
    """Return the MB of a spare actor in a kernel."""
    with open_kernel() as client:
        pid = int(run(client, "import os\nprint(os.getpid())").shown)
        run_cell(client, "%load_ext subint_magic")
        set_spares(client, key, 1)
        before = family_pss(pid)
        set_spares(client, key, 1 + count)
        return (family_pss(pid) - before) / count


def _each(start: Callable[[], object], count: int) -> float:
    """Return the MB that each further one takes."""
    start()
    time.sleep(SETTLE)
    before = family_pss()
    for _ in range(count):
        start()
    time.sleep(SETTLE)
    return (family_pss() - before) / count


def _of_interpreters(count: int, modules: list[str], *, legacy: bool) -> float:
    interpreters: list[Interpreter] = []

    def start() -> None:
        interpreters.append(make_interpreter(legacy=legacy))
        interpreters[-1].exec(source(modules))

    each = _each(start, count)
    for interpreter in interpreters:
        interpreter.close()
    return each


def _of_pythons(count: int, modules: list[str]) -> float:
    code = f"{source(modules)}\nprint('x', flush=True)\nsys.stdin.read()"
    with ExitStack() as ends:

        def start() -> None:
            command = [sys.executable, "-c", code]
            popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            process = ends.enter_context(popen)
            assert process.stdout is not None
            process.stdout.read(1)

        return _each(start, count)


def _of_processes(count: int, modules: list[str], start_method: str) -> float:
    context: Any = multiprocessing.get_context(start_method)
    with ExitStack() as ends:

        def start() -> None:
            ours, theirs = context.Pipe()
            process = context.Process(target=import_and_wait, args=(modules, theirs))
            process.start()
            ours.recv_bytes()
            ends.callback(process.join)
            ends.callback(ours.send_bytes, b"x")

        return _each(start, count)
