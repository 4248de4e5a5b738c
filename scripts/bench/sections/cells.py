"""A cell, as a frontend sees it, in all that can run one: what that adds to a plain cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import trio
from kernel import open_kernel, run_cell, set_spares
from sides.pools import INTERPRETERS, PROCESSES
from tables import Figure, Row, Table, Target
from turns import BARE_INTERPRETERS, take_turns

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient
    from turns import Plan, Side

PLAIN = "plain cell"
SOURCE = "abs(-1)"
PAUSE = 0.1
"""Seconds before each cell, as nobody types faster: what the cell before has left to do is done,
also the end of its actor, which comes 50 ms later.
"""

TRIP = "bare: to trio, a guest, over a socket to two threads, and back"
ALTERNATIVES = {
    TRIP: (
        f"import sys; sys.path.append({str(Path(__file__).parents[1])!r})\n"
        "from sides.trips import GuestTrips\n"
        "trips = GuestTrips(get_ipython().kernel.control_thread.io_loop.asyncio_loop)",
        "trips.make()",
    ),
    "%%script python": ("", "%%script python\nprint(abs(-1))"),
    "ipyparallel %%px": (
        "import ipyparallel, logging\n"
        "cluster = ipyparallel.Cluster(n=1, log_level=logging.ERROR)\n"
        "cluster.start_and_connect_sync().activate();",
        "%%px\nabs(-1)",
    ),
    INTERPRETERS: (
        "from concurrent.futures import InterpreterPoolExecutor\n"
        "interpreters = InterpreterPoolExecutor(1)",
        "interpreters.submit(abs, -1).result()",
    ),
    "anyio.to_interpreter": (
        "from anyio import to_interpreter",
        "await to_interpreter.run_sync(abs, -1)",
    ),
    # The kernel's loop is asyncio: trio needs a thread.
    "trio-parallel": (
        "import asyncio, trio, trio_parallel",
        "await asyncio.to_thread(trio.run, trio_parallel.run_sync, abs, -1)",
    ),
    "loky": (
        "import loky",
        "loky.get_reusable_executor(max_workers=1, timeout=3600).submit(abs, -1).result()",
    ),
    PROCESSES: (
        "from concurrent.futures import ProcessPoolExecutor\nprocesses = ProcessPoolExecutor(1)",
        "processes.submit(abs, -1).result()",
    ),
    "spawned Process": (
        "import multiprocessing\nspawn = multiprocessing.get_context('spawn')",
        "process = spawn.Process(target=abs, args=(-1,)); process.start(); process.join()",
    ),
    "forkserver Process": (
        "import multiprocessing\nforkserver = multiprocessing.get_context('forkserver')",
        "process = forkserver.Process(target=abs, args=(-1,)); process.start(); process.join()",
    ),
}
"""The others: what makes ready, and the cell."""

APART = ("trio-parallel", TRIP)
"""In a kernel of their own: after the import of trio-parallel, each process of multiprocessing
imports logging; and a loop can have one guest.
"""

ENDS = [
    "cluster.stop_cluster_sync();",
    "loky.get_reusable_executor().shutdown(); processes.shutdown()",
]


async def measure(plan: Plan) -> list[Table]:
    others = dict(ALTERNATIVES)
    if BARE_INTERPRETERS:
        del others[INTERPRETERS]
    with open_kernel() as client, open_kernel() as apart:

        def cell(source: str, kernel: BlockingKernelClient = client) -> Side:
            async def side() -> float:
                return await run_after_plain(kernel, source)

            return side

        run_cell(client, "%load_ext subint_magic\n%config SubintMagics.spares = 0")
        sides = {PLAIN: cell(SOURCE)}
        for key in plan.keys:
            run_cell(client, f"%%subint -n {key} -b {key}\npass")
            sides[f"anonymous, with a spare: {key}"] = with_spare(client, key)
            sides[f"named: {key}"] = cell(f"%%subint -n {key}\n{SOURCE}")
            sides[f"anonymous, cold: {key}"] = cell(f"%%subint -b {key}\n{SOURCE}")
        for name, (ready, source) in others.items():
            kernel = apart if name in APART else client
            run_cell(kernel, ready)
            sides[name] = cell(source, kernel)
        try:
            taken = await take_turns(sides, plan.pick(30, 3))
        finally:
            for source in ENDS:
                run_cell(client, source)
            run_cell(apart, "trips.stop()")

    plain = taken.pop(PLAIN)
    targets = {"anonymous, with a spare": Target(2), "named": Target(1)}
    order = ["anonymous, with a spare", "named", "anonymous, cold"]
    ours = {f"{kind}: {key}": targets.get(kind) for kind in order for key in plan.keys}
    names = [*ours, *others]
    rows = [loading(plan.pick(7, 1))]
    rows += [Row(name, taken[name], plain, PLAIN, ours.get(name)) for name in names]
    rows += [row for kind in order for row in plan.refusals(f"{kind}: {{}}")]
    if BARE_INTERPRETERS:
        rows.append(Row(INTERPRETERS, reason=BARE_INTERPRETERS))
    magics = ("ipyparallel %%px", "%%script python")
    faster = [
        Row(f"{name}, against {magic}", taken[name], taken[magic], magic, Target(1))
        for name in map("named: {}".format, plan.keys)
        for magic in magics
    ]
    return [
        Table("A cell in a kernel", "ms", Figure.ADDED, rows),
        Table("A named cell, against the other magics", "ms", Figure.RATIO, faster),
    ]


def loading(turns: int) -> Row:
    """Load the extension in new kernels."""
    loads, plain = [], []
    for _ in range(turns):
        with open_kernel() as client:
            run_cell(client, SOURCE)
            plain.append(1000 * run_cell(client, SOURCE))
            loads.append(1000 * run_cell(client, "%load_ext subint_magic"))
    return Row("%load_ext subint_magic", loads, plain, PLAIN, Target(150))


async def run_after_plain(client: BlockingKernelClient, source: str) -> float:
    """Run a cell after a plain one, so that each is measured after the same."""
    run_cell(client, SOURCE)
    await trio.sleep(PAUSE)
    return run_cell(client, source)


def with_spare(client: BlockingKernelClient, key: str) -> Side:
    """A cell that finds a spare; the others find none, nor one that starts meanwhile."""

    async def side() -> float:
        set_spares(client, key, 1)
        seconds = await run_after_plain(client, f"%%subint\n{SOURCE}")
        set_spares(client, key, 0)
        return seconds

    return side
