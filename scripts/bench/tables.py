"""What was measured, as data: rows with both sides of each turn, and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Figure(StrEnum):
    """What is made of the two sides of a turn."""

    RATIO = "ratio"
    """Ours by the floor: of what is better when it is small."""
    SPEED = "speed"
    """The floor by ours, so the same as a share of the floor's speed."""
    ADDED = "added"
    """Ours without the floor."""

    def of(self, ours: float, floor: float) -> float:
        if self is Figure.ADDED:
            return ours - floor
        return ours / floor if self is Figure.RATIO else floor / ours


class Spread(NamedTuple):
    """The 50th, 10th and 90th percentile."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        ordered = sorted(values)
        return cls(*(ordered[round(share * (len(ordered) - 1))] for share in (0.5, 0.1, 0.9)))

    def __str__(self) -> str:
        if self.low == self.high:
            return number(self.median)
        return f"{number(self.median)} ({number(self.low)} to {number(self.high)})"


def number(value: float) -> str:
    """Return *value* with about three digits."""
    size = abs(value)
    return f"{value:,.{0 if size >= 100 else 1 if size >= 10 else 2}f}"


@dataclass(frozen=True)
class Target:
    """A bound for the median of a figure."""

    bound: float
    at_most: bool = True

    def verdict(self, value: float) -> str:
        met = value <= self.bound if self.at_most else value >= self.bound
        return f"{'met' if met else 'MISSED'}: {self}"

    def __str__(self) -> str:
        return f"at {'most' if self.at_most else 'least'} {self.bound:g}"


@dataclass(frozen=True)
class Row:
    """One thing that was measured in turns with its floor.

    Attributes:
        name: what it is.
        ours: what it took in each turn, in the unit of its table.
        floor: what its floor took in the same turns.
        against: what its floor is.
        target: the bound of its figure, if it has one.
        reason: why it was not measured; it has no turns then.
    """

    name: str
    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    against: str = ""
    target: Target | None = None
    reason: str = ""

    def figure(self, figure: Figure) -> Spread:
        return Spread.of([figure.of(*turn) for turn in zip(self.ours, self.floor, strict=True)])

    def verdict(self, figure: Figure) -> str:
        return self.target.verdict(self.figure(figure).median) if self.target else ""


@dataclass(frozen=True)
class Table:
    """Rows that are alike.

    Attributes:
        title: says what was measured.
        unit: that of both sides.
        figure: what is made of them.
        rows: what was measured.
        note: what one has to know to read it.
    """

    title: str
    unit: str
    figure: Figure
    rows: list[Row]
    note: str = ""

    @property
    def header(self) -> list[str]:
        figure = f"{self.figure}, {self.unit}" if self.figure is Figure.ADDED else str(self.figure)
        return ["", f"this, {self.unit}", f"floor, {self.unit}", "the floor is", figure, "target"]

    def cells(self, row: Row) -> list[str]:
        """Return a line of the table as text."""
        if row.reason:
            return [row.name, row.reason, "", "", "", ""]
        sides = [str(Spread.of(row.ours)), str(Spread.of(row.floor))]
        figure = str(row.figure(self.figure))
        return [row.name, *sides, row.against, figure, row.verdict(self.figure)]

    def as_data(self) -> dict[str, object]:
        """Return the same as numbers, for JSON."""
        rows: dict[str, object] = {}
        for row in self.rows:
            rows[row.name] = row.reason or {
                "this": Spread.of(row.ours),
                "floor": Spread.of(row.floor),
                "against": row.against,
                "figure": row.figure(self.figure),
                "target": row.verdict(self.figure),
            }
        return {"unit": self.unit, "figure": self.figure, "rows": rows}
