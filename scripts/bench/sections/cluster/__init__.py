"""Actors on a Dask cluster of processes on this machine, against what Dask does by itself.

trips.py    a cell in an actor that lives, alone and beside many, and the start of one
values.py   an array in and out
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tables import Figure, Row, Table
from turns import cannot

from subint_magic import spawn_methods

if TYPE_CHECKING:
    from turns import Plan

KEY = "dask"


async def measure(plan: Plan) -> list[Table]:
    (reason,) = [status.reason for status in spawn_methods() if status.key == KEY] or ["unknown"]
    if reason:
        return [Table("On a Dask cluster", "ms", Figure.RATIO, [Row(KEY, reason=cannot(reason))])]
    from sections.cluster import trips, values

    return [
        Table(
            "A cell on a Dask cluster",
            "ms",
            Figure.RATIO,
            [*await trips.in_kernel(plan), *await trips.without_kernel(plan)],
            "A target is for the named cell. The scheduler runs in the process that measures.",
        ),
        Table("An array to a Dask cluster and back", "ms", Figure.SPEED, await values.rows(plan)),
    ]
