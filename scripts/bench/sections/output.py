"""Much output of one cell, through a kernel: in an actor, and in a plain cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel import open_kernel, run_cell
from tables import Figure, Row, Table, Target
from turns import take_turns

if TYPE_CHECKING:
    from turns import Plan, Side

LINES = Target(1.2)


async def measure(plan: Plan) -> list[Table]:
    lines = plan.pick(1_000_000, 50_000)
    displays = plan.pick(1_000, 100)
    work = {
        f"{lines:,} lines": (f"for i in range({lines}): print(i)", plan.pick(3, 1), LINES),
        f"{displays:,} displays": (
            f"from IPython.display import display\nfor i in range({displays}): display(i)",
            plan.pick(10, 2),
            None,
        ),
    }
    rows = []
    with open_kernel() as client:

        def cell(source: str) -> Side:
            async def side() -> float:
                return run_cell(client, source)

            return side

        run_cell(client, "%load_ext subint_magic")
        for key in plan.keys:
            run_cell(client, f"%%subint -n {key} -b {key}\npass")
        for what, (source, turns, target) in work.items():
            sides = {"plain": cell(source)}
            for key in plan.keys:
                sides[key] = cell(f"%%subint -n {key}\n{source}")
            taken = await take_turns(sides, turns, warm_up=0)
            rows += [
                Row(f"{what}: {key}", taken[key], taken["plain"], "plain cell", target)
                for key in plan.keys
            ]
    return [Table("Output of a cell", "ms", Figure.RATIO, rows + plan.refusals())]
