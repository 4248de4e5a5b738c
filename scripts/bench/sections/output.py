"""Much output of one cell, through a kernel: in an actor, and in a plain cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kernel import LostOutput, open_kernel, run, run_cell
from tables import Figure, Row, Table, Target
from turns import take_turns

if TYPE_CHECKING:
    from turns import Plan, Side


LOST = "MISSED: the kernel has dropped some of it"


@dataclass(frozen=True)
class Work:
    what: str
    source: str
    count: int
    end: str  # of each number, in what is shown
    turns: int
    target: Target | None = None


async def measure(plan: Plan) -> list[Table]:
    lines = Work(
        "lines",
        "for i in range({}): print(i)",
        plan.pick(1_000_000, 50_000),
        end="\n",
        turns=3,
        target=Target(1.2),
    )
    displays = Work(
        "displays",
        "from IPython.display import display\nfor i in range({}): display(i)",
        plan.pick(1_000, 100),
        end="",
        turns=10,
    )
    rows = [row for work in (lines, displays) for row in await measure_work(plan, work)]
    return [Table("Output of a cell", "ms", Figure.RATIO, rows + plan.refusals())]


async def measure_work(plan: Plan, work: Work) -> list[Row]:
    """Measure a cell that shows numbers; what does not show them all has no time."""
    with open_kernel() as client:
        run_cell(client, "%load_ext subint_magic")
        cells = {"plain": work.source.format(work.count)}
        for key in plan.keys:
            run_cell(client, f"%%subint -n {key} -b {key}\npass")
            cells[key] = f"%%subint --quiet -n {key}\n{cells['plain']}"
        expected = "".join(f"{number}{work.end}" for number in range(work.count))
        lost: set[str] = set()

        def side(key: str) -> Side:
            async def show() -> float:
                try:
                    ran = run(client, cells[key])
                except LostOutput:
                    lost.add(key)
                    return math.nan
                if ran.shown != expected:
                    lost.add(key)
                return ran.seconds

            return show

        sides = {key: side(key) for key in cells}
        taken = await take_turns(sides, plan.pick(work.turns, 1), warm_up=0)

    def row(key: str) -> Row:
        name = f"{work.count:,} {work.what}: {key}"
        if key in lost:
            return Row(name, reason=LOST)
        return Row(name, taken[key], taken["plain"], "plain cell", work.target)

    return [row(key) for key in plan.keys]
