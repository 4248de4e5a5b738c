"""Which actors of many are shown, and the counts of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from subint_magic.notebook.look.kinds import SIGNS, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subint_magic.notebook.look.snapshot import Kind, Row

__all__ = ["Shown", "choose"]

_URGENCY = {kind: rank for rank, kind in enumerate(SIGNS)}


@dataclass(frozen=True)
class Shown:
    """Some rows of many.

    Attributes:
        rows: those that are shown, in the order that they had.
        rest: the others, counted: by backend, and then by kind.
    """

    rows: tuple[Row, ...]
    rest: dict[str, dict[Kind, int]]

    @property
    def left_out(self) -> int:
        """How many are not shown."""
        return sum(sum(counts.values()) for counts in self.rest.values())


def choose(rows: Sequence[Row], most: int) -> Shown:
    """Choose about *most* rows: first what somebody has clicked, then what does most.

    Whoever is above a chosen one in the tree is shown too, so they may be some more.
    """
    if len(rows) <= most + 1:  # a line that says "1 more" is as long as that one
        return Shown(tuple(rows), {})
    above = _parents(rows)
    order = sorted(range(len(rows)), key=lambda at: (not rows[at].note, _URGENCY[rows[at].kind]))
    chosen: set[int] = set()
    for at in order:
        if len(chosen) >= most:
            break
        up: int | None = at
        while up is not None and up not in chosen:
            chosen.add(up)
            up = above[up]
    others: dict[str, list[Kind]] = {}
    for at, row in enumerate(rows):
        if at not in chosen:
            others.setdefault(row.backend, []).append(row.kind)
    return Shown(
        tuple(rows[at] for at in sorted(chosen)),
        {backend: counted(kinds) for backend, kinds in others.items()},
    )


def _parents(rows: Sequence[Row]) -> list[int | None]:
    parents: list[int | None] = []
    line: list[int] = []  # from the root down to the row before
    for at, row in enumerate(rows):
        del line[row.depth :]
        parents.append(line[-1] if line else None)
        line.append(at)
    return parents
